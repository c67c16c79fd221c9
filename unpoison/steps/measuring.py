"""The measurement of a model by its answers and the known facts about the data, without a network or torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from unpoison.answers import Answers, questions
from unpoison.contracts.deletion import NO_DELETION, Deletion
from unpoison.contracts.judged import Judged
from unpoison.contracts.verification import Verification
from unpoison.costs import Cost
from unpoison.errors import UserError
from unpoison.metrics import METRICS
from unpoison.rows import Rows

NO_PROBE: Mapping[str, Answers] = MappingProxyType({})


@dataclass(frozen=True)
class Measurement:
    """One metric of one model, of one class or (class_name None) of all together."""

    metric: str
    class_name: str | None
    value: float


def measure(
    rows: Rows,
    answers: Answers,
    deletion: Deletion,
    cost: Cost | None,
    probed: Mapping[str, Answers] = NO_PROBE,
    *,
    verification: Verification | None = None,
) -> list[Measurement]:
    """Return all measurements of a model that are possible with what is known about the data.

    A metric is left out where a part that it NEEDS is empty or unknown, and where its PROBE was not run.

    Args:
        rows: the whole table of the poisoned data set.
        answers: of the model to all questions about these rows.
        deletion: NO_DELETION for a model without one.
        cost: of making the model; None leaves the metrics of cost out.
        probed: the answers of the model after each probe, by the probe's name.
        verification: the held-out check of the model, where it was made.

    Raises:
        UserError: for answers about other rows, and for a metric whose result is not a dict of finite numbers by class.
    """
    for told in (answers, *probed.values()):
        _check_questions(rows, told)
    judged = Judged(rows, answers, deletion, cost, probed, verification)
    found: list[Measurement] = []
    for name, metric in METRICS.items():
        if metric.can_measure(judged):
            values = _checked(name, metric.measure(judged), rows.class_names)
            found += [Measurement(name, class_name, value) for class_name, value in values.items()]
    return found


def _check_questions(rows: Rows, answers: Answers) -> None:
    """Refuse answers to other questions than those about these rows."""
    asked = questions(rows)
    if not (np.array_equal(asked.row, answers.row) and np.array_equal(asked.stamped, answers.stamped)):
        raise UserError(
            f"found {len(answers)} answers about other rows, allowed: those to the {len(asked)} questions of the "
            "data set"
        )


def _checked(name: str, values: object, class_names: tuple[str, ...]) -> dict[str | None, float]:
    """Return the values of a metric by class, and refuse anything else that a user's metric may return."""
    if not isinstance(values, dict):
        raise UserError(
            f"the metric {name} gave back a {type(values).__name__}; allowed: a dict of values by class name"
        )
    for class_name, value in values.items():
        if class_name is not None and class_name not in class_names:
            raise UserError(
                f"the metric {name} gave a value of the class {class_name!r}; allowed: None or a class"
            )
        if not isinstance(value, Real) or not isfinite(value):
            raise UserError(f"the metric {name} gave the value {value!r}; allowed: a finite number")
    return {class_name: float(value) for class_name, value in values.items()}


def metrics_table(measurements: Iterable[Measurement], deletion: Deletion) -> dict[str, list[Any]]:
    """Return the metrics of one model as columns, with the rates and the size of its deletion set."""
    found = list(measurements)
    size = None if deletion is NO_DELETION else len(deletion.rows)
    known = {name: METRICS[name] for name in {entry.metric for entry in found}}
    return {
        "metric": [entry.metric for entry in found],
        "class_name": [entry.class_name for entry in found],
        "value": [entry.value for entry in found],
        "unit": [known[entry.metric].unit for entry in found],
        "higher_is_better": [known[entry.metric].higher_is_better for entry in found],
        **{rate: [getattr(deletion, rate)] * len(found) for rate in ("recall", "fdr", "fpr")},
        "size": [size] * len(found),
    }
