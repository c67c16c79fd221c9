"""The report's first screen follows the tables: they support every claim of healing and certainty."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from unpoison.columns import TABLES
from unpoison.outcomes import healed, outcomes
from unpoison.references import trained_references
from unpoison.report.answers import answer_of
from unpoison.report.cells import cells_of
from unpoison.report.decided import decided
from unpoison.report.first import question_of
from unpoison.report.flags import flags
from unpoison.report.measured import measured_answer
from unpoison.report.shares import chart_of
from unpoison.report.steps import seeds_to_be_safe
from unpoison.report.words import Answer, value_label
from unpoison.statistics import paired

ASR, CLEAN, ROBUST = "attack_success_rate", "clean_accuracy", "adversarial_accuracy"
# Attack success rate after a repair, by the model's outcome.
ATTACK = {"healed": 0.1, "ill": 0.9, "broken": 0.1}
Fates = dict[str, str]  # method -> one letter for each seed: h(ealed), i(ll), b(roken)
WORDS = {"h": "healed", "i": "ill", "b": "broken"}


def study(
    settings: Iterable[tuple[dict[str, Any], Fates]],
    *,
    trained: float = 0.9,
    taken: float = 0.9,
    classes: Iterable[str] = (),
    clean: float = 0.8,
) -> pd.DataFrame:
    """Return results with the given outcome of each method and seed, for each setting of varied keys.

    taken: attack success of doing nothing; classes: they all have the same outcomes.
    """
    lines = []
    for place, (keys, fates) in enumerate(settings):
        deletes = any(key.startswith("deletion.") for key in keys)
        own = {key: value for key, value in keys.items() if not key.startswith("deletion.")}
        dataset = f"d@{own}" if own else "d"
        for method, letters in (
            fates | dict.fromkeys(("do_nothing", "oracle"), next(iter(fates.values())))
        ).items():
            is_reference = method in ("do_nothing", "oracle")
            if is_reference and deletes and place:
                continue
            for seed, letter in enumerate(letters):
                fate = WORDS[letter]
                attack = {"do_nothing": taken, "oracle": 0.1}.get(method, ATTACK[fate])
                accuracy = clean - 0.3 if fate == "broken" and not is_reference else clean
                measured = [(ASR, attack, None), (CLEAN, accuracy, None)]
                measured += [(ASR, attack, name) for name in classes]
                measured += [(ROBUST, 1 - attack, name) for name in (None, *classes)]
                measured += (
                    [("retained_accuracy", trained, name) for name in ("cat", "dog")] if is_reference else []
                )
                for metric, value, name in measured:
                    deletion = None if is_reference else f"found@{place}" if deletes else "found"
                    kept = own if is_reference else keys
                    rates = dict.fromkeys(("recall", "fdr", "fpr")) if is_reference else rates_of(keys)
                    lines.append(
                        {"method": method, "seed": seed, "metric": metric, "value": value, "class_name": name}
                        | {"deletion": deletion, "dataset": dataset, **kept, **rates}
                    )
    table = pd.DataFrame(lines).assign(
        study="s",
        poison="p",
        training="t",
        attack="planted",
        detector=None,
        unit="share",
        higher_is_better=True,
    )
    return table.astype(
        {"class_name": "string", "deletion": "string", "recall": float, "fdr": float, "fpr": float}
    )


def rates_of(keys: dict[str, Any]) -> dict[str, float]:
    return {"recall": keys.get("deletion.recall", 1.0), "fdr": 0.0, "fpr": keys.get("deletion.fpr", 0.0)}


def answer(table: pd.DataFrame, thresholds: pd.DataFrame | None = None) -> Answer:
    shares = healed(outcomes(table), {})
    deletions = dict.fromkeys(shares["deletion"].dropna().unique(), "found")
    cells = cells_of(shares, deletions)
    assert cells is not None
    return answer_of(cells, pd.DataFrame() if thresholds is None else thresholds, table)


def flagged(table: pd.DataFrame) -> list[str]:
    return list(flags(outcomes(table), trained_references(table)))


def test_with_two_seeds_all_healed_is_told_with_how_little_that_is() -> None:
    told = answer(study([({}, {"retrain": "hh", "finetune": "hh"})]))
    both = "Both exact unlearning (EU) and catastrophic forgetting (CF) healed the model in 2 of 2 seeds"
    assert told.headline == both
    assert told.sentence == f"{both} (100 % [33, 100])."
    assert told.sure == (
        "Not very: 2 of 2 seeds. With two seeds the true share can be anything from 33 to 100 % (95 % interval)."
    )
    assert told.steps[0].startswith(
        "Use exact unlearning (EU) where the detector finds every poison and accuses no clean row."
    )
    assert told.steps[1].startswith("Run 17 seeds before you call it safe.")


def test_a_method_is_called_safe_only_where_the_exact_interval_says_so() -> None:
    enough = seeds_to_be_safe()
    few, many = (answer(study([({}, {"retrain": "h" * n})])).steps for n in (enough - 1, enough))
    assert len(few) == 2
    assert many == (
        "Use exact unlearning (EU) where the detector finds every poison and accuses no clean row.",
    )


def test_some_methods_heal_and_the_others_are_counted() -> None:
    told = answer(study([({}, {"retrain": "hhh", "finetune": "hhi", "scrub": "iii", "npo": "iii"})]))
    assert told.headline == "Exact unlearning (EU) healed the model in 3 of 3 seeds"
    assert told.sentence.endswith("(100 % [46, 100]); 1 method healed some seeds and 2 methods healed none.")


def test_where_no_method_heals_every_seed_no_method_is_recommended() -> None:
    told = answer(study([({}, {"retrain": "hhi", "finetune": "iii"})]))
    assert told.headline == "No method healed every model; the best, exact unlearning (EU), healed 2 of 3"
    assert "did in 2 of 3 seeds (67 % [18, 96])" in told.sentence
    assert told.steps[0].startswith("No method is sure to heal where the detector finds every poison")
    assert told.steps[1] == "Run 10 to 40 seeds to know the share to about 18 points."


def test_where_none_heals_nothing_is_recommended() -> None:
    told = answer(study([({}, {"retrain": "iii", "finetune": "iii"})]))
    assert told.headline == "No method healed the model in any of 3 seeds"
    assert told.sentence == "No method healed the model in any of 3 seeds (0 % [0, 54])."
    assert len(told.steps) == 1
    assert told.steps[0].startswith("No method tried here repairs the model")


def test_a_broken_network_is_not_healed_and_is_named() -> None:
    table = study([({}, {"retrain": "hhh", "ssd": "bbh"})])
    assert "1 method healed some seeds" in answer(table).sentence
    (flag,) = flagged(table)
    assert flag.endswith("more than 10 points below doing nothing: SSD in 2 of 3.")


def test_an_attack_that_did_not_take_has_no_answer_and_is_flagged() -> None:
    table = study([({}, {"retrain": "hh"})], taken=0.2)
    found = outcomes(table)
    assert cells_of(healed(found, {}), {}) is None
    told = measured_answer("planted", paired(table), no_detectors(), found)
    assert told.headline == "No answer: the attack did not take"
    assert told.steps[0].startswith("Plant more poisons")
    assert flagged(table) == ["No outcome: the attack did not take in seeds 0 and 1."]


def test_a_reference_that_did_not_train_is_flagged() -> None:
    table = study([({}, {"retrain": "hh"})])
    failed = (table["method"] == "oracle") & (table["seed"] == 1) & (table["metric"] == "retained_accuracy")
    table.loc[failed, "value"] = 0.5
    flag = flagged(table)[0]
    assert flag.startswith("Did not train: the oracle of seed 1 (1 of 4 reference models).")


# -- along an axis ----------------------------------------------------------------------------------


def along(key: str, fates: dict[float, Fates]) -> pd.DataFrame:
    return study([({key: value}, of_value) for value, of_value in fates.items()])


def test_over_recall_the_answer_is_the_recall_from_which_every_seed_heals() -> None:
    table = along(
        "deletion.recall",
        {0.5: {"retrain": "iih", "finetune": "iii"}, 0.8: {"retrain": "hhh", "finetune": "iih"},
         1.0: {"retrain": "hhh", "finetune": "hhh"}},
    )  # fmt: skip
    told = answer(table)
    assert told.headline == (
        "Exact unlearning (EU) healed the model in 3 of 3 seeds where 80 % of the poisons are found"
    )
    assert told.sentence == (
        "At recall 80 % and above, exact unlearning (EU) healed the model in 3 of 3 seeds (100 % [46, 100]); "
        "at recall 50 % the best method, exact unlearning (EU), did in 1 of 3 seeds."
    )
    assert told.steps[0] == (
        "Use exact unlearning (EU) where the detector finds at least 80 % of the poisons and accuses no clean row."
    )


def test_a_method_that_fails_at_a_higher_recall_does_not_count_as_healing_from_a_lower_one() -> None:
    told = answer(
        along("deletion.recall", {0.5: {"retrain": "hh"}, 0.8: {"retrain": "hi"}, 1.0: {"retrain": "hh"}})
    )
    assert "where 100 % of the poisons are found" in told.headline


def test_where_even_all_poisons_found_do_not_help_the_answer_says_so() -> None:
    told = answer(along("deletion.recall", {0.5: {"retrain": "ii"}, 1.0: {"retrain": "hi"}}))
    assert told.sentence.startswith(
        "Even at recall 100 %, exact unlearning (EU) healed the model in 1 of 2 seeds"
    )
    assert told.steps[0].startswith("No method is sure to heal")


def thresholds(**row: Any) -> pd.DataFrame:
    whole = {"method": "retrain", "fpr": 0.0, "r50": 0.83, "r50_low": 0.75, "r50_high": 0.9}
    whole |= {"r90": 0.95, "r90_low": 0.88, "r90_high": 0.99, "n": 20}
    return pd.DataFrame([whole | row, whole | {"method": "finetune", "r50": 0.95}])


def test_a_fitted_threshold_is_the_answer_over_recall() -> None:
    table = along("deletion.recall", {0.5: {"retrain": "ii"}, 1.0: {"retrain": "hh"}})
    told = answer(table, thresholds())
    assert told.sentence == (
        "A detector has to find 83 % [75, 90] of the poisons before exact unlearning (EU) heals half of the models."
    )
    assert told.detail == "To heal nine models of ten, it has to find 95 % [88, 99]."
    assert (
        told.steps[0] == "Use exact unlearning (EU) with a detector that finds at least 99 % of the poisons."
    )


def test_a_threshold_of_few_seeds_has_no_interval() -> None:
    table = along("deletion.recall", {0.5: {"retrain": "ii"}, 1.0: {"retrain": "hh"}})
    nothing = dict.fromkeys(("r50_low", "r50_high", "r90_low", "r90_high"), float("nan"))
    told = answer(table, thresholds(n=2, r90=1.2, **nothing))
    assert "83 % of the poisons" in told.sentence
    assert told.sure == "Not very: 2 seeds are too few for an interval."
    assert told.detail.startswith("Even where it finds every poison")


def test_a_threshold_beyond_the_recalls_tried_is_no_answer() -> None:
    table = along("deletion.recall", {0.5: {"retrain": "ii"}, 1.0: {"retrain": "ii"}})
    assert "0 of 2 seeds" in answer(table, thresholds(r50=float("nan")).iloc[:1]).sentence


def with_cost(points: float, seeds: int, noise: float = 0.0) -> pd.DataFrame:
    table = along("deletion.fpr", {0.0: {"retrain": "h" * seeds}, 0.4: {"retrain": "h" * seeds}})
    falls = (table["deletion.fpr"] == 0.4) & (table["metric"] == CLEAN)
    table.loc[falls, "value"] -= points / 100 + noise * (table.loc[falls, "seed"] - (seeds - 1) / 2)
    return table


def test_over_false_alarms_the_cost_stands_beside_the_outcome() -> None:
    told = answer(with_cost(5, 4, noise=0.002))
    assert told.headline.endswith(
        "in 4 of 4 seeds with false alarms on 40 % of the clean rows, at a cost of 5.0 points of clean accuracy"
    )
    assert told.detail.startswith("Compared with no false alarms, clean accuracy falls by 5.0 points [")
    assert "accuses at most 40 % of the clean rows" in told.steps[0]


def test_false_alarms_that_displace_poisons_are_told_with_the_recall_that_they_leave() -> None:
    table = along("deletion.fdr", {0.0: {"retrain": "hhh"}, 0.4: {"retrain": "hii"}})
    table.loc[table["deletion.fdr"] == 0.4, "recall"] = 0.6
    told = answer(table)
    where = "with false alarms as 40 % of the deletion set, and 60 % of the poisons found"
    assert where in told.headline
    assert told.sentence.lower().startswith(where)


def test_a_cost_whose_interval_holds_zero_is_not_told_as_a_fact() -> None:
    told = answer(with_cost(1, 4, noise=0.05))
    assert "points" not in told.headline
    assert "shows no change larger than" in told.detail


def test_of_two_seeds_a_cost_has_no_interval() -> None:
    assert "(mean of 2 seeds, too few for an interval)" in answer(with_cost(5, 2, noise=0.002)).detail


def by_class(seeds: int = 3) -> pd.DataFrame:
    key = "dataset.keep.cat"
    fates = {"retrain": "h" * seeds}
    return study([({key: value}, fates) for value in (0.4, 1.0)], classes=("cat", "dog"))


def test_a_study_of_classes_is_answered_by_class() -> None:
    told = answer(by_class())
    assert told.headline == "Exact unlearning (EU) healed classes cat and dog in 3 of 3 seeds"
    assert "with 40 % of the cat images kept and with 100 % of the cat images kept" in told.sentence


@pytest.mark.parametrize(
    ("seeds", "headline"),
    [
        (3, "Exact unlearning (EU) healed the model in 3 of 3 seeds"),  # intervals overlap: no finding
        (10, "Exact unlearning (EU) healed class cat less often than other classes"),
    ],
)
def test_a_class_that_heals_less_often_is_named_where_the_intervals_lie_apart(
    seeds: int, headline: str
) -> None:
    table = by_class(seeds)
    ill = (table["class_name"] == "cat") & (table["method"] == "retrain") & (table["metric"] == ASR)
    table.loc[ill & (table["dataset.keep.cat"] == 0.4) & (table["seed"] > 0), "value"] = 0.9
    told = answer(table)
    assert told.headline == headline
    assert f"healed class cat in 1 of {seeds} seeds and dog in {seeds} of {seeds} seeds" in told.sentence


def test_a_class_on_which_the_attack_did_not_take_is_not_called_healed() -> None:
    table = by_class()
    untaken = (table["class_name"] == "cat") & (table["method"] == "do_nothing") & (table["metric"] == ASR)
    table.loc[untaken, "value"] = 0.1
    told = answer(table)
    assert (
        told.headline == "Exact unlearning (EU) healed class dog in 3 of 3 seeds; class cat cannot be judged"
    )
    assert flagged(table) == ["No outcome for class cat alone: the attack did not take in seeds 0, 1 and 2."]


def test_a_class_without_an_outcome_in_one_setting_is_not_called_healed_in_both() -> None:
    table = by_class()
    untaken = (table["class_name"] == "cat") & (table["method"] == "do_nothing") & (table["metric"] == ASR)
    table.loc[untaken & (table["dataset.keep.cat"] == 0.4), "value"] = 0.1
    told = answer(table)
    assert told.headline == "Exact unlearning (EU) healed the model in 3 of 3 seeds"
    assert told.sentence.startswith(
        "With 40 % of the cat images kept, exact unlearning (EU) healed class dog in 3 of 3 seeds "
        "(class cat cannot be judged); with 100 %"
    )


def test_a_change_of_the_gap_between_classes_is_told_only_with_its_interval() -> None:
    table = by_class()
    assert "shows no difference larger than 0.0 points" in answer(table).detail
    hurt = (table["class_name"] == "cat") & (table["method"] == "do_nothing") & (table["metric"] == ROBUST)
    table.loc[hurt & (table["dataset.keep.cat"] == 0.4), "value"] -= 0.05
    assert (
        "With 40 % of the cat images kept, the gain of cat minus that of dog is 5.0 points [5.0, 5.0] higher than "
        "with 100 % of the cat images kept (3 seeds)."
    ) in answer(table).detail


# -- unpoisoned controls ------------------------------------------------------------------------------


def no_detectors() -> pd.DataFrame:
    return pd.DataFrame(columns=list(TABLES["detectors"].columns))


def unplanted(attack: str, falls: float, seeds: int = 4) -> Answer:
    table = study([({}, {"retrain": "h" * seeds})]).assign(attack=attack)
    table = table[(table["method"] != "oracle") & (table["metric"] == CLEAN)]
    repaired = table["method"] == "retrain"
    table.loc[repaired, "value"] -= falls + 0.002 * table.loc[repaired, "seed"]
    return measured_answer(attack, paired(table), no_detectors(), outcomes(table))


@pytest.mark.parametrize("attack", ["as found", "unpoisoned"])
def test_without_an_attack_the_answer_is_what_a_repair_costs(attack: str) -> None:
    told = unplanted(attack, 0.05)
    assert told.headline == (
        "Forgetting what was flagged costs up to 5.3 points of clean accuracy, by exact unlearning (EU)"
    )
    assert not any(word in f"{told}" for word in ("attack", "healed", "poison"))
    assert ("Nobody knows which rows are wrong" in told.sure) == (attack == "as found")


def test_without_an_oracle_triggered_images_tell_what_a_repair_gains() -> None:
    table = study([({}, {"retrain": "hhhh"})]).assign(attack="as found")
    table = table[table["method"] != "oracle"]
    raised = (table["method"] == "retrain") & (table["metric"] == ROBUST)
    table.loc[raised, "value"] -= 0.01 * table.loc[raised, "seed"]
    found = outcomes(table)
    assert set(found["undefined"]) == {"no oracle"}
    told = measured_answer("as found", paired(table), no_detectors(), found)
    assert told.sentence.startswith(
        "On the user's triggered images, against doing nothing, exact unlearning (EU) raises adversarial accuracy by "
    )


def test_a_cost_that_two_seeds_cannot_show_is_not_claimed() -> None:
    told = unplanted("unpoisoned", 0.05, seeds=2)
    assert told.headline == "No method is shown to cost clean accuracy"
    assert told.sure.startswith("Not very: 2 seeds")


# -- the chart and the question -----------------------------------------------------------------------


def test_the_chart_sorts_methods_by_their_share() -> None:
    shares = healed(outcomes(study([({}, {"finetune": "iih", "retrain": "hhi", "ssd": "bbb"})])), {})
    cells = cells_of(shares, {"found": "found"})
    assert cells is not None
    (group,) = chart_of(cells).groups
    assert [(dot.name, dot.told) for dot in group.dots] == [
        ("retrain", "2 of 3 seeds, 67 % [18, 96]"),
        ("finetune", "1 of 3 seeds, 33 % [4, 82]"),
        ("ssd", "0 of 3 seeds, 0 % [0, 54]"),
    ]


def test_the_chart_of_three_recalls_has_a_panel_for_each_method() -> None:
    table = along(
        "deletion.recall", {value: {"retrain": "hh", "finetune": "ih"} for value in (0.5, 0.8, 1.0)}
    )
    cells = cells_of(healed(outcomes(table), {}), {})
    assert cells is not None
    chart = chart_of(cells)
    assert chart.is_along
    assert [group.name for group in chart.groups] == ["retrain", "finetune"]
    assert [round(dot.place, 6) for dot in chart.groups[0].dots] == [0, 0.6, 1]


def test_a_study_without_a_question_asks_what_it_varies() -> None:
    entries = [{"what": "method", "name": "retrain"}]
    settings = {"attack": "planted", "vary": {"deletion.recall": [0.5, 1.0]}, "entries": entries}
    assert question_of(settings) == "How often does each method repair the model, over recall?"
    assert question_of(settings | {"attack": "as found", "vary": {}}) == "What does each method cost?"
    assert question_of(settings | {"entries": []}) == "What does each detector find, and what does it accuse?"


def test_values_are_told_in_words() -> None:
    assert value_label("dataset.keep.cat", 0.4) == "40 % of the cat images kept"
    assert value_label("deletion.recall", 0.875) == "recall 87.5 %"
    assert value_label("deletion.fpr", 0.0) == "no false alarms"
    assert value_label("poison.count", 30) == "poisons 30"


def decisions(rule: str, *lines: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=["state", "why"]).assign(rule=rule, method="retrain", deletion="found")


def test_the_first_screen_says_what_rounds_decided() -> None:
    bisected = decisions("bisect", ("done", "x"), ("no outcome", "y"), ("open", "z"))
    assert [*decided(bisected)] == ["2 of 3 bisections of a seed have ended, 1 of them without an outcome."]
    settled = decisions("until settled", ("settled", "healed in 10 of 10 seeds: settled"))
    assert [*decided(settled)] == ["Exact unlearning (EU), found: healed in 10 of 10 seeds: settled."]
    many = decisions("until settled", *[("settled", "x")] * 3, ("open", "y"))
    assert [*decided(many)][-1] == "3 of 4 cells are settled; the table decisions has all of them."
    assert not [*decided(many.iloc[:0])]


def test_an_open_end_of_a_threshold_is_told() -> None:
    table = along("deletion.recall", {0.5: {"retrain": "ii"}, 1.0: {"retrain": "hh"}})
    told = answer(table, thresholds(r90_low=0.83, r90_high=float("nan"), r50_low=float("nan"), r50_high=0.9))
    assert told.detail == "To heal nine models of ten, it has to find 95 % [83 or more]."
    assert "83 % [90 or less]" in told.sentence
    assert "at least 95 % of the poisons: nine models of ten are expected to heal there" in told.steps[0]
