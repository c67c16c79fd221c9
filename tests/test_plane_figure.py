"""The plane figure: cells show counts of healed seeds, markers show detectors with intervals of rates."""

import numpy as np
import pytest
import studies
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from unpoison.drawing.looks import DETECTORS, detector_look
from unpoison.errors import UserError
from unpoison.plots.plane import plot

RECALLS, FPRS = (0.0, 0.5, 1.0), (0.0, 0.4)
REAL = {"loss": (0.74, 0.09), "scan": (0.99, 0.38)}  # the mean of three seeds is 0.01 higher


def left(method: str, keys: dict[str, float], seed: int) -> float:
    """Return the attack left: EU heals at recall 1, and in one of three seeds at 0.5; CF never heals."""
    recall = keys["deletion.recall"]
    return 0.0 if method == "retrain" and (recall == 1.0 or (recall == 0.5 and seed == 0)) else 1.0


def tables(detectors=REAL, other: str = "deletion.fpr", recalls=RECALLS):
    vary = {"deletion.recall": recalls, other: FPRS}
    whole = studies.results(vary, methods=("retrain", "finetune"), detectors=detectors, attack_left=left)
    return studies.tables(whole, ["healed", "summary"])


def cells(axes: Axes) -> dict[tuple[float, float], float]:
    """Return the lightness of the cell around each position."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return {(patch.get_x() + 0.5, patch.get_y() + 0.5): sum(patch.get_facecolor()[:3]) for patch in found}


def counts(axes: Axes) -> dict[tuple[int, int], str]:
    """Return the count that is written in the cell around each position."""
    return {tuple(np.round(text.get_position()).astype(int)): text.get_text() for text in axes.texts}


def test_each_method_has_a_map_of_counts() -> None:
    eu, cf = plot(*tables()).axes
    assert [axes.get_title(loc="left") for axes in (eu, cf)] == ["EU (retrain)", "CF (finetune)"]
    assert counts(eu) == {
        (0, 0): "0/3", (1, 0): "0/3", (0, 1): "1/3", (1, 1): "1/3", (0, 2): "3/3", (1, 2): "3/3",
    }  # fmt: skip
    assert set(counts(cf).values()) == {"0/3"}
    light = cells(eu)
    assert light[0, 0] > light[0, 1] > light[0, 2]


def test_nothing_is_drawn_between_the_cells_that_were_measured() -> None:
    eu, _ = plot(*tables()).axes
    assert len(cells(eu)) == len(RECALLS) * len(FPRS)
    assert not any(hasattr(drawn, "levels") for drawn in eu.collections)  # no contours


def test_a_detector_stands_between_the_values_with_intervals_of_both_rates() -> None:
    whole = plot(*tables({"loss": REAL["loss"]}))
    for axes in whole.axes:
        [markers] = [drawn for drawn in axes.collections if not hasattr(drawn, "get_segments")]
        np.testing.assert_allclose(markers.get_offsets(), [(0.25, 1.5)], atol=1e-9)
        across, down = (
            drawn.get_segments()[0] for drawn in axes.collections if hasattr(drawn, "get_segments")
        )
        half = 4.302653 * 0.01 / 3**0.5  # Student's t interval of three seeds 0.01 apart
        np.testing.assert_allclose(across[:, 0], [0.25 - half / 0.4, 0.25 + half / 0.4], atol=1e-6)
        np.testing.assert_allclose(down[:, 1], [1.5 - half / 0.5, 1.5 + half / 0.5], atol=1e-6)


def test_a_count_is_written_away_from_markers_and_bars() -> None:
    figure = plot(*tables({"loss": (0.89, 0.0), "scan": (0.5, 0.38)}))
    figure.draw_without_rendering()
    for axes in figure.axes:
        markers = [drawn for drawn in axes.collections if not hasattr(drawn, "get_segments")]
        points = [axes.transData.transform(drawn.get_offsets())[0] for drawn in markers]
        for text in axes.texts:
            box = text.get_window_extent().padded(4)
            assert not any(box.contains(*point) for point in points), text


def test_a_detector_far_beyond_the_measured_values_has_a_tick_more_and_one_near_them_none() -> None:
    ticks = {}
    for fpr in (0.42, 0.79):
        _, cf = plot(*tables({"loss": (0.5, fpr)})).axes
        ticks[fpr] = [label.get_text() for label in cf.get_xticklabels()]
    assert ticks == {0.42: ["0 %", "40 %"], 0.79: ["0 %", "40 %", "80 %"]}


def test_every_detector_is_named_in_the_legend_by_the_look_that_it_has_everywhere() -> None:
    figure = plot(*tables({**REAL, "mine": (0.5, 0.1)}))
    [legend] = figure.legends
    shown = {
        text.get_text(): (handle.get_marker(), to_hex(handle.get_color()))
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    looks = [detector_look(name, ["loss", "mine", "scan"]) for name in ("loss", "mine", "scan")]
    assert shown == {look.label: (look.marker, look.colour.lower()) for look in looks}
    assert detector_look("mine", ["mine"]) == looks[1]


def test_every_shipped_detector_has_a_look_of_its_own() -> None:
    from unpoison.detectors import DETECTORS as SHIPPED

    assert set(SHIPPED) <= set(DETECTORS)
    assert len({(look.marker, look.colour) for look in DETECTORS.values()}) == len(DETECTORS)


def test_a_study_without_detectors_has_no_marker_and_no_legend() -> None:
    figure = plot(*tables(None))
    assert not figure.legends
    assert not figure.axes[0].collections


def test_one_method_can_be_asked_for() -> None:
    assert [axes.get_title(loc="left") for axes in plot(*tables(), method="finetune").axes] == [
        "CF (finetune)"
    ]
    with pytest.raises(
        UserError, match="unknown method of the figure plane: 'scrub'; choose from finetune, retrain"
    ):
        plot(*tables(), method="scrub")


def test_broken_networks_are_marked() -> None:
    healed, summary = tables(None)
    eu, _ = plot(healed.assign(broken=(healed["method"] == "retrain").astype(int)), summary).axes
    assert counts(eu)[0, 2] == "3/3*"


def test_the_other_reading_has_its_own_name() -> None:
    _, last = plot(*tables(other="deletion.fdr")).axes
    assert "(FDR)" in last.get_xlabel()
