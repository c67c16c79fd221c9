"""Adaptive studies: the cells that a plan adds after decisions, and the allowed config values."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from unpoison.errors import UserError
from unpoison.files import write_json
from unpoison.study.plan import Plan
from unpoison.study.studies import range_of

CONFIG = """
sources:
  generated: {train_per_class: 60, test_per_class: 10, image_size: 16}
datasets:
  pair: {source: generated, classes: [cat, dog]}
poisons:
  patch: {count: 20, target: dog}
  as_found: {}
recipes:
  quick: {epochs: 1, batch_size: 32, learning_rate: 0.05}
trainings:
  resnet9: {width: 2, recipe: quick}
detectors:
  loss: {}
deletions:
  found: {recall: 1.0}
  sized: {size: 10, fdr: 0.2}
  by_loss: {detector: loss, top: 0.1}
methods:
  retrain: {}
  finetune: {}
  fine_pruning: {}
studies:
  main:
    dataset: pair
    poison: patch
    training: resnet9
    vary: {}
    deletions: [found]
    methods: [retrain, finetune]
    seeds: 2
"""
BISECT = {"deletion.recall": {"bisect": [0.2, 1.0], "steps": 3}}
UNTIL = {"until": "settled", "at_least": 2, "at_most": 6, "step": 2}


def config(results: Path, **study: Any) -> dict[str, Any]:
    whole = yaml.safe_load(CONFIG) | {"results_folder": str(results)}
    whole["studies"]["main"] |= study
    return whole


def decide(results: Path, *lines: dict[str, Any]) -> None:
    """Write decisions in the form of the job `decide`."""
    place = {"dataset": "pair", "poison": "patch", "training": "resnet9", "deletion": "found", "seed": None}
    (results / "decisions").mkdir(parents=True, exist_ok=True)
    decided = [{**place, "low": None, "high": None, "models": 0, "next": None, **line} for line in lines]
    write_json(results / "decisions/main.json", {"asked": {}, "decided": decided})


def recalls(plan: Plan, method: str, seed: int) -> list[float]:
    cells = [cell for cell in plan.cells if cell.method == method and cell.seed == seed]
    return sorted(float(cell.deletion.rpartition("=")[2]) for cell in cells)


def test_the_first_round_of_a_bisection_is_the_middle_for_every_seed(tmp_path: Path) -> None:
    plan = Plan(config(tmp_path, vary=BISECT))
    assert [recalls(plan, method, seed) for method in ("retrain", "finetune") for seed in (0, 1)] == [
        [0.6]
    ] * 4
    assert Counter(cell.method for cell in plan.cells) == {
        "do_nothing": 2,
        "oracle": 2,
        "retrain": 2,
        "finetune": 2,
    }


def test_what_was_decided_leads_to_the_next_recall_and_keeps_those_before(tmp_path: Path) -> None:
    decide(
        tmp_path,
        {"method": "retrain", "seed": 0, "low": 0.6},
        {"method": "retrain", "seed": 1, "low": 0.4, "high": 0.5},
    )
    plan = Plan(config(tmp_path, vary=BISECT))
    assert recalls(plan, "retrain", 0) == [0.6, 0.8]
    assert recalls(plan, "retrain", 1) == [0.4, 0.5, 0.6]  # no step is left
    assert recalls(plan, "finetune", 0) == [0.6]
    assert plan.cells == Plan(config(tmp_path, vary=BISECT)).cells


def test_a_method_that_is_added_begins_and_the_others_go_on(tmp_path: Path) -> None:
    decide(tmp_path, {"method": "retrain", "seed": 0, "low": 0.6})
    plan = Plan(config(tmp_path, vary=BISECT, methods=["retrain"]) | {})
    assert recalls(plan, "retrain", 0) == [0.6, 0.8] and recalls(plan, "retrain", 1) == [0.6]


def test_false_alarms_are_bisected_each_by_itself(tmp_path: Path) -> None:
    plan = Plan(config(tmp_path, vary={**BISECT, "deletion.fpr": [0.0, 0.1]}))
    decide(tmp_path, {"method": "retrain", "seed": 0, "deletion": "found@fpr=0.1", "high": 0.6})
    after = Plan(config(tmp_path, vary={**BISECT, "deletion.fpr": [0.0, 0.1]}))
    new = set(after.cells) - set(plan.cells)
    assert {(cell.deletion, cell.method, cell.seed) for cell in new} == {
        ("found@fpr=0.1@recall=0.4", "retrain", 0)
    }


def test_settling_begins_with_the_least_seeds_and_grows_only_the_open_cells(tmp_path: Path) -> None:
    study = {
        "vary": {"deletion.recall": [0.5, 1.0]},
        "seeds": UNTIL,
        "settle": {"recall": 1.0, "methods": ["retrain"]},
    }
    plan = Plan(config(tmp_path, **study))
    assert {cell.seed for cell in plan.cells} == {0, 1}
    decide(
        tmp_path,
        {"method": "retrain", "deletion": "found@recall=1.0", "models": 2, "next": 4},
        # finetune is not among the methods to settle.
        {"method": "finetune", "deletion": "found@recall=1.0", "models": 2, "next": 6},
    )
    new = set(Plan(config(tmp_path, **study)).cells) - set(plan.cells)
    assert {(cell.seed, cell.deletion, cell.method) for cell in new} == {
        *((seed, None, reference) for seed in (2, 3) for reference in ("do_nothing", "oracle")),
        *((seed, "found@recall=1.0", "retrain") for seed in (2, 3)),
    }


def test_cells_are_named_by_the_counts_of_their_deletion_sets_too(tmp_path: Path) -> None:
    whole = config(tmp_path, seeds=UNTIL, deletions=["found", "most"], settle={"recall": 0.9})
    whole["deletions"]["most"] = {"recall": 0.9}
    cells = Plan(whole).studies["main"].adaptive.cells
    assert {names[3:] for names in cells} == {("most", "retrain"), ("most", "finetune")}


def test_without_settle_every_cell_is_asked_and_no_cell_has_more_than_the_most_seeds(tmp_path: Path) -> None:
    plan = Plan(config(tmp_path, seeds=UNTIL))
    assert len(plan.studies["main"].adaptive.cells) == 2
    decide(tmp_path, {"method": "retrain", "models": 6, "next": 40})
    assert max(cell.seed for cell in Plan(config(tmp_path, seeds=UNTIL)).cells) == 5


def test_a_repair_without_a_deletion_set_has_the_least_seeds(tmp_path: Path) -> None:
    whole = config(tmp_path, seeds=UNTIL, methods=["retrain", "fine_pruning"])
    whole["datasets"]["pair"]["validation"] = 0.2
    decide(tmp_path, {"method": "retrain", "models": 2, "next": 4})
    seeds = Counter(cell.method for cell in Plan(whole).cells)
    assert seeds == {"do_nothing": 4, "oracle": 4, "retrain": 4, "fine_pruning": 2}


def test_damaged_decisions_are_refused_and_not_read_as_none(tmp_path: Path) -> None:
    decide(tmp_path, {"method": "retrain", "models": 2, "next": 4})
    file = tmp_path / "decisions/main.json"
    file.write_text(file.read_text().replace('"next": 4', '"next": 6'))
    with pytest.raises(UserError, match=r"main\.json is damaged.*delete it"):
        Plan(config(tmp_path, seeds=UNTIL))


def test_the_range_of_an_adaptive_study_is_known_beforehand(tmp_path: Path) -> None:
    bisected = Plan(config(tmp_path, vary={**BISECT, "deletion.fpr": [0.0, 0.1]})).studies["main"]
    bisections, references = 2 * 2 * 2, 2 * 2  # FPRs, methods, seeds; base and oracle of each seed
    assert range_of(bisected) == (bisections + references, 3 * bisections + references)
    settle = {"methods": ["retrain"]}
    growing = Plan(config(tmp_path, seeds=UNTIL, settle=settle)).studies["main"]
    assert range_of(growing) == (2 * (1 + 1 + 2), 6 * (1 + 2) + 2 * 1)


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ({"vary": {"poison.count": {"bisect": [10, 20], "steps": 2}}}, "allowed: 1 or less"),
        (
            {"vary": {"deletion.fpr": {"bisect": [0.1, 0.2], "steps": 2}}},
            "only deletion.recall can be bisected",
        ),
        (
            {"vary": {"deletion.recall": {"bisect": [0.9, 0.2], "steps": 2}}},
            r"found \[0.9, 0.2\].*two numbers in order",
        ),
        ({"vary": {"deletion.recall": {"bisect": [0.2, 0.9], "steps": 9}}}, "6 or less"),
        ({"vary": {"deletion.recall": {"bisect": [0.2, 0.9]}}}, "steps"),
        ({"vary": BISECT, "deletions": ["sized"]}, "which has size; allowed: sets by recall"),
        ({"vary": BISECT, "deletions": ["by_loss"]}, "which has detector; allowed: sets by recall"),
        (
            {"vary": BISECT, "contrasts": {"both": {"metric": "healed", "methods": ["retrain", "finetune"]}}},
            "found both together with bisect, allowed: a list of recalls",
        ),
        ({"vary": BISECT, "seeds": UNTIL}, "found until together with bisect"),
        ({"vary": BISECT, "methods": ["fine_pruning"]}, "found no method with a deletion set|trusted rows"),
        ({"vary": BISECT, "poison": "as_found"}, "which is unknown for data as found"),
        ({"seeds": {**UNTIL, "at_most": 1}}, "found at_least 2 and at_most 1"),
        ({"seeds": {**UNTIL, "until": "sure"}}, "settled"),
        ({"settle": {"methods": ["retrain"]}}, "found no seeds: {until: settled}"),
        (
            {"seeds": UNTIL, "settle": {"methods": ["scrub"]}},
            "unknown method in studies.main.settle: 'scrub'",
        ),
        ({"seeds": UNTIL, "settle": {"fpr": 0.9}}, "unknown key in studies.main.settle: 'fpr'"),
        (
            {"seeds": UNTIL, "settle": {"recall": 0.9}},
            "unknown deletion.recall in studies.main.settle: '0.9'",
        ),
        (
            {"seeds": UNTIL, "vary": {"deletion.recall": [0.5]}, "settle": {"recall": 0.9}},
            "unknown deletion.recall in studies.main.settle: '0.9'; choose from 0.5",
        ),
    ],
)
def test_what_cannot_be_decided_is_refused_in_one_line(
    tmp_path: Path, study: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as refused:
        Plan(config(tmp_path, **study))
    assert "\n" not in str(refused.value)
