"""What is tuned, how and on what, looked up in the config and checked while the DAG is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unpoison.errors import UserError, one_of
from unpoison.study.methods import check_every_class
from unpoison.unlearning import METHODS


@dataclass(frozen=True)
class Tuning:
    """The search of a method's options. space: those that the config leaves open, each with its range."""

    name: str
    trials: int
    seeds: tuple[int, ...]
    deletion: str
    space: Mapping[str, Mapping[str, Any]]


def tuning_of(plan: Any, method: str) -> Tuning | None:
    """How a method is tuned; None where its entry asks for no tuning.

    Raises:
        UserError: for an unknown entry of tunings, and a method of which nothing is left to search.
    """
    entry = plan.entry("method", method)
    if "tuning" not in entry:
        return None
    check_tuning(plan, f"methods.{method}", entry["tuning"])
    space = METHODS.constant(entry["method"], "SPACE", {})
    searched = {name: bounds for name, bounds in space.items() if name not in entry}
    if not searched:
        names = ", ".join(space) or "(none)"
        raise UserError(
            f"methods.{method}.tuning: no option is left to search; {entry['method']} has {names}"
        )
    return Tuning(name=entry["tuning"], space=searched, **_settings(plan, entry["tuning"]))


def check_tuning(plan: Any, where: str, name: str) -> None:
    """Refuse the name of a tuning that is not there."""
    if name not in plan.config["tunings"]:
        raise one_of(f"tuning in {where}:", name, plan.config["tunings"])


def check_study(plan: Any, study: Any) -> None:
    """Refuse a tuning on the seeds that a study reports, without validation rows, or with nothing to forget."""
    for method in study.variants["method"]:
        tuning = tuning_of(plan, method)
        if tuning is None:
            continue
        where = f"tunings.{tuning.name}"
        reported = sorted(set(tuning.seeds) & set(study.seeds))
        if reported:
            raise UserError(
                f"{where}.seeds: {reported[0]} is a seed that studies.{study.name} reports; tune on others"
            )
        for dataset in study.variants["dataset"]:
            if not plan.validation_rows(dataset):
                raise UserError(
                    f"{where} tunes on the validation rows of datasets.{dataset}; it sets none aside"
                )
            check_every_class(plan, dataset, where)
        plan.add_deletion(tuning.deletion, where, study)


def _settings(plan: Any, name: str) -> dict[str, Any]:
    entry = plan.config["tunings"][name]
    return {"trials": entry["trials"], "seeds": tuple(sorted(entry["seeds"])), "deletion": entry["deletion"]}
