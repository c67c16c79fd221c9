"""Figures of healed seeds: dots, cells and colours match known counts."""

import pandas as pd
import pytest
import studies
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from unpoison.drawing.looks import family_of, look_of
from unpoison.errors import UserError
from unpoison.plots import dose_response, heatmap
from unpoison.proportions import jeffreys

RECALLS, FPRS = [0.2, 0.6, 1.0], [0.0, 0.1]
METHODS = ("retrain", "scrub", "ssd", "lfssd", "fine_pruning", "mine")


def left(method: str, keys: dict[str, float], seed: int) -> float:
    """Return the attack left: EU heals at recall 1, and one seed at 0.6; SSD always; fine-pruning half."""
    recall = keys.get("deletion.recall", 0.0)
    if method == "retrain":
        return 0.0 if recall == 1.0 or (recall == 0.6 and seed == 0) else 1.0
    return {"ssd": 0.0, "fine_pruning": float(seed % 2)}.get(method, 1.0)


def healed(**vary: list[float]) -> pd.DataFrame:
    keys = {f"deletion.{name}": values for name, values in vary.items()}
    whole = studies.results(keys, methods=METHODS, seeds=4, attack_left=left)
    return studies.tables(whole, ["healed"])[0]


def panels(figure: Figure) -> dict[str, Axes]:
    return {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}


def dots(axes: Axes, label: str) -> tuple[list[float], list[tuple[float, float]]]:
    """Return the heights of a method's dots and the ends of their bars."""
    [drawn] = [found for found in axes.containers if found.get_label() == label]
    line, _, [bars] = drawn
    return line.get_ydata().tolist(), [(part[0, 1], part[1, 1]) for part in bars.get_segments()]


def test_each_family_has_a_panel_with_the_share_of_healed_seeds_and_its_jeffreys_interval() -> None:
    found = panels(dose_response.plot(healed(recall=RECALLS)))
    assert list(found) == [
        "retraining",
        "relabelling and distillation",
        "dampening",
        "own methods",
        "repair by trusted rows: no deletion set",
    ]
    heights, bars = dots(found["retraining"], "EU (retrain)")
    assert heights == [0.0, 0.25, 1.0]
    assert [pytest.approx(bar) for bar in bars] == [jeffreys(0, 4), jeffreys(1, 4), jeffreys(4, 4)]


def test_a_repair_without_a_deletion_set_is_one_dot_and_not_one_for_each_recall() -> None:
    found = panels(dose_response.plot(healed(recall=RECALLS)))["repair by trusted rows: no deletion set"]
    assert dots(found, "fine-pruning") == ([0.5], [pytest.approx(jeffreys(2, 4))])
    assert [label.get_text() for label in found.get_xticklabels()] == ["fine-pruning"]


def test_methods_of_a_family_differ_by_colour_and_marker() -> None:
    axes = panels(dose_response.plot(healed(recall=RECALLS)))["dampening"]
    looks = {(drawn[0].get_color(), drawn[0].get_marker()) for drawn in axes.containers}
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 2


def test_each_fpr_is_a_column_of_panels() -> None:
    figure = dose_response.plot(healed(recall=RECALLS, fpr=FPRS))
    assert [axes.get_title() for axes in figure.axes[:2]] == ["FPR 0 %", "FPR 10 %"]
    assert len(figure.axes) == 4 * 2 + 1


def counts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_heatmap_writes_the_counts_of_the_best_method_first() -> None:
    [axes] = heatmap.plot(healed(recall=RECALLS)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        look_of(name, METHODS).label for name in ("ssd", "fine_pruning", "retrain", "lfssd", "mine", "scrub")
    ]
    rows: dict[int, list[str]] = {}
    for text in axes.texts:
        rows.setdefault(int(text.get_position()[1]), []).append(text.get_text())
    assert rows[0] == ["4/4"] * 3
    assert rows[1] == ["2/4 without a deletion set"]
    assert rows[2] == ["0/4", "1/4", "4/4"]


def test_darker_cells_have_more_healed_seeds() -> None:
    [axes] = heatmap.plot(healed(recall=RECALLS)).axes
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    light = {tuple(cell.get_xy()): sum(cell.get_facecolor()[:3]) for cell in cells}
    assert light[0, 2] > light[1, 2] > light[2, 2] == light[2, 0]


def test_broken_networks_are_marked_and_cells_without_an_outcome_are_hatched() -> None:
    table = healed(recall=RECALLS)
    first = (table["method"] == "scrub") & (table["deletion.recall"] == 1.0) & table["class_name"].isna()
    figure = heatmap.plot(table.assign(broken=table["broken"].mask(first, 2), n=table["n"].mask(first, 4)))
    assert sum(isinstance(patch, Polygon) for patch in figure.axes[0].patches) == 1
    assert "corner: at least one network is broken" in figure.get_supxlabel().replace("\n", " ")
    unknown = heatmap.plot(table.assign(n=table["n"].mask(first, 0)))
    assert [patch.get_hatch() for patch in unknown.axes[0].patches if patch.get_hatch()] == ["////"]
    assert "hatched, without an outcome: 1" in unknown.get_supxlabel().replace("\n", " ")


def test_counts_of_forty_seeds_fit_in_their_cells() -> None:
    table = healed(recall=[0.1 * step for step in range(1, 11)], fpr=FPRS).assign(n=40)
    figure = heatmap.plot(table)
    figure.draw_without_rendering()
    for axes in figure.axes:
        cell = axes.get_window_extent().width / 10
        assert (
            max(text.get_window_extent().width for text in axes.texts if "without" not in text.get_text())
            < cell
        )


@pytest.mark.parametrize("plot", [dose_response.plot, heatmap.plot])
def test_a_table_without_judged_deletion_sets_is_refused(plot) -> None:
    table = healed(recall=RECALLS)
    with pytest.raises(UserError, match="found no model with a deletion set"):
        plot(table[table["deletion"].isna()])


def test_every_shipped_method_has_a_family_and_a_users_is_an_own_method() -> None:
    assert family_of("scrub") == "relabelling and distillation"
    assert family_of("mine") == "own methods"
