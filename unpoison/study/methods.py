"""Whether a method can be run on a data set and a network, told while the DAG is built."""

from typing import Any

from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.unlearning import needs


def check_trusted(plan: Any, dataset: str, method: str) -> None:
    """Refuse a repair by trusted rows on a data set that sets none aside."""
    kind = str(plan.entry("method", method)["method"])
    if "validation" in needs(kind) and not plan.validation_rows(dataset):
        found = plan.entry("dataset", dataset)["validation"]
        raise UserError(
            f"method '{method}' works on trusted rows, and dataset '{dataset}' sets none aside; found validation:"
            f" {found}, allowed: a number or share of at least one row, or trusted images in its source"
        )
    if "validation" in needs(kind):
        check_every_class(plan, dataset, f"method '{method}'")


def check_every_class(plan: Any, dataset: str, what: str) -> None:
    """Refuse trusted images of some classes alone: what works by them would give up the other classes unseen."""
    trusted = plan.peek(plan.source_of(dataset)).trusted
    missing = [name for name, count in plan.validation_by_class(dataset).items() if not count]
    if any(trusted.values()) and missing:
        raise UserError(
            f"{what} works on trusted images of every class of dataset '{dataset}'; found none of "
            f"{', '.join(missing)}"
        )


def check_last(plan: Any, training: str, method: str) -> None:
    """Refuse more `last` layers than a network has, or a cut through a block; a model that lists none is not asked."""
    last = plan.kind_and_options("method", method)[1].get("last")
    model = plan.model_options(training)[0]
    allowed = MODELS.constant(model, "LAST", None)
    if last is not None and allowed is not None and last not in allowed:
        raise UserError(
            f"methods.{method}.last: found {last}; the model {model} of trainings.{training} can be cut behind "
            f"{', '.join(map(str, allowed))} of its layers"
        )
