"""The discovery curve and cost against quality, drawn from a summary of known numbers."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from unpoison.errors import UserError
from unpoison.plots import cost_quality, discovery
from unpoison.plots._style import look_of

METHODS = ("retrain", "finetune", "scrub", "ssd")
RECALLS, FPRS = (0.2, 0.6, 1.0), (0.0, 0.1)


def line(method: str, recall: float | None, fpr: float | None, **means: float) -> list[dict]:
    place = {"method": method, "deletion.recall": recall, "deletion.fpr": fpr, "class_name": None}
    return [
        {
            **place,
            "metric": metric,
            "mean": mean,
            "sd": 0.01,
            "n": 3,
            "ci_low": mean - 0.02,
            "ci_high": mean + 0.02,
        }
        for metric, mean in means.items()
    ]


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    lines = []
    for number, method in enumerate(METHODS):
        for recall in RECALLS:
            for fpr in FPRS:
                cost = {"image_passes": 1000.0 * 10**number, "forward_passes": 500.0}
                accuracy = {
                    "adversarial_accuracy": 0.5 * recall + 0.1 * number - fpr,
                    "clean_accuracy": 0.9 - fpr,
                }
                lines += line(method, recall, fpr, **accuracy, **cost)
    for method, height in (("do_nothing", 0.15), ("oracle", 0.85), ("fine_pruning", 0.4)):
        cost = {"image_passes": 9.0, "forward_passes": 0.0}
        lines += line(method, None, None, adversarial_accuracy=height, clean_accuracy=0.9, **cost)
    return pd.DataFrame(lines)


def test_every_method_has_a_panel_with_a_line_for_each_fpr(summary: pd.DataFrame) -> None:
    figure = discovery.plot(summary)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    labels = [look_of(name, METHODS).label for name in (*METHODS, "fine_pruning")]
    assert list(panels) == labels
    lines = {drawn.get_label(): drawn[0].get_ydata() for drawn in panels["SCRUB"].containers}
    assert lines["scrub adversarial_accuracy 0.0"].tolist() == pytest.approx([0.3, 0.5, 0.7])
    assert lines["scrub adversarial_accuracy 0.1"].tolist() == pytest.approx([0.2, 0.4, 0.6])
    assert lines["scrub clean_accuracy 0.1"].tolist() == pytest.approx([0.8] * 3)


def test_the_references_are_drawn_across_and_a_method_without_a_deletion_set_too(
    summary: pd.DataFrame,
) -> None:
    figure = discovery.plot(summary)
    for axes in figure.axes[:5]:
        across = [drawn.get_ydata()[0] for drawn in axes.lines if len(set(drawn.get_xdata())) == 2]
        assert {0.15, 0.85} <= set(across)
    pruned = figure.axes[4].containers[-1][0]
    assert (pruned.get_xdata().tolist(), pruned.get_ydata().tolist()) == (list(RECALLS), [0.4] * 3)


@pytest.mark.parametrize(("least", "top"), [(1.0, 1.0), (0.5, 0.5)])
def test_every_panel_ends_at_the_same_tenth_above_what_is_drawn(
    summary: pd.DataFrame, least: float, top: float
) -> None:
    columns = ["mean", "ci_low", "ci_high"]
    figure = discovery.plot(summary.assign(**summary[columns] * least))
    assert {round(axes.get_ylim()[1], 6) for axes in figure.axes} == {round(top + 0.02, 6)}


def test_cost_is_all_passes_and_a_point_stands_where_its_numbers_are(summary: pd.DataFrame) -> None:
    figure = cost_quality.plot(summary, recall=0.6)
    for axes, fpr in zip(figure.axes, FPRS, strict=False):
        points = np.array(
            [points.get_offsets()[0] for points in axes.collections if len(points.get_offsets()) == 1]
        )
        shown = {(round(x), round(y, 3)) for x, y in points}
        expected = {(1000 * 10**n + 500, round(0.3 + 0.1 * n - fpr, 3)) for n in range(4)} | {(9, 0.4)}
        assert expected <= shown
        assert axes.get_xscale() == "log"


def test_no_name_of_a_point_covers_another(summary: pd.DataFrame) -> None:
    figure = cost_quality.plot(summary)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    assert len(boxes) == 5 + 2
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_recall_that_was_not_measured_is_refused(summary: pd.DataFrame) -> None:
    with pytest.raises(
        UserError, match=r"unknown recall of the figure cost_quality: '0.5'; choose from 0.2, 0.6, 1.0"
    ):
        cost_quality.plot(summary, recall=0.5)


def test_a_study_of_one_fpr_has_one_panel_of_costs(summary: pd.DataFrame) -> None:
    plain = summary[summary["deletion.fpr"].fillna(0) == 0].drop(columns="deletion.fpr")
    assert len(cost_quality.plot(plain).axes) == 1 + 1  # and the bar
    assert len(discovery.plot(plain).axes[0].containers) == 2
