"""The plane as drawn: its colours are the gains, its line is where there is none, its markers are detectors."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from unpoison.levels import IDENTITY
from unpoison.plots.plane import plot
from unpoison.statistics import summarise

RECALLS, FPRS = (0.0, 0.5, 1.0), (0.0, 0.4)
SEEDS = 3


def summary(robust: str = "adversarial_accuracy", key: str = "deletion.fpr") -> pd.DataFrame:
    """One method that gains 50 points at most and loses 40 by false alarms, and a detector of two thresholds."""
    cells = [("plane", None, "do_nothing", None, None, None), ("real", None, "do_nothing", None, None, None)]
    cells += [
        ("plane", f"{recall} {fpr}", "retrain", None, recall, fpr)
        for recall in RECALLS
        for fpr in FPRS
        if recall or fpr
    ]
    cells += [("real", f"top {fpr}", "retrain", "loss", 0.75, fpr) for fpr in (0.1, 0.2)]
    lines = [
        (study, "d", "p", "t", seed, deletion, method, detector, metric, 0.2 + gain, recall, fpr)
        for seed in range(SEEDS)
        for study, deletion, method, detector, recall, fpr in cells
        for metric, gain in ((robust, 0.5 * (recall or 0) - (fpr or 0)), ("clean_accuracy", -(fpr or 0) / 4))
    ]
    table = pd.DataFrame(lines, columns=[*IDENTITY, "detector", "metric", "value", "recall", "fpr"])
    table = table.assign(class_name=None, unit="share", higher_is_better=True, fdr=table["fpr"])
    table["attack"] = "planted"
    drawn = table["detector"].isna()
    table["recall"] += 0.01 * table["seed"].where(~drawn, 0)
    table["deletion.recall"], table[key] = table["recall"].where(drawn), table["fpr"].where(drawn)
    return summarise(table)


def maps(figure: Figure) -> list:
    """The panels: adversarial and clean accuracy."""
    return [axes for axes in figure.axes if axes.get_title()]


def test_the_colours_are_the_points_gained_over_doing_nothing() -> None:
    adversarial, clean = maps(plot(summary()))
    np.testing.assert_allclose(
        adversarial.collections[0].get_array().reshape(3, 2), [[0, -40], [25, -15], [50, 10]]
    )
    np.testing.assert_allclose(clean.collections[0].get_array().reshape(3, 2), [[0, -10]] * 3)
    assert [text.get_text() for text in adversarial.texts] == ["0", "-40", "+25", "-15", "+50", "+10"]


def test_the_line_runs_where_nothing_is_gained() -> None:
    adversarial, _ = maps(plot(summary()))
    [contour] = [drawn for drawn in adversarial.collections if hasattr(drawn, "levels")]
    ends = contour.get_paths()[0].vertices
    assert any(np.allclose(point, (1, 1.6)) for point in ends)  # at FPR 0.4: 0.6 of the way from -15 to +10


def test_clean_accuracy_has_no_such_line() -> None:
    """It falls by a few points, and noise alone takes it across zero."""
    names = ["adversarial_accuracy", "clean_accuracy"]
    _, clean = maps(plot(summary().replace({"metric": dict(zip(names, names[::-1], strict=True))})))
    assert clean.collections[0].get_array().max() > 0 > clean.collections[0].get_array().min()
    assert not any(hasattr(drawn, "levels") for drawn in clean.collections)


def test_a_detector_stands_between_the_measured_values_with_intervals_both_ways() -> None:
    adversarial, _ = maps(plot(summary()))
    markers = adversarial.collections[-1]
    np.testing.assert_allclose(markers.get_offsets(), [(0.25, 1.52), (0.5, 1.52)])  # recall 0.76 on the mean
    np.testing.assert_allclose(markers.get_array(), [28, 18], atol=2)


def test_a_detector_beyond_the_measured_values_stands_where_it_is_and_not_at_their_end() -> None:
    whole = summary()
    adversarial, _ = maps(plot(whole[whole["deletion.recall"].isna() | (whole["deletion.recall"] == 1)]))
    assert [text.get_text() for text in adversarial.texts] == ["0", "?", "+50", "+10"]
    [markers] = [drawn for drawn in adversarial.collections if len(drawn.get_offsets()) == 2]
    np.testing.assert_allclose(markers.get_offsets()[:, 1], 0.76)
    assert [label.get_text() for label in adversarial.get_yticklabels()] == ["0 %", "100 %"]


def test_a_study_without_detectors_has_no_marker() -> None:
    whole = summary()
    figure = plot(whole[whole["study"] == "plane"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no gain, no loss"]


@pytest.mark.parametrize(
    ("robust", "title"),
    [
        ("confused_accuracy", "confused classes (no trigger)"),
        ("corrected_accuracy", "mislabelled rows (no trigger)"),
    ],
)
def test_without_a_trigger_the_map_says_what_it_shows_instead(robust: str, title: str) -> None:
    adversarial, _ = maps(plot(summary(robust)))
    assert title in adversarial.get_title()


def test_the_other_reading_has_its_own_name() -> None:
    adversarial, _ = maps(plot(summary(key="deletion.fdr")))
    assert "(FDR)" in adversarial.get_xlabel()
