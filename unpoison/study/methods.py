"""Checks of methods and tunings on data sets and networks, made while the DAG is built."""

from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.study.counts import Counts
from unpoison.study.records import Dataset, Method, Training, Tuning
from unpoison.study.studies import Study


def check_trusted(counts: Counts, dataset: Dataset, method: Method) -> None:
    """Refuse a repair by trusted rows on a data set that sets none aside."""
    if "validation" not in method.needs:
        return
    if not counts.trusted(dataset):
        raise UserError(
            f"method '{method.name}' works on trusted rows, and dataset '{dataset.name}' sets none aside; found "
            f"validation: {dataset.validation}, allowed: a number or share of at least one row, or trusted images in "
            "its source"
        )
    _check_every_class(counts, dataset, f"method '{method.name}'")


def check_last(training: Training, method: Method) -> None:
    """Refuse more `last` layers than a network has, or a cut through a block; a model that lists none is not asked."""
    last = method.options.get("last")
    allowed = MODELS.constant(training.model, "LAST", None)
    if last is not None and allowed is not None and last not in allowed:
        raise UserError(
            f"methods.{method.name}.last: found {last}; the model {training.model} of trainings.{training.name} can "
            f"be cut behind {', '.join(map(str, allowed))} of its layers"
        )


def check_tuning(counts: Counts, study: Study, tuning: Tuning) -> None:
    """Refuse a tuning on the seeds that a study reports, and one without validation rows."""
    where = f"tunings.{tuning.name}"
    reported = sorted(set(tuning.seeds) & set(study.seeds))
    if reported:
        raise UserError(
            f"{where}.seeds: {reported[0]} is a seed that studies.{study.name} reports; tune on others"
        )
    for dataset in study.datasets:
        if not counts.trusted(dataset):
            raise UserError(
                f"{where} tunes on the validation rows of datasets.{dataset.name}; it sets none aside"
            )
        _check_every_class(counts, dataset, where)


def _check_every_class(counts: Counts, dataset: Dataset, what: str) -> None:
    """Refuse trusted images of some classes alone: what works by them would give up the other classes unseen."""
    trusted = counts.peek(dataset.source).trusted
    missing = [name for name, count in counts.validation(dataset).items() if not count]
    if any(trusted.values()) and missing:
        raise UserError(
            f"{what} works on trusted images of every class of dataset '{dataset.name}'; found none of "
            f"{', '.join(missing)}"
        )
