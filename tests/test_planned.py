"""Sentences on planned contrasts: they claim difference or equivalence only where a test shows it."""

import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.report.planned import contrast_findings
from unpoison.report.words import Finding

MINUS = "\N{MINUS SIGN}"
ASKED = {
    "metric": "clean_accuracy",
    "methods": ["retrain", "finetune"],
    "along": {},
    "at": {"deletion.recall": 0.9},
    "class_name": None,
    "margin": None,
}
ROW = {
    "difference": 0.081,
    "low": 0.079,
    "high": 0.083,
    "n": 8,
    "p": 0.001,
    "p_adjusted": 0.002,
    "untrained": 0,
    "unit": "share",
}

OPEN = {"difference": 0.01, "low": -0.03, "high": 0.05}


def told(row: dict = {}, asked: dict = {}) -> Finding:  # noqa: B006
    """Return the finding of one contrast: a significant difference of 8.1 points, with the given changes."""
    line = {**dict.fromkeys(TABLES["contrasts"].columns), **ROW, **row, "study": "s", "contrast": "x"}
    (finding,) = contrast_findings(pd.DataFrame([line]), {"x": {**ASKED, **asked}})
    return finding


def test_what_the_corrected_test_shows_is_claimed_with_interval_seeds_and_p() -> None:
    assert told() == Finding(
        "claim",
        "Clean accuracy, EU minus CF at recall 0.9: 8.1 points [7.9, 8.3] (8 seeds, adjusted p = 0.002).",
    )
    assert "adjusted p < 0.001" in told({"p_adjusted": 0.0004}).text


@pytest.mark.parametrize(
    ("row", "kind", "end"),
    [
        ({"p_adjusted": 0.06}, "open", "The corrected test does not show a difference."),
        ({**OPEN, "p_adjusted": 0.4}, "open", "No difference larger than 5.0 points was found."),
        ({**OPEN, "p_adjusted": 0.04}, "open", "No difference larger than 5.0 points was found."),
        ({"n": 4, "p": None, "p_adjusted": None}, "few", "Too few seeds for a test."),
        ({"n": 1, "low": None, "high": None, "p_adjusted": None}, "few", "Too few seeds for a test."),
    ],
)  # fmt: skip
def test_what_is_not_shown_is_not_claimed(row: dict, kind: str, end: str) -> None:
    found = told(row)
    assert found.kind == kind
    assert found.text.endswith(end)


def test_equivalence_is_told_within_its_margin_or_as_not_shown() -> None:
    near = {"difference": -0.001, "low": -0.006, "high": 0.004, "p_adjusted": 0.8, "margin": 0.01}
    found = told({**near, "equivalent": True})
    assert found.kind == "claim"
    assert found.text.endswith(
        "No difference larger than 0.6 points was found. Equivalent within 1.0 points."
    )
    found = told({**near, "low": -0.02, "equivalent": False})
    assert found.kind == "open"
    assert found.text.endswith("Not shown to be equivalent within 1.0 points.")


def test_a_change_along_a_key_names_both_values_and_the_class() -> None:
    asked = {
        "along": {"dataset.keep.cat": [0.2, 1.0]},
        "at": {},
        "class_name": "cat",
        "methods": ["retrain", "do_nothing"],
    }
    found = told({"difference": -0.05, "low": -0.06, "high": -0.04}, asked)
    assert found.text.startswith(
        "Clean accuracy of cat, EU minus doing nothing, from cat images kept 0.2 to 1: "
        f"{MINUS}5.0 points [{MINUS}6.0, {MINUS}4.0]"
    )


def test_healed_names_the_discordant_seeds() -> None:
    found = told({"first_only": 7, "second_only": 1}, {"metric": "healed"})
    assert found.text.startswith("Share of seeds healed, EU minus CF at recall 0.9: 8.1 points")
    assert (
        "(8 seeds, 7 healed by the first alone and 1 by the second alone, adjusted p = 0.002)" in found.text
    )


def test_references_that_did_not_train_are_a_warning() -> None:
    without = {"trained_n": 6, "trained_difference": 0.07, "trained_low": 0.05, "trained_high": 0.09}
    assert told({"untrained": 3, **without}).text.endswith(
        "3 of the compared base models have a reference model that did not train. Without their seeds: 7.0 points "
        "[5.0, 9.0] (6 seeds)."
    )
    assert told({"untrained": 1, **without, "trained_n": 1, "trained_low": None}).text.endswith(
        "1 of the compared base models has a reference model that did not train. Without its seed: 7.0 points "
        "(1 seed)."
    )
    assert told({"untrained": 3, "trained_n": 0}).text.endswith("that did not train. No other seed is left.")


def test_other_units_are_named() -> None:
    found = told(
        {"difference": -1200.0, "low": -1300.0, "high": -1100.0, "unit": "images"}, {"metric": "image_passes"}
    )
    assert f"{MINUS}1,200 images [{MINUS}1,300, {MINUS}1,100]" in found.text


def test_without_a_common_seed_the_reason_is_told() -> None:
    found = told(
        {"n": 0, "difference": None, "low": None, "p_adjusted": None, "reason": "no seed has every model"}
    )
    assert found == Finding(
        "open",
        "Clean accuracy, EU minus CF at recall 0.9: nothing to compare, because no seed has every model.",
    )
