"""Checks of methods and tunings on data sets and networks, made while the DAG is built."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product

from unpoison.deletion import count_deletion
from unpoison.errors import UserError
from unpoison.held_out import check_fifth
from unpoison.models import MODELS
from unpoison.study.counts import Counts
from unpoison.study.records import Dataset, Deletion, Method, Training, Tuning
from unpoison.study.studies import Cell, Study


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
    """Refuse more `last` layers than a network has, or a cut through a block; models without `LAST` are not checked."""
    last = method.options.get("last")
    allowed = MODELS.constant(training.model, "LAST", None)
    if last is not None and allowed is not None and last not in allowed:
        raise UserError(
            f"methods.{method.name}.last: found {last}; the model {training.model} of trainings.{training.name} "
            f"allows {', '.join(map(str, allowed))}"
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


def check_tuned_on(counts: Counts, study: Study, tuning: Tuning, deletion: Deletion) -> None:
    """Refuse a tuning on a recall that a study reports, and one on a set that is too small to hold a fifth out."""
    where, recall = f"tunings.{tuning.name}.deletion", deletion.asked.get("recall")
    if deletion.is_empty:
        raise UserError(f"{where}: '{deletion.name}' has no row to forget")
    # Whatever the FPR: deletion sets of equal recall contain the same share of the poisons.
    if recall is not None and recall in {reported.asked.get("recall") for reported in study.deletions}:
        raise UserError(
            f"{where}: found '{deletion.name}' with recall {recall}, which studies.{study.name} reports; allowed: a "
            "deletion set of another recall"
        )
    if deletion.flagged is not None or deletion.detector is not None:
        return  # its rows are counted when it is made
    for dataset, poison in product(study.datasets, study.poisons):
        poisoned = counts.poisoned(dataset, poison)
        clean = sum(counts.training(dataset).values()) - poisoned
        asked = {key: value for key, value in deletion.asked.items() if key != "bias"}
        try:
            check_fifth(sum(count_deletion(poisoned, clean, **asked)))
        except UserError as error:
            raise UserError(f"{where}: '{deletion.name}' on dataset '{dataset.name}': {error}") from error


def served_by_search(methods: Mapping[str, Method], cells: Iterable[Cell]) -> dict[Cell, int]:
    """Return for each cell of a tuned method the number of cells that share its search, one for each deletion set."""

    def shared(cell: Cell) -> tuple[str, ...]:
        return cell.dataset, cell.poison, cell.training, cell.method

    tuned = {name for name, method in methods.items() if method.tuning is not None}
    served = [cell for cell in cells if cell.method in tuned]
    counts = Counter(map(shared, served))
    return {cell: counts[shared(cell)] for cell in served}


def _check_every_class(counts: Counts, dataset: Dataset, what: str) -> None:
    """Refuse trusted images of only some classes: a loss of the other classes would go unnoticed."""
    trusted = counts.peek(dataset.source).trusted
    missing = [name for name, count in counts.validation(dataset).items() if not count]
    if any(trusted.values()) and missing:
        raise UserError(
            f"{what} works on trusted images of every class of dataset '{dataset.name}'; found none of "
            f"{', '.join(missing)}"
        )
