"""Planned contrasts: units are seeds that have every model, and Holm's correction is per study."""

import math
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
import pytest

from unpoison.contrasts import contrasts
from unpoison.proportions import bonett_price

ACCURACY = "clean_accuracy"
PLACE = {"dataset": "d", "poison": "p", "training": "t", "attack": "planted"}
KEYS = {"along": {}, "at": {}, "class_name": None, "margin": None}


def asked(*methods: str, metric: str = ACCURACY, **keys: object) -> dict:
    """Return a contrast in the form of the plan."""
    return {**KEYS, "metric": metric, "methods": list(methods), **keys}


def grid(value: Callable[[str, int, float, float], float], seeds: int = 6, study: str = "s") -> pd.DataFrame:
    """Return a results table over recall and FPR; `value` gives each entry.

    `value` gets recall and FPR of -1 for a reference model. The empty deletion set is left out.
    """
    lines = [
        (method, seed, "found", recall, fpr, value(method, seed, recall, fpr))
        for seed in range(seeds)
        for recall in (0.0, 0.5, 1.0)
        for fpr in (0.0, 0.4)
        for method in ("retrain", "finetune")
        if (recall, fpr) != (0.0, 0.0)
    ]
    lines += [
        ("do_nothing", seed, None, None, None, value("do_nothing", seed, -1, -1)) for seed in range(seeds)
    ]
    columns = ["method", "seed", "deletion", "deletion.recall", "deletion.fpr", "value"]
    table = pd.DataFrame(lines, columns=columns).assign(**PLACE, study=study, metric=ACCURACY, unit="share")
    table["class_name"] = pd.Series(None, index=table.index, dtype="string")
    return table.convert_dtypes()


def noisy(method: str, seed: int, recall: float, fpr: float) -> float:
    """Return a value with fixed noise for each model and a shift for each seed."""
    rng = np.random.default_rng([seed, len(method), int(10 * recall) + 20, int(10 * fpr) + 20])
    return 0.7 + 0.01 * seed + 0.01 * rng.standard_normal()


NONE = pd.DataFrame({"study": [], "healed": []})


def only(table: pd.DataFrame, contrast: dict) -> pd.Series:
    (row,) = contrasts(table, NONE, {"s": {"x": contrast}}).to_dict("records")
    return pd.Series(row)


def test_over_open_settings_the_mean_is_taken_within_each_seed() -> None:
    found = only(grid(noisy), asked("retrain", "finetune"))
    settings = [(0.0, 0.4), (0.5, 0.0), (0.5, 0.4), (1.0, 0.0), (1.0, 0.4)]
    by_hand = [
        sum(noisy("retrain", seed, *at) - noisy("finetune", seed, *at) for at in settings) / 5
        for seed in range(6)
    ]
    assert found["n"] == 6
    assert found["difference"] == pytest.approx(np.mean(by_hand))
    assert found["high"] - found["low"] == pytest.approx(
        2 * 2.570582 * np.std(by_hand, ddof=1) / math.sqrt(6)
    )


def test_a_reference_stands_beside_every_setting() -> None:
    found = only(
        grid(noisy), asked("retrain", "do_nothing", at={"deletion.recall": 1.0, "deletion.fpr": 0.4})
    )
    by_hand = [noisy("retrain", seed, 1.0, 0.4) - noisy("do_nothing", seed, -1, -1) for seed in range(6)]
    assert found["difference"] == pytest.approx(np.mean(by_hand))


def test_along_a_key_only_settings_that_both_ends_have_are_compared() -> None:
    found = only(grid(noisy), asked("retrain", along={"deletion.fpr": [0.0, 0.4]}))
    by_hand = [
        sum(
            noisy("retrain", seed, recall, 0.4) - noisy("retrain", seed, recall, 0.0) for recall in (0.5, 1.0)
        )
        / 2
        for seed in range(6)
    ]
    assert found["difference"] == pytest.approx(np.mean(by_hand))
    assert found[["key", "start", "end"]].tolist() == ["deletion.fpr", "0.0", "0.4"]


def test_two_methods_along_a_key_are_the_change_of_their_difference() -> None:
    at, along = {"deletion.recall": 1.0}, {"deletion.fpr": [0.0, 0.4]}
    both = only(grid(noisy), asked("retrain", "finetune", at=at, along=along))
    single = [only(grid(noisy), asked(name, at=at, along=along)) for name in ("retrain", "finetune")]
    assert both["difference"] == pytest.approx(single[0]["difference"] - single[1]["difference"])
    assert both["high"] - both["low"] != pytest.approx(single[0]["high"] - single[0]["low"])


@pytest.mark.parametrize("method", ["retrain", "finetune"])
def test_a_seed_that_lacks_a_setting_on_one_side_is_left_out_whole(method: str) -> None:
    table = grid(noisy)
    lost = (table["method"] == method) & (table["seed"] == 3) & (table["deletion.recall"] == 0.5)
    holed = table[~(lost & (table["deletion.fpr"] == 0.4))]
    found, without = (only(rows, asked("retrain", "finetune")) for rows in (holed, table[table["seed"] != 3]))
    assert found["n"] == without["n"] == 5
    assert found["difference"] == without["difference"]


def test_a_varied_option_of_a_method_is_one_of_its_settings() -> None:
    table = grid(noisy)
    is_method = table["deletion"].notna()
    table["method.epochs"] = pd.Series(3, index=table.index).where(is_method).convert_dtypes()
    table["method"] = table["method"].mask(is_method, table["method"] + "@epochs=3")
    found = only(table, asked("retrain", "do_nothing", at={"method.epochs": 3}))
    assert (found["n"], found["difference"]) == (
        6,
        only(grid(noisy), asked("retrain", "do_nothing"))["difference"],
    )


def test_two_deletion_sets_of_a_method_are_compared() -> None:
    table = grid(noisy)
    other = table[table["deletion"].notna()].assign(deletion="biased")
    other["value"] += 0.1
    found = only(pd.concat([table, other]), asked("retrain", along={"deletion": ["found", "biased"]}))
    assert found["difference"] == pytest.approx(0.1)


def test_holm_is_over_the_contrasts_of_one_study_alone() -> None:
    table = grid(noisy, 8)
    named = {
        str(number): asked("retrain", "finetune", at={"deletion.recall": recall, "deletion.fpr": 0.4})
        for number, recall in enumerate((0.0, 0.5, 1.0))
    }
    alone = contrasts(table, NONE, {"s": named})
    twice = pd.concat([table, table.assign(study="t")])
    both = contrasts(twice, NONE, {"s": named, "t": {"0": named["0"]}})
    pd.testing.assert_frame_equal(both[both["study"] == "s"], alone)
    (single,) = both[both["study"] == "t"].to_dict("records")
    assert single["p_adjusted"] == single["p"]
    smallest = alone["p"].idxmin()
    assert alone["p_adjusted"][smallest] == pytest.approx(min(3 * alone["p"][smallest], 1))


def test_a_contrast_without_p_counts_in_holms_family() -> None:
    table = grid(noisy, 8)
    named = {"told": asked("retrain", "finetune"), "none": asked("retrain", "finetune", metric="no_such")}
    found = contrasts(table, NONE, {"s": named}).set_index("contrast")
    assert found["p_adjusted"]["told"] == pytest.approx(min(2 * found["p"]["told"], 1))
    assert found["n"]["none"] == 0 and found["reason"]["none"] == "no seed has every model that it compares"
    assert found.loc["none", ["difference", "low", "p", "p_adjusted", "equivalent"]].isna().all()


def test_one_seed_has_a_difference_and_few_seeds_have_no_p() -> None:
    one, four = (only(grid(noisy, seeds), asked("retrain", "finetune", margin=1.0)) for seeds in (1, 4))
    assert not math.isnan(one["difference"]) and math.isnan(one["low"])
    assert not math.isnan(four["low"]) and math.isnan(four["p"])
    assert pd.isna(one["equivalent"]) and pd.isna(four["equivalent"])


def test_equal_differences_have_no_p_and_are_equivalent_within_a_margin() -> None:
    found = only(
        grid(lambda method, *_: {"retrain": 0.705}.get(method, 0.7)),
        asked("retrain", "finetune", margin=0.01),
    )
    assert math.isnan(found["p"])
    assert found["equivalent"] is True


def test_equivalence_needs_the_90_percent_interval_within_the_margin() -> None:
    found = [only(grid(noisy), asked("retrain", "finetune", margin=margin)) for margin in (0.001, 0.05)]
    assert [row["equivalent"] for row in found] == [False, True]
    assert pd.isna(only(grid(noisy), asked("retrain", "finetune"))["equivalent"])


def with_oracles(failed: Collection[int]) -> pd.DataFrame:
    """Return the noisy grid of six seeds, with an oracle for each; those of the given seeds did not train."""
    references = [
        ("oracle", seed, name, 0.2 if seed in failed else 0.9) for seed in range(6) for name in ("cat", "dog")
    ]
    known = pd.DataFrame(references, columns=["method", "seed", "class_name", "value"])
    known = known.assign(**PLACE, study="s", metric="retained_accuracy", unit="share")
    return pd.concat([grid(noisy), known], ignore_index=True).convert_dtypes()


def test_compared_models_whose_reference_did_not_train_are_counted() -> None:
    table = with_oracles((1, 4))
    assert only(table, asked("retrain", "finetune"))["untrained"] == 2
    assert only(table[table["seed"] != 4], asked("retrain", "finetune"))["untrained"] == 1
    assert only(grid(noisy), asked("retrain", "finetune"))["untrained"] == 0


@pytest.mark.parametrize("failed", [(1,), (1, 4), tuple(range(5))])
def test_the_difference_of_trained_seeds_is_that_of_a_table_without_the_others(failed: tuple) -> None:
    found = only(with_oracles(failed), asked("retrain", "finetune"))
    table = grid(noisy)
    alone = only(table[~table["seed"].isin(failed)], asked("retrain", "finetune"))
    for name in ("n", "difference", "low", "high"):
        assert found[f"trained_{name}"] == pytest.approx(alone[name], nan_ok=True)
    assert found["n"] == 6


def test_without_an_untrained_or_a_trained_seed_there_is_no_second_difference() -> None:
    every, none = (only(with_oracles(failed), asked("retrain", "finetune")) for failed in (range(6), ()))
    assert every["trained_n"] == 0 and pd.isna(none["trained_n"])
    for found in (every, none):
        assert all(math.isnan(found[f"trained_{name}"]) for name in ("difference", "low", "high"))


def test_without_a_contrast_the_table_has_its_columns_alone() -> None:
    assert contrasts(grid(noisy), NONE, {}).empty


# -- healed ---------------------------------------------------------------------------------------


def judged(first: list[bool | None], second: list[bool | None]) -> pd.DataFrame:
    """Return the outcomes of two methods for each seed."""
    lines = [
        (method, seed, value)
        for method, values in (("retrain", first), ("finetune", second))
        for seed, value in enumerate(values)
    ]
    table = pd.DataFrame(lines, columns=["method", "seed", "healed"]).assign(
        **PLACE, study="s", deletion="found"
    )
    table["class_name"] = pd.Series(None, index=table.index, dtype="string")
    return table.astype({"healed": "boolean"})


def healing(first: list[bool | None], second: list[bool | None]) -> pd.Series:
    table = contrasts(
        grid(noisy), judged(first, second), {"s": {"x": asked("retrain", "finetune", metric="healed")}}
    )
    return table.iloc[0]


def test_healed_is_compared_by_its_discordant_seeds() -> None:
    found = healing([True] * 8 + [False] * 2, [True] + [False] * 8 + [True])
    assert found[["first_only", "second_only", "n"]].tolist() == [7, 1, 10]
    assert found["difference"] == pytest.approx(0.6)
    assert found["p"] == pytest.approx(2 * (1 + 8) / 2**8)
    assert (found["low"], found["high"]) == bonett_price(7, 1, 10)


@pytest.mark.parametrize(("discordant", "is_below"), [(5, False), (6, True)])
def test_six_discordant_seeds_are_the_least_for_five_percent(discordant: int, is_below: bool) -> None:
    found = healing([True] * 20, [False] * discordant + [True] * (20 - discordant))
    assert (found["p"] < 0.05) == is_below


def test_a_seed_without_an_outcome_is_no_pair_and_concordant_seeds_have_no_p() -> None:
    found = healing([True, True, None, False], [True, None, True, False])
    assert found["n"] == 2 and found["difference"] == 0
    assert pd.isna(found["p"]) and pd.isna(found["p_adjusted"])
    assert found["low"] < 0 < found["high"]
