"""The common style of all figures: distinguishable methods, and names that do not overlap."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from unpoison.drawing.labels import label_ends, spread
from unpoison.drawing.looks import LOOKS, SPARE, in_order, look_of
from unpoison.drawing.samples import MOST_LINES, draw_samples
from unpoison.drawing.style import COLUMN_WIDTH, PAGE_WIDTH, PerCent, draw_line, finish
from unpoison.drawing.training_curves import MOST_NAMED, draw_training
from unpoison.poisons import POISONS
from unpoison.unlearning import METHODS

# Machado, Oliveira and Fernandes (2009), severity 1.0: linear RGB as seen with one kind of cone missing.
EYES = {
    "all cones": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}  # fmt: skip


def lab(colour: str, eyes: str) -> np.ndarray:
    """Return a colour in CIE Lab (D65), as seen with these cones."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(EYES[eyes]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ seen / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_method_has_a_look_of_its_own() -> None:
    assert set(METHODS) <= set(LOOKS)


def test_methods_are_told_apart_by_colour_and_marker_and_families_by_line_too() -> None:
    mine = [f"mine{number}" for number in range(3)]
    looks = [look_of(name, mine) for name in (*LOOKS, *mine)]
    for one, other in combinations(looks, 2):
        assert one.label != other.label
        assert (one.colour, one.marker) != (other.colour, other.marker), (one, other)
        assert one.colour != other.colour or one.line != other.line or one in looks[-3:], (one, other)


@pytest.mark.parametrize("eyes", EYES)
def test_families_are_told_apart_by_colour_blind_eyes(eyes: str) -> None:
    colours = sorted({look.colour for look in LOOKS.values()})
    near = {
        pair: round(float(np.linalg.norm(lab(pair[0], eyes) - lab(pair[1], eyes))))
        for pair in combinations(colours, 2)
    }
    assert min(near.values()) >= 15, sorted(near.items(), key=lambda item: item[1])[:3]


def test_an_entry_with_a_name_of_its_own_looks_the_same_in_every_figure() -> None:
    alone = look_of("scrub_long", ["scrub_long"])
    assert look_of("scrub_long", ["retrain", "finetune@length=0.5", "scrub_long"]) == alone
    assert alone.label == "scrub_long"
    many = [f"mine{number}" for number in range(len(SPARE))]
    assert len({(look.colour, look.marker) for look in (look_of(name, many) for name in many)}) == len(SPARE)


def test_methods_come_in_one_order() -> None:
    assert in_order(["mine", "do_nothing", "retrain", "a", "oracle"]) == [
        "oracle",
        "retrain",
        "do_nothing",
        "a",
        "mine",
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10).map(sorted))
def test_names_are_moved_apart_and_stay_within(wanted: list[float]) -> None:
    places = spread(wanted, 0.1)
    assert (np.diff(places) >= 0.1 - 1e-9).all()
    assert places[0] >= -1e-9
    assert places[-1] <= 1 + 1e-9


def test_names_that_have_room_stay_where_their_lines_end() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1).tolist() == pytest.approx([0.1, 0.5, 0.9])


def test_two_names_at_one_place_move_equally_far() -> None:
    assert spread([0.5, 0.5], 0.1).tolist() == pytest.approx([0.45, 0.55])


def drawn(methods: int) -> Figure:
    figure = Figure(figsize=(COLUMN_WIDTH, 2.0), layout="constrained")
    axes = figure.subplots()
    names = list(LOOKS)[:methods]
    for index, name in enumerate(names):
        points = pd.DataFrame({"x": [0.0, 1.0], "mean": [0.5, 0.5 + 0.01 * index], "sd": 0.01, "n": 3})
        points["ci_low"], points["ci_high"] = points["mean"] - 0.02, points["mean"] + 0.02
        draw_line(axes, points, "x", look_of(name, names), 0.0)
    finish(figure, [axes], "a note")
    return figure


def test_few_lines_are_named_at_their_ends_and_many_in_a_legend() -> None:
    few, many = drawn(4), drawn(20)
    assert {text.get_text() for text in few.axes[0].texts} == {
        look.label for look in list(LOOKS.values())[:4]
    }
    assert not few.legends
    assert not many.axes[0].texts
    assert [text.get_text() for text in many.legends[0].get_texts()] == [
        look.label for look in list(LOOKS.values())[:20]
    ]


def test_no_name_covers_another_or_leaves_the_figure() -> None:
    figure = drawn(6)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_a_line_without_values_has_no_name() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0.0, 1.0], [np.nan, np.nan], label="nowhere")
    label_ends(axes)
    assert not axes.texts


def test_type_is_7_to_8_points_and_text_is_text() -> None:
    sizes = {mpl.rcParams[name] for name in ("font.size", "xtick.labelsize", "legend.fontsize")}
    assert sizes <= {7.0, 8.0}
    assert mpl.rcParams["pdf.fonttype"] == 42
    assert (mpl.rcParams["savefig.dpi"], round(PAGE_WIDTH * 25.4)) == (200, 174)


@pytest.mark.parametrize("poison", tiny.planting(POISONS))
def test_a_trigger_is_shown_by_clean_and_poisoned_image_difference_and_label(
    poisoned_data, stored, poison: str
) -> None:
    data = poisoned_data(poison)
    figure = draw_samples(stored, stored, data.rows, data.stamp)
    poisoned = data.rows.of("train").take(data.rows.of("train").is_poisoned)
    panels = np.array(figure.axes).reshape(-1, 4)
    assert 1 <= len(panels) <= MOST_LINES
    assert len(panels) >= min(MOST_LINES, len(np.unique(poisoned.trigger_id)))
    for clean, stamped, difference, words in panels:
        images = [axes.images[0].get_array().astype(int) for axes in (clean, stamped, difference)]
        assert ((images[0] != images[1]) == (images[2] > 0)).all()
        assert "given: " in words.texts[0].get_text()
        assert ("no trigger" in words.texts[0].get_text()) == (images[2].max() == 0)
    assert figure.get_figwidth() == COLUMN_WIDTH


def histories(variants: int, seeds: int, validation: float | None) -> pd.DataFrame:
    """Return histories of three epochs of 100 images for each model; the loss is seed + 1 / epoch."""
    return pd.concat(
        pd.DataFrame({"epoch": [1, 2, 3], "loss": [seed + 1, seed + 1 / 2, seed + 1 / 3], "images": 100})
        .assign(train_accuracy=0.5, validation_accuracy=validation, variant=f"v{number}", seed=seed)
        .astype({"validation_accuracy": float})
        for number in range(variants)
        for seed in range(seeds)
    )


def test_training_curves_are_means_over_seeds_by_image_passes() -> None:
    figure = draw_training(histories(2, 2, None))
    loss, accuracy = figure.axes
    named = {line.get_label(): line for line in loss.lines if not line.get_label().startswith("_")}
    assert set(named) == {"v0", "v1"}
    assert named["v0"].get_xdata().tolist() == [100, 200, 300]
    assert named["v0"].get_ydata().tolist() == pytest.approx([1.5, 1.0, 5 / 6])
    assert len(loss.lines) == len(accuracy.lines) == 2 * (1 + 2)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["v0", "v1"]


def test_training_curves_show_validation_where_there_is_one_and_no_names_where_they_are_many() -> None:
    figure = draw_training(histories(MOST_NAMED + 1, 1, 0.7))
    assert len(figure.axes) == 3
    assert not figure.legends
    assert f"{MOST_NAMED + 1} variants: one seed" in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.2, 0.4, 0.6], ["20%", "40%", "60%"]),
        ([0.93, 0.935, 0.94], ["93.0%", "93.5%", "94.0%"]),
        ([0.9325, 0.935], ["93.25%", "93.50%"]),
    ],
)
def test_no_two_ticks_of_shares_have_one_label(ticks: list[float], labels: list[str]) -> None:
    axes = Figure().subplots()
    axes.set_yticks(ticks)
    axes.yaxis.set_major_formatter(PerCent())
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
