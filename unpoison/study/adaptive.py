"""Adaptive studies in a config: checks of their rules, and the cells to run after the decisions so far."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from unpoison.attack_kinds import WITHOUT_ORACLE
from unpoison.errors import UserError, one_of
from unpoison.files import read_json
from unpoison.levels import LEVELS
from unpoison.rounds import Bisection, Settling
from unpoison.study.records import Deletion, Scalar, Variant, variant_name
from unpoison.study.studies import Study
from unpoison.study.wanted import Growing, Halving, Names, with_decisions

RECALL = "deletion.recall"
FOLDER = "decisions"  # below the results folder
DEFAULTS = {"at_least": 10, "at_most": 40, "step": 5}


def bisection_of(where: str, vary: Mapping[str, Any]) -> tuple[Bisection | None, dict[str, list[Scalar]]]:
    """Return the bisection of a study, if it has one, and the axes with every value that it can reach.

    Raises:
        UserError: for a bisection of anything but recall, and an empty range.
    """
    found = {key: asked for key, asked in vary.items() if isinstance(asked, Mapping)}
    if not found:
        return None, dict(vary)
    if set(found) != {RECALL}:
        wrong = next(key for key in found if key != RECALL)
        raise UserError(f"{where}.vary.{wrong}: found bisect, allowed: a list; only {RECALL} can be bisected")
    (low, high), steps = found[RECALL]["bisect"], found[RECALL]["steps"]
    if not low < high:
        raise UserError(f"{where}.vary.{RECALL}.bisect: found [{low}, {high}], allowed: two numbers in order")
    rule = Bisection(low, high, steps)
    return rule, {**vary, RECALL: rule.values()}


def settling_of(where: str, entry: Mapping[str, Any]) -> Settling | None:
    """Return the rule by which a study adds seeds, if it has one.

    Raises:
        UserError: for `settle` without this rule, numbers out of order, and the rule together with a bisection.
    """
    seeds = entry["seeds"]
    if not isinstance(seeds, Mapping):
        if "settle" in entry:
            raise UserError(
                f"{where}.settle names the cells that seeds are added for; found no seeds: {{until: settled}}"
            )
        return None
    numbers = {**DEFAULTS, **{key: value for key, value in seeds.items() if key != "until"}}
    if not numbers["at_least"] <= numbers["at_most"]:
        raise UserError(
            f"{where}.seeds: found at_least {numbers['at_least']} and at_most {numbers['at_most']}, allowed: at_most "
            "no smaller than at_least"
        )
    if isinstance(entry["vary"].get(RECALL), Mapping):
        raise UserError(
            f"{where}.seeds: found until together with bisect, allowed: a fixed number of seeds or a list of them"
        )
    return Settling(**numbers)


def as_adaptive(study: Study, rule: Bisection | Settling | None, settle: Mapping[str, Any]) -> Study:
    """Return a study with its adaptive rule, if any, before any decision.

    Raises:
        UserError: for deletion sets that are not nested, and cells to settle that the study does not have.
    """
    if isinstance(rule, Bisection):
        return replace(study, adaptive=Halving(rule, chains_of(study)))
    if isinstance(rule, Settling):
        return replace(study, adaptive=Growing(rule, named_cells(study, settle)))
    return study


def as_decided(study: Study, results: Path) -> Study:
    """Return an adaptive study with the cells that follow from its rounds so far, and other studies unchanged.

    Args:
        results: the results folder.

    Raises:
        UserError: for a study whose models cannot be judged as healed or not, and for damaged decisions.
    """
    if study.adaptive is None:
        return study
    check_adaptive(study)
    adaptive = with_decisions(study.adaptive, read_decided(results, study.name))
    if isinstance(adaptive, Halving):
        return replace(study, adaptive=adaptive)
    return replace(study, adaptive=adaptive, seeds=tuple(range(max(map(adaptive.seeds, adaptive.cells)))))


def check_adaptive(study: Study) -> None:
    """Refuse an adaptive study without a deletion set, or whose models cannot be judged as healed or not.

    Raises:
        UserError: for the first of these.
    """
    where = f"studies.{study.name}"
    lacking = sorted({attack for attack in study.attacks.values() if attack in WITHOUT_ORACLE})
    if lacking:
        raise UserError(
            f"{where} decides by healed models, and an attack '{lacking[0]}' has no oracle to judge them by; allowed: "
            "an attack with an oracle"
        )
    if not any(_by_deletion(study)):
        raise UserError(f"{where} decides by repaired models; found no method with a deletion set")
    if study.contrasts and isinstance(study.adaptive, Halving):
        raise UserError(
            f"{where}.contrasts: found {study.contrasts[0].name} together with bisect, allowed: a list of recalls; the "
            "seeds at a bisected recall depend on their outcomes, so they cannot be compared"
        )


def chains_of(study: Study) -> dict[str, tuple[str, float]]:
    """Return the chain and the recall of each deletion set; the sets of a chain differ only in recall.

    Raises:
        UserError: for sets that are not nested: those of a detector, of a list of rows, and of a size.
    """
    found = {}
    for deletion in study.deletions:
        _check_nested(f"studies.{study.name}.vary.{RECALL}", deletion)
        others = {key: value for key, value in deletion.varied.items() if key != "recall"}
        found[deletion.name] = variant_name(deletion.base, others), float(deletion.varied["recall"])
    return found


def _check_nested(where: str, deletion: Deletion) -> None:
    found = {"rows": deletion.flagged, "detector": deletion.detector, "size": deletion.asked.get("size")}
    wrong = [name for name, value in found.items() if value is not None]
    if wrong:
        raise UserError(
            f"{where}: found bisect of the deletion set '{deletion.base}', which has {wrong[0]}; allowed: sets by "
            "recall with fpr, fdr or neither; of these, a larger set contains the smaller ones"
        )


def named_cells(study: Study, settle: Mapping[str, Any]) -> frozenset[Names]:
    """Return the cells of a study that seeds are added for; all of them if `settle` names none.

    Raises:
        UserError: for a method, a key or a value that the study does not have.
    """
    where = f"studies.{study.name}.settle"
    methods = settle.get("methods", [])
    known = {name for method in study.by_deletion for name in (method.name, method.base)}
    for name in methods:
        if name not in known:
            raise one_of(f"method in {where}:", name, sorted(known))
    wanted = {_key(where, study, key): value for key, value in settle.items() if key != "methods"}
    for key, value in wanted.items():
        there = _values(study, key)
        if value not in there:
            raise one_of(f"{key} in {where}:", value, map(str, there))
    found = frozenset(
        names
        for names, records in _by_deletion(study)
        if (not methods or {records["method"].name, records["method"].base} & set(methods))
        and all(_value(records, key) == value for key, value in wanted.items())
    )
    if not found:
        raise UserError(f"{where}: found no cell with a deletion set, allowed: one or more")
    return found


def _key(where: str, study: Study, name: str) -> str:
    """Return the full key for a name: a varied key, the end of one, or a count of the deletion sets."""
    counts = [f"deletion.{key}" for deletion in study.deletions for key in deletion.asked]
    keys = list(dict.fromkeys([*study.vary, *counts]))
    found = [key for key in keys if key == name or key.endswith(f".{name}")]
    if len(found) != 1:
        raise one_of(f"key in {where}:", name, keys)
    return found[0]


def _values(study: Study, key: str) -> list[Scalar]:
    """Return the values of a key in a study."""
    name = key.split(".", 1)[1]
    return study.vary.get(key) or [
        deletion.asked[name] for deletion in study.deletions if name in deletion.asked
    ]


def _value(records: Mapping[str, Variant], key: str) -> Scalar | None:
    """Return a cell's value of a key; None if it has none."""
    level, name = key.split(".", 1)
    record = records[level]
    if name not in record.varied and isinstance(record, Deletion):
        return record.asked.get(name)
    return record.varied.get(name)


def _by_deletion(study: Study) -> Iterator[tuple[Names, dict[str, Variant]]]:
    """Yield the cells with a deletion set, without their seed: names, and records by level."""
    whole = (study.datasets, study.poisons, study.trainings, study.filled, study.by_deletion)
    for records in product(*whole):
        yield tuple(record.name for record in records), dict(zip(LEVELS, records, strict=True))


def read_decided(results: Path, study: str) -> list[dict[str, Any]]:
    """Return the decisions that the job `decide` wrote for a study; empty before its first run.

    Raises:
        UserError: for a file that is damaged.
    """
    file = file_of(results, study)
    return list(read_json(file)["decided"]) if file.is_file() else []


def file_of(results: Path, study: str) -> Path:
    """Return the path of the artifact with a study's decisions."""
    return results / FOLDER / f"{study}.json"
