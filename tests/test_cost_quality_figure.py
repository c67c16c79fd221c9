"""The cost-quality figure, drawn from tables of known numbers."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import studies
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from unpoison.drawing.apart import moved_apart
from unpoison.drawing.counts import COLOURS
from unpoison.drawing.looks import LOOKS, look_of
from unpoison.errors import UserError
from unpoison.plots.cost_quality import MARKER, plot

METHODS = ("retrain", "finetune", "scrub", "ssd")
RECALLS, FPRS = [0.2, 0.6, 1.0], [0.0, 0.1]


def tables(
    methods: tuple[str, ...] = METHODS, seeds: int = 3, without: tuple[str, ...] = (), **vary: list[float]
) -> list[pd.DataFrame]:
    keys = {f"deletion.{name}": values for name, values in (vary or {"recall": RECALLS}).items()}
    whole = studies.results(keys, methods=methods, seeds=seeds)
    return studies.tables(whole[~whole["metric"].isin(without)], ["summary", "healed"])


def marks(axes: Axes) -> list[tuple[float, float]]:
    """Return the positions of the markers, in data coordinates."""
    return [(float(x), float(y)) for part in scatters(axes) for x, y in part.get_offsets()]


def scatters(axes: Axes) -> list[Any]:
    """Return the drawn markers, without the interval bars."""
    return [part for part in axes.collections if not hasattr(part, "get_segments")]


def boxes_of(figure: Figure, axes: Axes) -> dict[str, Bbox]:
    """Return the boxes of the names in a panel, in pixels, without leader lines."""
    figure.draw_without_rendering()
    return {text.get_text(): Text.get_window_extent(text) for text in axes.texts}


def test_passes_are_weighted_and_seconds_have_a_panel_of_their_own() -> None:
    passes, seconds = plot(*tables(without=("tuning_passes",)), recall=0.6).axes
    assert (passes.get_xlabel(), seconds.get_xlabel()) == ("weighted passes", "seconds in the run")
    assert [x for x, _ in marks(passes)] == pytest.approx([3500 * 3**place for place in range(4)])
    assert [x for x, _ in marks(seconds)] == pytest.approx([2 * 3**place for place in range(4)])
    assert {round(y, 6) for _, y in marks(passes)} == {0.58}
    assert passes.get_xscale() == seconds.get_xscale() == "log"


def test_the_metric_of_weighted_passes_stands_where_there_is_one() -> None:
    summary, healed = tables(without=("tuning_passes",))
    measured = summary[summary["metric"] == "image_passes"].assign(metric="weighted_passes", mean=77.0)
    passes, _ = plot(pd.concat([summary, measured]), healed).axes
    assert min(x for x, _ in marks(passes)) < 77 < max(x for x, _ in marks(passes)) < 200  # moved apart


def test_tuning_is_a_second_hollow_marker_that_a_line_ties_to_the_first() -> None:
    passes, seconds = plot(*tables(), recall=0.6).axes
    assert sorted(x for x, _ in marks(passes)) == pytest.approx(
        sorted(whole * 3**place for place in range(4) for whole in (3500, 7500))
    )
    tied = [np.round(line.get_xdata(), 3).tolist() for line in passes.lines]
    assert [3500.0, 7500.0] in tied
    assert len(marks(seconds)) == 4
    assert "small: with tuning" in key_of(passes)


def key_of(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_figure().legends[0].get_texts()]


def test_the_key_names_families_by_outline_and_healed_seeds_by_fill() -> None:
    passes, _ = plot(*tables(), recall=0.6).axes
    assert key_of(passes)[:4] == [
        "retraining",
        "further training",
        "relabelling and distillation",
        "dampening",
    ]
    assert {"no seed healed", "all seeds healed"} <= set(key_of(passes))


@pytest.mark.parametrize(("recall", "share"), [(0.2, 0.0), (0.6, 1.0)])
def test_the_fill_is_the_share_of_healed_seeds(recall: float, share: float) -> None:
    passes, _ = plot(*tables(without=("tuning_passes",)), recall=recall).axes
    first = scatters(passes)[0]
    assert to_rgb(first.get_facecolor()[0]) == pytest.approx(to_rgb(COLOURS(share)))
    assert to_rgb(first.get_edgecolor()[0]) == pytest.approx(to_rgb(LOOKS["retrain"].colour))


def test_the_references_are_lines_across_and_named_once() -> None:
    figure = plot(*tables(), recall=0.6)
    for axes in figure.axes:
        across = {round(line.get_ydata()[0], 6) for line in axes.lines if list(line.get_xdata()) == [0, 1]}
        assert across == {0.1, 0.9}
    named = boxes_of(figure, figure.axes[1])
    assert not named["oracle"].overlaps(named["do nothing"])


def test_the_names_of_22_methods_cover_no_other_and_no_marker_covers_another() -> None:
    names = tuple(name for name in LOOKS if name not in ("oracle", "do_nothing"))
    summary, healed = tables(names, without=("tuning_passes",))
    place = summary["method"].map({name: number for number, name in enumerate(names)})
    costs = place.map(
        lambda number: [5000.0, 5300.0, 6000.0, 10000.0, 40000.0][int(number or 0) % 5], "ignore"
    )
    heights = place.map(
        lambda number: [0.13, 0.14, 0.2, 0.34, 0.47][int(number) % 4] + 0.002 * number, "ignore"
    )
    is_cost, is_height = summary["metric"] == "image_passes", summary["metric"] == "adversarial_accuracy"
    mean = summary["mean"].mask(is_cost & place.notna(), costs).mask(is_height & place.notna(), heights)
    figure = plot(summary.assign(mean=mean, ci_low=mean - 0.01, ci_high=mean + 0.01), healed)
    for axes in figure.axes[:1]:
        named = boxes_of(figure, axes)
        assert set(named) == {look_of(name, names).label for name in names}
        assert not [pair for pair in combinations(named, 2) if named[pair[0]].overlaps(named[pair[1]])]
        points = axes.transData.transform(marks(axes))
        unit = figure.dpi / 72
        assert min(np.hypot(*(one - other)) for one, other in combinations(points, 2)) >= MARKER * unit
        for name, box in named.items():
            assert not any(box.contains(*point) for point in points), name
            assert box.x1 <= figure.bbox.x1, name


def test_markers_move_sideways_as_little_as_can_be() -> None:
    places = np.array([(0.0, 0.0), (1.0, 0.0), (50.0, 0.0), (0.0, 30.0)])
    moved = moved_apart(places, 10.0)
    assert moved[[0, 2, 3]].tolist() == places[[0, 2, 3]].tolist()
    assert moved[1].tolist() == [11.0, 0.0]


def test_all_intervals_are_in_sight_but_no_accuracy_beyond_0_and_1() -> None:
    summary, healed = tables()
    wide = summary.assign(ci_low=summary["mean"] - 0.1, ci_high=summary["mean"] + 5)
    low, high = plot(wide, healed).axes[0].get_ylim()
    assert high == 1.02
    assert -0.02 <= low < 0.1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_names_of_a_users_own_and_too_few_seeds_for_an_interval_are_drawn(seeds: int) -> None:
    panel, _ = plot(*tables(("retrain", "mine", "yours"), seeds)).axes
    assert {"mine", "yours", "EU (retrain)"} <= {text.get_text() for text in panel.texts}
    bars = [part for part in panel.collections if hasattr(part, "get_segments")]
    assert len(bars) == 3 * (seeds > 2)


def test_a_recall_that_was_not_measured_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"unknown recall of the figure cost_quality: '0.5'; choose from 0.2, 0.6, 1.0"
    ):
        plot(*tables(), recall=0.5)


def test_each_fpr_is_a_row_of_panels() -> None:
    figure = plot(*tables(recall=RECALLS, fpr=FPRS))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "recall 100 %, FPR 0 %",
        "",
        "recall 100 %, FPR 10 %",
        "",
    ]
