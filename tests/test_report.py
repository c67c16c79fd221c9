"""The report says what the tables hold, and nothing that they do not."""

import re

import numpy as np
import pandas as pd
import pytest

from unpoison.report.findings import findings
from unpoison.report.words import key_label, points, setting, span
from unpoison.statistics import paired, summarise

GAINS = {"retrain": 0.08, "finetune": 0.0, "do_nothing": -0.3, "oracle": 0.1}


def results(
    seeds: int, *, gains: dict[str, float] = GAINS, ratios: tuple[float, ...] = (0.2,), spread: float = 0.004
):
    """A results table in which the adversarial accuracy of a method is 0.7, its gain, and a little noise."""
    rng = np.random.default_rng(0)
    lines = []
    for ratio in ratios:
        for seed in range(seeds):
            shared = 0.05 * rng.standard_normal()
            for method, gain in gains.items():
                reference = method in ("do_nothing", "oracle")
                for metric, value in (("adversarial_accuracy", 0.7 + gain), ("clean_accuracy", 0.75)):
                    noise = shared + spread * rng.standard_normal()
                    lines.append((seed, method, None if reference else "found", ratio, metric, value + noise))
    table = pd.DataFrame(lines, columns=["seed", "method", "deletion", "dataset.keep.cat", "metric", "value"])
    fixed = {"study": "imbalance", "poison": "swap", "training": "net", "class_name": None, "unit": "share"}
    table = table.assign(**fixed, higher_is_better=True, detector=None, recall=1.0, fdr=0.0, fpr=0.0)
    table["dataset"] = "pair@" + table["dataset.keep.cat"].astype(str)
    return table.astype({"class_name": "string", "deletion": "string"})


def said(table: pd.DataFrame) -> dict[str, list[str]]:
    """The findings of a results table, by their kind."""
    found: dict[str, list[str]] = {}
    for finding in findings(summarise(table), paired(table)):
        found.setdefault(finding.kind, []).append(finding.text)
    return found


def test_a_difference_that_is_there_is_claimed_with_its_interval() -> None:
    table = results(8)
    claims = said(table)["claim"]
    row = (
        paired(table)
        .query("metric == 'adversarial_accuracy' and method == 'finetune' and other == 'retrain'")
        .iloc[0]
    )
    amount = f"{points(-row['difference'])} points [{points(-row['ci_high'])}, {points(-row['ci_low'])}]"
    assert claims[0] == f"EU beats CF by {amount} on the adversarial test at cat images kept 0.2 (8 seeds)."
    assert claims[1].startswith("EU beats doing nothing by ")
    assert not any("clean test" in claim for claim in claims)


def test_where_the_interval_holds_zero_nothing_is_claimed() -> None:
    found = said(results(8, gains=GAINS | {"retrain": 0.0}, spread=0.02))
    assert any(
        "cannot be told apart on the adversarial test: the interval holds zero" in text
        for text in found["open"]
    )
    assert not any("beats CF" in text or "beats EU" in text for text in found["claim"])


def test_of_too_few_seeds_nothing_is_claimed_however_large_the_difference() -> None:
    found = said(results(4))
    assert set(found) == {"measured", "few"}
    assert re.match(
        r"EU is 8\.\d points above CF on the adversarial test \(mean of 4 seeds\)", found["few"][0]
    )


def test_what_the_corrected_test_does_not_hold_is_not_claimed() -> None:
    table = results(8)
    doubtful = paired(table).assign(p_adjusted=0.2)
    found = findings(summarise(table), doubtful)
    assert not [finding for finding in found if finding.kind == "claim"]
    assert any("once corrected for all comparisons" in finding.text for finding in found)


def test_less_is_better_where_the_metric_says_so() -> None:
    table = results(8).assign(higher_is_better=False)
    assert any(text.startswith("CF beats EU") for text in said(table)["claim"])


def test_several_settings_are_one_sentence_that_names_the_largest() -> None:
    table = results(8, ratios=(0.2, 0.4, 1.0))
    raised = (table["dataset.keep.cat"] == 0.4) & (table["method"] == "retrain")
    table.loc[raised & (table["metric"] == "adversarial_accuracy"), "value"] += 0.05
    (sentence,) = [text for text in said(table)["claim"] if text.startswith("EU beats CF")]
    assert "in all 3 settings" in sentence
    assert re.search(r"most at cat images kept 0\.4: 1[23]\.\d points \[", sentence)


def test_opposite_findings_are_both_told() -> None:
    table = results(8, ratios=(0.2, 1.0))
    lowered = (table["dataset.keep.cat"] == 1.0) & (table["method"] == "retrain")
    table.loc[lowered & (table["metric"] == "adversarial_accuracy"), "value"] -= 0.14
    sentences = [
        text for text in said(table)["claim"] if "CF" in text and "EU" in text and "adversarial" in text
    ]
    assert len(sentences) == 1
    assert "EU beats CF by" in sentences[0]
    assert "CF beats EU by" in sentences[0]


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("dataset.keep.cat", "cat images kept"),
        ("poison.share.cat", "cat's share of the poisons"),
        ("deletion.fpr", "Cf as FPR"),
        ("method.learning_rate", "learning rate"),
    ],
)
def test_varied_keys_are_told_in_words(key: str, label: str) -> None:
    assert key_label(key) == label


def test_numbers_are_written_as_people_read_them() -> None:
    assert points(-0.083) == "\N{MINUS SIGN}8.3"
    assert points(-0.0001) == "0.0"
    assert span([0.2, 0.1]) == "10.0 to 20.0"
    assert setting({"dataset.keep.cat": 1.0, "deletion.fpr": None}) == "cat images kept 1"


def test_the_cost_of_a_repair_is_told_from_the_cheapest_to_the_dearest() -> None:
    costs = {("retrain", "image_passes"): 19200.0, ("finetune", "image_passes"): 4800.0}
    costs |= {("retrain", "unlearning_seconds"): 15.25, ("finetune", "unlearning_seconds"): 4.0}
    table = pd.DataFrame(
        [{"method": m, "metric": k, "mean": v, "class_name": None} for (m, k), v in costs.items()]
    )
    paired_rows = paired(results(2)).iloc[:0]
    (finding,) = findings(table, paired_rows)
    assert finding.text == (
        "A repair takes from 4,800 image passes and 4.0 s (CF) to 19,200 image passes and 15.2 s (EU), on average."
    )
