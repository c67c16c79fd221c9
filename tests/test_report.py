"""The report states the content of the tables, and nothing else."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.files import table_of_csv, write_table
from unpoison.references import trained_references
from unpoison.report.along import changes, same_rows
from unpoison.report.data import settings_rows
from unpoison.report.detecting import detector_lines
from unpoison.report.findings import findings, idle, untrained
from unpoison.report.known import CONTROL_LEAD, PLANTED_LEAD, lead_of, model_of
from unpoison.report.words import key_label, points, setting, span
from unpoison.statistics import interval, paired, summarise

GAINS = {"retrain": 0.08, "finetune": 0.0, "do_nothing": -0.3, "oracle": 0.1}


def results(
    seeds: int, *, gains: dict[str, float] = GAINS, ratios: tuple[float, ...] = (0.2,), spread: float = 0.004
):
    """Return results where a method's adversarial accuracy is 0.7, plus its gain, plus a little noise."""
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
    fixed["attack"] = "planted"
    table = table.assign(**fixed, higher_is_better=True, detector=None, recall=1.0, fdr=0.0, fpr=0.0)
    table["dataset"] = "pair@" + table["dataset.keep.cat"].astype(str)
    return table.astype({"class_name": "string", "deletion": "string"})


def said(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the findings of a results table, by kind."""
    found: dict[str, list[str]] = {}
    for finding in findings(summarise(table), paired(table)):
        found.setdefault(finding.kind, []).append(finding.text)
    return found


def ahead(table: pd.DataFrame) -> list[str]:
    """Return the sentences that state a difference."""
    return [text for text in said(table).get("measured", []) if " is ahead of " in text]


def test_a_difference_is_described_with_its_interval() -> None:
    table = results(8)
    found = ahead(table)
    row = (
        paired(table)
        .query("metric == 'adversarial_accuracy' and method == 'finetune' and other == 'retrain'")
        .iloc[0]
    )
    amount = f"{points(-row['difference'])} points [{points(-row['ci_high'])}, {points(-row['ci_low'])}]"
    assert (
        found[0] == f"EU is ahead of CF by {amount} on the adversarial test at cat images kept 0.2 (8 seeds)."
    )
    assert found[1].startswith("EU is ahead of doing nothing by ")
    assert not any("clean test" in text for text in found)


def test_comparisons_that_nobody_planned_claim_nothing() -> None:
    table = falling(8)
    found = [*findings(summarise(results(8)), paired(results(8))), *changes(table, FOUND)]
    assert found and not [finding for finding in found if finding.kind == "claim"]


def test_where_the_interval_holds_zero_no_difference_is_told() -> None:
    table = results(8, gains=GAINS | {"retrain": 0.0}, spread=0.02)
    assert any(
        "cannot be told apart on the adversarial test: the interval holds zero" in text
        for text in said(table)["open"]
    )
    assert not any("ahead of CF" in text or "ahead of EU" in text for text in ahead(table))


def test_of_too_few_seeds_means_are_told_however_large_the_difference() -> None:
    found = said(results(4))
    assert set(found) == {"measured", "few"} and not ahead(results(4))
    assert re.match(
        r"EU is 8\.\d points above CF on the adversarial test \(mean of 4 seeds\)", found["few"][0]
    )


def test_what_the_corrected_test_does_not_hold_is_left_open() -> None:
    table = results(8)
    doubtful = paired(table).assign(p_adjusted=0.2)
    found = findings(summarise(table), doubtful)
    assert not [finding for finding in found if "is ahead of" in finding.text]
    assert any("once corrected for all comparisons" in finding.text for finding in found)


def test_less_is_better_where_the_metric_says_so() -> None:
    table = results(8).assign(higher_is_better=False)
    assert any(text.startswith("CF is ahead of EU") for text in ahead(table))


def test_several_settings_are_one_sentence_that_names_the_largest() -> None:
    table = results(8, ratios=(0.2, 0.4, 1.0))
    raised = (table["dataset.keep.cat"] == 0.4) & (table["method"] == "retrain")
    table.loc[raised & (table["metric"] == "adversarial_accuracy"), "value"] += 0.05
    (sentence,) = [text for text in ahead(table) if text.startswith("EU is ahead of CF")]
    assert "in all 3 settings" in sentence
    assert re.search(r"most at cat images kept 0\.4: 1[23]\.\d points \[", sentence)


def test_opposite_findings_are_both_told() -> None:
    table = results(8, ratios=(0.2, 1.0))
    lowered = (table["dataset.keep.cat"] == 1.0) & (table["method"] == "retrain")
    table.loc[lowered & (table["metric"] == "adversarial_accuracy"), "value"] -= 0.14
    sentences = [text for text in ahead(table) if "CF" in text and "EU" in text and "adversarial" in text]
    assert len(sentences) == 1
    assert "EU is ahead of CF by" in sentences[0]
    assert "CF is ahead of EU by" in sentences[0]


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


# -- along the axes ---------------------------------------------------------------------------------


def falling(seeds: int, *, spread: float = 0.004) -> pd.DataFrame:
    """Return results over Cf: from 0 to 0.4, EU loses 6 points of clean accuracy and CF none."""
    table = results(seeds, ratios=(0.0, 0.2, 0.4), spread=spread).rename(
        columns={"dataset.keep.cat": "deletion.fpr"}
    )
    falls = (table["method"] == "retrain") & (table["metric"] == "clean_accuracy")
    table["value"] = 0.7 - 0.15 * table["deletion.fpr"].where(falls, 0.0)
    table["value"] += spread * np.random.default_rng(1).standard_normal(len(table))
    is_reference = table["deletion"].isna()
    table["deletion"] = ("found@fpr=" + table["deletion.fpr"].astype(str)).mask(is_reference)
    table["fpr"] = table["deletion.fpr"]
    table.loc[is_reference, ["deletion.fpr", "fpr"]] = np.nan
    return table.assign(dataset="pair").drop_duplicates(["seed", "method", "metric", "deletion"])


FOUND = {f"found@fpr={fpr}": "found" for fpr in (0.0, 0.2, 0.4)}


def test_a_change_along_an_axis_is_the_paired_difference_of_its_ends() -> None:
    table = falling(8)
    (finding,) = changes(table, FOUND)
    clean = table[(table["metric"] == "clean_accuracy") & (table["method"] == "retrain")]
    ends = clean.pivot_table(index="seed", columns="deletion.fpr", values="value")
    low, high = interval((ends[0.4] - ends[0.0]).tolist())
    amount = f"{points((ends[0.0] - ends[0.4]).mean())} points [{points(-high)}, {points(-low)}]"
    assert finding.kind == "measured"
    assert finding.text == f"From Cf as FPR 0 to 0.4 EU falls by {amount} on the clean test (8 seeds)."


def test_of_few_seeds_a_change_is_told_by_the_means_and_within_noise_it_is_not_told() -> None:
    assert [finding.kind for finding in changes(falling(3), FOUND)] == ["few"]
    assert not list(changes(falling(8, spread=0.2), FOUND))
    assert not list(changes(falling(1), FOUND))


def test_a_change_is_averaged_over_the_settings_of_the_other_keys() -> None:
    one, other = (falling(8).assign(**{"training.width": width}) for width in (4, 8))
    other["value"] += 0.1 * other["deletion.fpr"].fillna(0) * (other["metric"] == "clean_accuracy")
    found = [text.text for text in changes(pd.concat([one, other]), FOUND)]
    (retrained,) = [text for text in found if "Cf as FPR" in text]
    assert retrained.startswith("From Cf as FPR 0 to 0.4 (mean over the other settings) EU falls by 4.")
    assert "CF rises by 2." in retrained
    assert not any("FPR" in text for text in found if text != retrained)


def entry(name: str, **options: object) -> dict:
    return {"what": "method", "name": name, "options": options}


def test_training_again_on_the_oracles_rows_is_told_where_the_deletion_set_is_exact() -> None:
    summary = summarise(falling(3))
    (finding,) = same_rows(
        summary,
        [entry("retrain", last=None, length=None), entry("finetune", length=0.25)],
        references_of({}),
    )
    assert finding.kind == "measured"
    assert finding.text == (
        "Where every poison and no clean row is deleted (Cf as FPR 0), EU trains on the same rows as the oracle: "
        "the two differ only by the randomness of training."
    )


@pytest.mark.parametrize(
    ("column", "value", "options"),
    [
        ("recall", 0.99, {}),
        ("fpr", 0.001, {}),
        ("fpr", 0.0, {"last": 4}),
        ("fpr", 0.0, {"length": 0.5}),
        ("fpr", 0.0, {"method": "finetune"}),
    ],
)
def test_it_is_not_told_of_other_rows_or_another_training(column: str, value: float, options: dict) -> None:
    table = falling(3).assign(**{column: value})
    assert not list(
        same_rows(
            summarise(table),
            [entry("retrain", **{"last": None, "length": None, **options})],
            references_of({}),
        )
    )


@pytest.mark.parametrize("name", ["007", "1e3", "1", "True", "-1"])
def test_a_study_whose_name_looks_like_a_number_has_its_findings(tmp_path: Path, name: str) -> None:
    table = results(2).assign(study=name, class_name=name)
    write_table(tmp_path / "results.csv", table.astype({"study": "string", "class_name": "string"}))
    read = table_of_csv((tmp_path / "results.csv").read_bytes())
    assert set(read["study"]) == set(read["class_name"]) == {name}
    assert read["deletion"].isna().sum() == table["deletion"].isna().sum()
    assert read["value"].tolist() == pytest.approx(table["value"].tolist())


# -- reference models that did not learn -------------------------------------------------------------


def references_of(accuracies: dict[tuple[str, int], tuple[float, ...]]) -> pd.DataFrame:
    """Return a table of reference models by method and seed, with accuracies on the rows of each class."""
    lines = [
        {"method": method, "seed": seed, "class_name": f"class {place}", "value": value}
        for (method, seed), values in accuracies.items()
        for place, value in enumerate(values)
    ]
    table = pd.DataFrame(lines, columns=["method", "seed", "class_name", "value"])
    place = {
        "study": "imbalance",
        "dataset": "pair",
        "poison": "swap",
        "attack": "planted",
        "training": "net",
    }
    return trained_references(table.assign(**place, metric="retained_accuracy"))


@pytest.mark.parametrize(
    ("accuracies", "untrained_models"),
    [
        ({("oracle", 0): (0.95, 0.93), ("oracle", 1): (0.68, 0.68)}, {("oracle", 1)}),
        ({("do_nothing", 0): (0.95, 0.93), ("oracle", 0): (0.8, 0.7)}, {("oracle", 0)}),
        # The model knows only the large class: 91 % of all rows at a ratio of 10 to 1, but a mean of 50 %.
        ({("do_nothing", 0): (1.0, 0.0)}, {("do_nothing", 0)}),
        # An attack may lower the poisoned model's accuracy below the oracle's.
        ({("do_nothing", 0): (0.8, 0.7), ("oracle", 0): (0.95, 0.93)}, set()),
        ({("do_nothing", 0): (0.85, 0.9), ("do_nothing", 1): (0.9, 0.95)}, set()),
        # Most rows of both classes have the label of the other class.
        ({("do_nothing", 0): (0.2, 0.15), ("oracle", 0): (0.95, 0.93)}, set()),
        ({("do_nothing", 0): (0.95, 0.93), ("do_nothing", 1): (0.2, 0.15)}, {("do_nothing", 1)}),
        ({("oracle", 0): (0.2, 0.15)}, {("oracle", 0)}),
        # All rows of the other class are poisoned; with one class left, chance is 100 %.
        ({("do_nothing", 0): (0.98,), ("oracle", 0): (1.0,)}, set()),
        ({("oracle", 0): (0.11,) * 10, ("do_nothing", 0): (0.12,) * 10}, {("oracle", 0), ("do_nothing", 0)}),
    ],
)
def test_a_reference_that_did_not_train_is_named(accuracies: dict, untrained_models: set) -> None:
    table = references_of(accuracies)
    failed = table[~table["trained"]]
    assert set(zip(failed["method"], failed["seed"], strict=True)) == untrained_models
    assert len(list(untrained(table))) == len(untrained_models)


def test_a_reference_that_did_not_train_is_told_with_both_accuracies_and_not_as_noise() -> None:
    table = references_of({("oracle", 0): (0.95, 0.93), ("oracle", 1): (0.68, 0.68)})
    (finding,) = untrained(table)
    assert finding.text.startswith(
        "The oracle of seed 1 (pair, swap) did not train: its accuracy on clean training rows is 68.0"
        "\N{NO-BREAK SPACE}%"
    )
    assert "94.0\N{NO-BREAK SPACE}%" in finding.text
    (same,) = same_rows(summarise(falling(3)), [entry("retrain", last=None, length=None)], table)
    assert same.text.endswith("except for the models named above that did not train.")


def test_the_settings_show_the_letters_that_turn_a_line_round() -> None:
    options = {"classes": ["a\u202eb", "two\nlines"], "keep": {"a\u202eb": 0.5}}
    [(_, _, told)] = settings_rows({"entries": [{"what": "data set", "name": "d", "options": options}]})
    assert told == r"classes a\u202eb / two\nlines, keep (a\u202eb 0.5)"


def test_a_method_that_changed_no_weight_is_named_with_its_setting() -> None:
    table = results(3, ratios=(0.2, 1.0))
    counted = table[(table["metric"] == "clean_accuracy") & (table["method"] != "oracle")]
    counted = counted.assign(metric="weights_changed", value=1.0)
    idle_there = (counted["method"] == "finetune") & (counted["dataset.keep.cat"] == 1.0)
    counted.loc[idle_there & (counted["seed"] < 2) | (counted["method"] == "do_nothing"), "value"] = 0.0
    (finding,) = idle(summarise(pd.concat([table, counted], ignore_index=True)))
    assert finding.kind == "idle"
    assert finding.text.startswith("CF changed no weight in 2 of 3 seeds at cat images kept 1")


def test_no_method_is_blamed_for_a_deletion_set_without_a_row() -> None:
    """A detector that flags no row leaves nothing to forget, whatever its options."""
    table = results(3)
    counted = table[(table["metric"] == "clean_accuracy") & (table["method"] != "oracle")]
    counted = counted.assign(metric="weights_changed", value=0.0)
    some = pd.concat([table, counted], ignore_index=True)
    nobody = some[some["deletion"].notna()].assign(deletion="nobody", recall=0.0, fdr=float("nan"))
    some.loc[some["metric"].eq("weights_changed") & some["method"].eq("retrain"), "value"] = 1.0
    nothing, finetune = (
        finding.text for finding in idle(summarise(pd.concat([some, nobody], ignore_index=True)))
    )
    assert nothing.startswith("Nothing was flagged in any seed (deletion set nobody")
    assert finetune.startswith("CF changed no weight in 3 of 3 seeds at deletion set found")
    assert "attack" not in finetune  # an unpoisoned set has no attack


def test_where_nobody_counted_the_weights_no_method_is_named() -> None:
    assert not list(idle(summarise(results(3))))


# -- detectors and the unpoisoned control ------------------------------------------------------------


def detectors_of(*lines: dict[str, object]) -> pd.DataFrame:
    """Return a table of detectors with these lines; missing columns are null."""
    columns = TABLES["detectors"].columns
    fixed = {"study": "found", "dataset": "ten", "poison": "patch", "attack": "planted", "training": "net"}
    fixed |= {"deletion": "own", "detector": "own", "n": 3, "fdr_n": 3, "false_alarm_rate_n": 0}
    table = pd.DataFrame([fixed | line for line in lines], columns=list(columns), dtype=object)
    return table.astype({name: column.dtype for name, column in columns.items()})


RATE = {"false_alarm_rate": 0.031, "false_alarm_rate_low": 0.0149, "false_alarm_rate_high": 0.0471}
FOUND_HALF = {"recall": 0.5, "recall_low": 0.404, "recall_high": 0.596, "fpr": 0.02, **RATE}
CONTROL = {"study": "control", "poison": "unpoisoned", "attack": "unpoisoned", "fpr": 0.031, **RATE}


def test_a_detector_is_told_with_its_false_alarms_where_nothing_is_planted() -> None:
    told = detector_lines(detectors_of(FOUND_HALF, CONTROL))
    assert told is not None
    assert told.names == ["deletion set"]
    assert told.lines == [(["own"], ["50.0 [40.4, 59.6]", "2.0", "3.1 [1.5, 4.7]"])]


def test_a_control_without_an_attack_beside_it_is_told_alone() -> None:
    told = detector_lines(detectors_of(FOUND_HALF | {"deletion": "top", **dict.fromkeys(RATE)}, CONTROL))
    assert told is not None
    assert told.names == ["study", "poison", "deletion set", "detector"]
    assert told.lines[0] == (["found", "patch", "top", "own"], ["50.0 [40.4, 59.6]", "2.0", "not measured"])
    assert told.lines[1][1] == ["none planted", "none planted", "3.1 [1.5, 4.7]"]


def test_of_data_as_found_no_detector_is_told() -> None:
    assert detector_lines(detectors_of({"attack": "as found"})) is None
    assert detector_lines(detectors_of()) is None


def test_the_lead_tells_a_control_from_an_attack() -> None:
    assert lead_of({"planted"}) == PLANTED_LEAD
    assert lead_of({"unpoisoned"}) == CONTROL_LEAD
    mixed = lead_of({"planted", "unpoisoned"})
    assert mixed.startswith(
        "Studies of an unpoisoned set plant nothing: every flagged row there is a false alarm. In"
    )
    assert mixed.endswith(PLANTED_LEAD[1:])
    assert model_of("unpoisoned") == "the model"
