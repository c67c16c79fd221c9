"""The discovery curve and cost against quality, drawn from a summary of known numbers."""

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from unpoison.drawing.looks import LOOKS, look_of
from unpoison.errors import UserError
from unpoison.plots import cost_quality, discovery

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


def boxes_of(figure: Figure, axes: Axes) -> dict[str, Bbox]:
    """Where the names in a panel are, in pixels, without their hairs."""
    figure.draw_without_rendering()
    return {text.get_text(): Text.get_window_extent(text) for text in axes.texts}


def test_the_names_of_22_methods_cover_no_other_no_point_and_no_reference() -> None:
    names = [name for name in LOOKS if name not in ("oracle", "do_nothing")]
    lines = [
        line(
            name,
            0.9,
            0.0,
            image_passes=[5000.0, 5300.0, 6000.0, 10000.0, 40000.0][place % 5],
            adversarial_accuracy=[0.13, 0.14, 0.2, 0.34, 0.47][place % 4] + 0.004 * place,
            clean_accuracy=0.45,
            forward_passes=0.0,
        )
        for place, name in enumerate(names)
    ]
    for method, height in (("do_nothing", 0.15), ("oracle", 0.47)):
        lines.append(
            line(
                method,
                None,
                None,
                adversarial_accuracy=height,
                clean_accuracy=0.45,
                image_passes=1.0,
                forward_passes=0.0,
            )
        )
    table = pd.DataFrame([*chain(*lines)])
    figure = cost_quality.plot(table, recall=0.9)
    axes = figure.axes[0]
    named = boxes_of(figure, axes)
    assert set(named) == {look_of(name, names).label for name in LOOKS}
    assert not [pair for pair in combinations(named, 2) if named[pair[0]].overlaps(named[pair[1]])]
    points = axes.transData.transform(
        [points.get_offsets()[0] for points in axes.collections if len(points.get_offsets()) == 1]
    )
    for name, box in named.items():
        assert not any(box.contains(*point) for point in points), name
    across = [axes.transData.transform((1, height))[1] for height in (0.15, 0.47)]
    crossed = [name for name, box in named.items() if any(box.y0 < height < box.y1 for height in across)]
    assert not set(crossed) - {"oracle", "do nothing"}
    assert all(box.x1 <= figure.bbox.x1 for box in named.values())


def test_two_references_of_one_height_are_both_named(summary: pd.DataFrame) -> None:
    same = summary.assign(mean=summary["mean"].where(summary["method"] != "do_nothing", 0.849))
    named = boxes_of(figure := cost_quality.plot(same), figure.axes[1])
    assert not named["oracle"].overlaps(named["do nothing"])


def test_all_intervals_are_in_sight_but_no_accuracy_beyond_0_and_1(summary: pd.DataFrame) -> None:
    wide = summary.assign(ci_low=summary["mean"] - 0.1, ci_high=summary["mean"] + 5)
    low, high = cost_quality.plot(wide).axes[0].get_ylim()
    assert (low, high) == (-0.02, 1.02)
    low, high = (
        cost_quality.plot(summary[summary["deletion.fpr"] != 0.1].drop(columns="deletion.fpr"), recall=0.6)
        .axes[0]
        .get_ylim()
    )
    assert 0 < low < 0.13
    assert 0.87 < high < 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_names_of_a_users_own_and_too_few_seeds_for_an_interval_are_drawn(
    summary: pd.DataFrame, seeds: int
) -> None:
    own = summary.replace({"method": {"scrub": "mine", "ssd": "yours"}}).assign(n=seeds)
    panel, _, _ = cost_quality.plot(own, recall=1.0).axes
    assert {"mine", "yours", "EU (retrain)"} <= {text.get_text() for text in panel.texts}
    bars = [part for part in panel.collections if hasattr(part, "get_segments")]
    assert len(bars) == (len(METHODS) + 1) * (seeds > 2)


def test_a_recall_that_was_not_measured_is_refused(summary: pd.DataFrame) -> None:
    with pytest.raises(
        UserError, match=r"unknown recall of the figure cost_quality: '0.5'; choose from 0.2, 0.6, 1.0"
    ):
        cost_quality.plot(summary, recall=0.5)


def test_a_study_of_one_fpr_has_one_panel_of_costs(summary: pd.DataFrame) -> None:
    plain = summary[summary["deletion.fpr"].fillna(0) == 0].drop(columns="deletion.fpr")
    assert len(cost_quality.plot(plain).axes) == 1 + 1  # and the bar
    assert len(discovery.plot(plain).axes[0].containers) == 2
