"""The input of a metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from unpoison.answers import Answers, questions_by_part
from unpoison.contracts.deletion import Deletion
from unpoison.contracts.verification import Verification
from unpoison.costs import Cost
from unpoison.rows import NONE, Rows
from unpoison.types import Mask


@dataclass(frozen=True)
class Part:
    """Rows of one kind with a model's answers about them: `answers.predicted[i]` belongs to entry i of `rows`."""

    rows: Rows
    answers: Answers

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: np.ndarray) -> "Part":
        """Return the rows chosen by a mask or by positions."""
        return Part(self.rows.take(which), self.answers.take(which))

    @property
    def of_known_class(self) -> "Part":
        """The rows whose true class is known."""
        return self.take(self.rows.label != NONE)


@dataclass(frozen=True)
class Judged:
    """The input of a metric, for one model.

    rows: the whole table of the poisoned data set; answers: the model's answers to `questions(rows)`, in that order;
    deletion: the deletion set of the model, NO_DELETION if it has none; cost: of the method that made the model, and
    the share of weights that it changed, None if unknown; probed: the answers of the model after each probe, by the
    probe's name; verification: the held-out check of the model, None if it was not made.
    """

    rows: Rows
    answers: Answers
    deletion: Deletion
    cost: Cost | None = None
    probed: Mapping[str, Answers] = field(default_factory=dict)
    verification: Verification | None = None

    def after(self, probe: str) -> "Judged":
        """Return a copy with the answers of the probed model."""
        return replace(self, answers=self.probed[probe])

    @property
    def training(self) -> Part:
        """Every training row as it was before the attack's stamp."""
        return self._parts["training"]

    @property
    def poisoned_training(self) -> Part:
        """Every row known to be poisoned, stamped."""
        return self._parts["poisoned_training"]

    @property
    def validation(self) -> Part:
        """Every validation row."""
        return self._parts["validation"]

    @property
    def clean_test(self) -> Part:
        """Every untouched test image."""
        return self._parts["clean_test"]

    @property
    def adversarial_test(self) -> Part:
        """Every test image whose class has an attack, stamped; with several attacks, one copy for each."""
        return self._parts["adversarial_test"]

    @cached_property
    def as_trained_on(self) -> Part:
        """Every training row as the poisoned model was trained on it: poisoned rows carry their stamp."""
        training, poisoned = self.training, self.poisoned_training
        if not len(poisoned):
            return training
        place = np.arange(len(training))
        place[training.rows.poisoned("a stamped row")] = len(training) + np.arange(len(poisoned))
        return Part(training.rows, self.answers.take(place))

    @property
    def is_retained(self) -> Mask:
        """(n,) True for training rows outside the deletion set."""
        return np.isin(np.arange(len(self.training)), self.deletion.rows, invert=True)

    def has(self, need: str) -> bool:
        """Return whether a part that a metric declares in NEEDS is known and not empty."""
        return HAS[need](self)

    @cached_property
    def _parts(self) -> Mapping[str, Part]:
        parts, start = {}, 0
        for name, asked in questions_by_part(self.rows).items():
            of_part = np.arange(start, start + len(asked))
            parts[name] = _unwritable(Part(self.rows.take(asked.row), self.answers.take(of_part)))
            start += len(asked)
        return parts


def _unwritable(part: Part) -> Part:
    """Return a part with read-only arrays, as all metrics of a model share it."""
    for column in (*vars(part.rows).values(), *vars(part.answers).values()):
        if isinstance(column, np.ndarray):
            column.setflags(write=False)
    return part


def _in_part(name: str) -> Callable[[Judged], bool]:
    return lambda judged: len(getattr(judged, name)) > 0


# The names that a metric may declare in NEEDS, each with its check.
HAS: dict[str, Callable[[Judged], bool]] = {
    **{
        name: _in_part(name)
        for name in ("training", "poisoned_training", "validation", "clean_test", "adversarial_test")
    },
    "truth": lambda judged: judged.rows.is_poisoned is not None,
    "deletion": lambda judged: len(judged.deletion.rows) > 0,
    "detector": lambda judged: (
        judged.deletion.detector_auroc is not None or judged.deletion.detector_average_precision is not None
    ),
    "cost": lambda judged: judged.cost is not None,
    "verification": lambda judged: judged.verification is not None,
    "weights_changed": lambda judged: judged.cost is not None and judged.cost.weights_changed is not None,
    "tuning_passes": lambda judged: judged.cost is not None and judged.cost.tuning_passes is not None,
}
