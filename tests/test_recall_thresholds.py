"""R50 and R90 from tables of outcomes: brackets, censoring, groups, and notes on missing models."""

import math
from collections.abc import Mapping

import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.interval_censoring import NormalLaw
from unpoison.recall_thresholds import recall_thresholds, seed_brackets

INF = math.inf
Seed = Mapping[float, bool | None]  # recall -> healed


def outcomes(*seeds: Seed, fpr: float = 0.1, **changes: object) -> pd.DataFrame:
    """Return the outcomes of one method; the study varies the recall and the FPR of one deletion set."""
    lines = [
        (seed, f"found@fpr={fpr}@recall={recall}", recall, healed)
        for seed, of_seed in enumerate(seeds)
        for recall, healed in of_seed.items()
    ]
    table = pd.DataFrame(lines, columns=["seed", "deletion", "recall", "healed"])
    table["undefined"] = table["healed"].isna().map({True: "the attack did not take", False: None})
    table["healed"] = table["healed"].astype("boolean")
    table = table.assign(study="s", dataset="d", poison="p", attack="planted", training="t", method="retrain")
    table = table.assign(
        class_name=None, fpr=fpr, **{"deletion.recall": table["recall"], "deletion.fpr": fpr}
    )
    return table.assign(**changes)


def line(*seeds: Seed) -> pd.Series:
    table = recall_thresholds(outcomes(*seeds))
    assert len(table) == 1
    return table.iloc[0]


def healed_from(threshold: float, recalls: tuple[float, ...] = (0.2, 0.5, 0.8, 1.0)) -> dict[float, bool]:
    return {recall: recall >= threshold for recall in recalls}


@pytest.mark.parametrize(
    ("tried", "bracket"),
    [
        ({0.2: False, 0.5: True, 0.8: True}, (0.2, 0.5)),
        ({0.2: True, 0.5: True}, (-INF, 0.2)),
        ({0.2: False, 0.5: False}, (0.5, INF)),
        ({0.2: True, 0.5: False, 0.8: True}, (0.5, 0.8)),
        ({0.2: True, 0.5: False}, (0.5, INF)),
        ({0.6: True, 0.4: False, 0.5: False}, (0.5, 0.6)),
    ],
    ids=["monotone", "always", "never", "healed too early", "healed only below", "bisected"],
)
def test_a_bracket_ends_above_the_highest_recall_that_did_not_heal(
    tried: Seed, bracket: tuple[float, float]
) -> None:
    rows = outcomes(tried)
    assert list(seed_brackets(rows)) == [(0, bracket)]


def test_thresholds_spread_over_brackets_have_both_quantiles() -> None:
    found = line(*[healed_from(at) for at in (0.3, 0.4, 0.6, 0.6, 0.7, 0.7, 0.9, 0.9)])
    assert 0.5 < found["r50_low"] + 0.1 < found["r50"] < found["r50_high"] < 1
    assert found["r50"] < found["r90"] < 1
    assert found["r90"] == pytest.approx(found["r50"] + 1.28155 * found["sd"], abs=1e-4)
    assert (found["n"], found["trainings"], found["lowest"], found["highest"]) == (8, 32, 0.2, 1.0)
    assert pd.isna(found["note"])


def test_one_bracket_for_all_gives_its_middle_and_an_interval_not_narrower() -> None:
    found = line(*[healed_from(0.7)] * 12)
    assert found["r50"] == pytest.approx(0.65)
    assert found["r50_low"] <= 0.5 + 1e-4 and found["r50_high"] >= 0.8 - 1e-4
    assert found["sd"] == 0
    assert pd.isna(found["r90"]) and found["r90_high"] >= found["r50_high"]
    assert "one threshold explains all seeds" in found["note"]


def test_two_brackets_that_touch_have_their_cut_as_r50_and_no_r90() -> None:
    found = line(*[healed_from(0.4)] * 3, *[healed_from(0.7)] * 3)
    assert (found["r50"], found["sd"]) == (0.5, 0)
    assert found["r50_low"] < 0.5 < found["r50_high"]
    assert pd.isna(found["r90"])


@pytest.mark.parametrize("early", [1, 2, 18, 19])
def test_an_interval_holds_its_estimate_where_two_brackets_touch(early: int) -> None:
    found = NormalLaw([(0.5, 0.8)] * early + [(0.8, 0.9)] * (20 - early)).quantile(0.5)
    assert found.low <= found.value == 0.8 <= found.high


def test_seeds_that_are_never_healed_leave_the_threshold_open_above() -> None:
    found = line(*[healed_from(2, (0.2, 0.9))] * 10)
    assert found[["r50", "r50_high", "r90", "r90_high"]].isna().all()
    assert found["r50_low"] == pytest.approx(0.9, abs=1e-4)
    assert (found["never_healed"], found["always_healed"]) == (10, 0)
    assert found["note"] == "no seed was healed at the highest recall"


def test_seeds_that_are_always_healed_leave_the_threshold_open_below() -> None:
    found = line(*[healed_from(0)] * 10)
    assert found[["r50", "r50_low", "r90"]].isna().all()
    assert found["r50_high"] == pytest.approx(0.2, abs=1e-4)
    assert found["always_healed"] == 10


def test_an_r90_that_no_recall_reaches_is_null_and_its_lower_end_is_told() -> None:
    found = line(*[healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9, 0.9, 2, 2, 2)])
    assert 0.7 < found["r50"] < 1
    assert pd.isna(found["r90"]) and pd.isna(found["r90_high"])
    assert 0.8 < found["r90_low"] <= 1
    assert "R90 is outside" in found["note"]


def test_one_recall_alone_tells_no_threshold() -> None:
    found = line(*[{0.5: True}] * 4, *[{0.5: False}] * 4)
    assert found[["r50", "r50_low", "r50_high", "r90", "sd"]].isna().all()
    assert "do not tell the threshold" in found["note"]


def test_recalls_that_heal_alike_tell_no_threshold() -> None:
    law = NormalLaw([(-INF, 0.2)] * 3 + [(0.8, INF)] * 3)
    assert law.mean is None
    assert law.quantile(0.5) == (None, None, None)


def test_fewer_than_five_seeds_have_no_interval() -> None:
    found = line(*[healed_from(at) for at in (0.4, 0.7, 0.7, 0.9)])
    assert found["r50"] == pytest.approx(0.65, abs=0.06)
    assert found[["r50_low", "r50_high", "r90_low", "r90_high"]].isna().all()
    assert "fewer than 5 seeds" in found["note"]


def test_seeds_without_an_outcome_and_sets_without_a_poison_do_not_count() -> None:
    seeds = [healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9)]
    expected = recall_thresholds(outcomes(*seeds))
    more = outcomes(*[{0.0: True, **seed} for seed in seeds], {0.2: None, 0.5: None})
    pd.testing.assert_frame_equal(recall_thresholds(more), expected)


def test_a_method_without_any_outcome_has_a_line_that_says_so() -> None:
    found = line({0.2: None, 0.5: None}, {0.2: None})
    assert (found["n"], found["trainings"]) == (0, 0)
    assert pd.isna(found["r50"])
    assert found["note"] == "no outcome: the attack did not take"


def test_each_fpr_method_and_varied_key_has_its_own_line() -> None:
    seeds = [healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9)]
    parts = [
        outcomes(*seeds, fpr=fpr, method=method, **{"dataset.keep.cat": keep})
        for fpr in (0.0, 0.4)
        for method in ("retrain", "finetune")
        for keep in (0.2, 1.0)
    ]
    found = recall_thresholds(pd.concat(parts, ignore_index=True))
    assert len(found.drop_duplicates(["fpr", "method", "dataset.keep.cat"])) == len(found) == 8
    assert set(found["n"]) == {5}
    assert "deletion.recall" not in found and "deletion.fpr" not in found


def test_entries_of_deletion_sets_are_kept_apart() -> None:
    seeds = [healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9)]
    other = outcomes(*seeds)
    other["deletion"] = other["deletion"].str.replace("found", "by_class")
    found = recall_thresholds(pd.concat([outcomes(*seeds), other], ignore_index=True))
    assert found["deletion_entry"].tolist() == ["by_class", "found"]
    assert found["trainings"].tolist() == [20, 20]


@pytest.mark.parametrize(
    ("spread", "fpr"), [(0.004, 0.052), (0.1, None)], ids=["rounded alike", "recall with fdr"]
)
def test_the_achieved_fpr_stands_where_the_study_asks_for_none(spread: float, fpr: float | None) -> None:
    table = outcomes(*[healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9)]).drop(columns="deletion.fpr")
    table["fpr"] = 0.05 + spread * (table["recall"] > 0.6)
    found = recall_thresholds(table)["fpr"].iloc[0]
    assert (None if pd.isna(found) else found) == (fpr if fpr is None else pytest.approx(fpr))


def test_rows_of_classes_and_of_repairs_without_a_deletion_set_are_not_counted() -> None:
    table = outcomes(*[healed_from(at) for at in (0.4, 0.7, 0.7, 0.9, 0.9)])
    of_cats, repair = table.assign(class_name="cat"), table.assign(deletion=None, method="anp")
    repair[["deletion.recall", "recall", "fpr"]] = None
    found = recall_thresholds(pd.concat([table, of_cats, repair], ignore_index=True))
    pd.testing.assert_frame_equal(found, recall_thresholds(table))


def test_a_study_that_varies_no_recall_gives_an_empty_table_with_every_column() -> None:
    table = outcomes(healed_from(0.4)).drop(columns=["deletion.recall", "deletion.fpr"])
    found = recall_thresholds(table)
    assert len(found) == 0
    assert list(found.columns) == list(TABLES["recall_thresholds"].columns)


def test_the_order_of_the_rows_changes_nothing() -> None:
    table = outcomes(*[healed_from(at) for at in (0.3, 0.4, 0.7, 0.7, 0.9, 0.9, 2)])
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(recall_thresholds(shuffled), recall_thresholds(table))
