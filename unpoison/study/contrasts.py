"""The contrasts of a study: read from its entry, checked while the DAG is built, and given as plain values."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from unpoison.attack_kinds import WITHOUT_ORACLE
from unpoison.errors import UserError, one_of
from unpoison.levels import REFERENCES
from unpoison.metrics import METRICS
from unpoison.study.counts import Counts
from unpoison.study.entries import canonical
from unpoison.study.records import Contrast, Deletion, Scalar
from unpoison.study.studies import Study

HEALED = "healed"
DELETION = (
    "deletion"  # the key for the entry of the deletion set; the other keys are those that a study varies
)


def contrasts_of(entries: Mapping[str, Mapping[str, Any]]) -> tuple[Contrast, ...]:
    """Return the records of the contrasts of a study's entry."""
    return tuple(
        Contrast(
            name,
            entry["metric"],
            tuple(entry["methods"]),
            {key: (start, end) for key, (start, end) in entry["along"].items()},
            entry["at"],
            entry.get("class_name"),
            entry.get("margin"),
        )
        for name, entry in entries.items()
    )


def planned(study: Study) -> dict[str, dict[str, Any]]:
    """Return the contrasts of a study by name, as plain values: all keys are filled in, the name is left out."""
    lines = (asdict(contrast) for contrast in study.contrasts)
    return canonical({line.pop("name"): line for line in lines})


def all_planned(studies: Mapping[str, Study]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the contrasts of each study that has any."""
    return canonical({name: planned(study) for name, study in studies.items() if study.contrasts})


def check_contrasts(counts: Counts, study: Study) -> None:
    """Refuse a contrast of methods, metrics, classes, keys, values or models that a study does not have.

    Raises:
        UserError: for the first one, with what was found and what is allowed.
    """
    for contrast in study.contrasts:
        where = f"studies.{study.name}.contrasts.{contrast.name}"
        if contrast.metric not in METRICS and contrast.metric != HEALED:
            raise one_of(f"metric in {where}:", contrast.metric, [*METRICS, HEALED])
        _check_methods(where, study, contrast)
        classes = counts.training(study.datasets[0])
        if contrast.class_name is not None and contrast.class_name not in classes:
            raise one_of(f"class in {where}:", contrast.class_name, classes)
        for key, chosen in _chosen(contrast):
            _check_value(where, _values(study), key, chosen)
        _check_keys(where, study, contrast)
        if contrast.metric == HEALED:
            _check_healed(where, study, contrast)


def _values(study: Study) -> dict[str, list[Any]]:
    """Return the values of each varied key, and the entries of the deletion sets."""
    return {**study.vary, DELETION: study.bases[DELETION]}


def _check_methods(where: str, study: Study, contrast: Contrast) -> None:
    has_oracle = not set(study.attacks.values()) <= set(WITHOUT_ORACLE)
    references = [name for name in REFERENCES if name != "oracle" or has_oracle]
    for method in contrast.methods:
        if method not in (*study.bases["method"], *references):
            raise one_of(f"method in {where}:", method, {*study.bases["method"], *references})
    if len(contrast.methods) == 1 and not contrast.along:
        raise UserError(
            f"{where} compares nothing: found one method and no along, allowed: two methods, or along"
        )


def _chosen(contrast: Contrast) -> Iterator[tuple[str, Scalar]]:
    """Yield each key of a contrast with each value that the contrast names for it."""
    yield from contrast.at.items()
    for key, ends in contrast.along.items():
        yield from ((key, end) for end in ends)


def _check_value(where: str, values: Mapping[str, Collection[Scalar]], key: str, value: Scalar) -> None:
    if key not in values:
        raise one_of(f"key in {where}:", key, values)
    if not any(
        value == other and isinstance(value, bool) == isinstance(other, bool) for other in values[key]
    ):
        allowed = ", ".join(map(str, values[key]))
        raise UserError(f"{where}: found {key} {value!r}, allowed: {allowed}")


def _check_keys(where: str, study: Study, contrast: Contrast) -> None:
    """Refuse a key that is both fixed and compared, a key without effect on a method, and empty deletion sets."""
    for key in contrast.along:
        if key in contrast.at:
            raise UserError(f"{where}: found {key} in along and in at, allowed: one of them")
        for method in contrast.methods:
            if _is_alike(study, method, key):
                raise UserError(
                    f"{where}: found along {key} with {method}, whose model is the same for all its values; allowed: "
                    "methods whose model changes with the key"
                )
    sides = [{**contrast.at, key: end} for key, ends in contrast.along.items() for end in ends]
    needs_rows = any(not _is_alike(study, method, DELETION) for method in contrast.methods)
    for side in sides or [dict(contrast.at)]:
        if needs_rows and not any(_is_of(deletion, side) for deletion in study.deletions):
            told = ", ".join(f"{key} {value}" for key, value in side.items())
            raise UserError(
                f"{where}: found {told or 'deletion sets'} without a row to forget; allowed: one with rows"
            )


def _is_alike(study: Study, method: str, key: str) -> bool:
    """Return whether a method has the same model for all values of a key."""
    level, repairs = key.split(".", 1)[0], {each.base for each in study.methods if each.is_repair}
    return method in {DELETION: {*REFERENCES, *repairs}, "method": {*REFERENCES}}.get(level, ())


def _is_of(deletion: Deletion, side: Mapping[str, Scalar]) -> bool:
    """Return whether a deletion set has rows and the settings of one side of a contrast."""
    has = {DELETION: deletion.base, **{f"{DELETION}.{key}": value for key, value in deletion.varied.items()}}
    return not deletion.is_empty and all(has.get(key, value) == value for key, value in side.items())


def _check_healed(where: str, study: Study, contrast: Contrast) -> None:
    """Refuse what McNemar's test cannot compare: it counts the seeds in which only one of two models is healed."""
    if not set(study.attacks.values()).isdisjoint(WITHOUT_ORACLE):
        raise UserError(
            f"{where}: healed is judged by the oracle, and studies of {study.attack} data have none"
        )
    found = set(contrast.methods) & set(REFERENCES)
    if found:
        raise UserError(
            f"{where}: healed is defined for repaired models; found {min(found)}, allowed: methods of the study"
        )
    if contrast.margin is not None:
        raise UserError(
            f"{where}.margin: equivalence is not tested for healed; allowed: no margin, or another metric"
        )
    if contrast.along and len(contrast.methods) > 1:
        raise UserError(
            f"{where}: healed compares two models of each seed; found two methods and along, allowed: one of them"
        )
    for key, there in _values(study).items():
        is_open = len(there) > 1 and key not in {*contrast.at, *contrast.along}
        if is_open and not all(_is_alike(study, method, key) for method in contrast.methods):
            raise UserError(
                f"{where}: healed compares two models of each seed; found several values of {key}, allowed: one, "
                "named under at"
            )
