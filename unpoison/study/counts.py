"""Counts of rows by class, each made once and before anything else."""

from functools import cache
from pathlib import Path

from unpoison.contracts.source import Peek
from unpoison.errors import UserError
from unpoison.poisons import POISONS
from unpoison.rows import count_rows
from unpoison.study.peeks import peek
from unpoison.study.records import Dataset, Poison, Source

NULLS = ("null", "~", "")  # names of classes that YAML reads as no value
ByClass = dict[str, int]


class Counts:
    """Row counts of records. A source is read only when asked for: an unused source may be on another machine."""

    def __init__(self, data_folder: str) -> None:
        self._peek = cache(lambda source: peek(source.kind, Path(data_folder), source.options))
        self._rows_of = cache(self._count_rows)
        self._poisoned = cache(self._count_poisoned)

    def peek(self, source: Source) -> Peek:
        """Return what is known of a source before it is read."""
        return self._peek(source)

    def training(self, dataset: Dataset) -> ByClass:
        """Return the number of training rows of each class.

        Raises:
            UserError: for classes that the source does not have, and more images than there are.
        """
        kept, aside = self._rows_of(dataset)
        return {name: kept[name] - aside[name] for name in kept}

    def untested(self, dataset: Dataset) -> list[str]:
        """Return the classes that have no test image."""
        tests = self.peek(dataset.source).tests
        return [name for name in self.training(dataset) if not tests.get(name)]

    def validation(self, dataset: Dataset) -> ByClass:
        """Return the number of trusted rows of each class: rows set aside, and trusted rows of the source."""
        trusted = self.peek(dataset.source).trusted
        return {name: count + trusted.get(name, 0) for name, count in self._rows_of(dataset)[1].items()}

    def trusted(self, dataset: Dataset) -> int:
        """Return the number of validation rows."""
        return sum(self.validation(dataset).values())

    def triggered(self, dataset: Dataset) -> ByClass:
        """Return the number of test images of each class that already carry an attacker's trigger."""
        triggered = self.peek(dataset.source).triggered
        return {name: triggered.get(name, 0) for name in self.training(dataset)}

    def poisoned(self, dataset: Dataset, poison: Poison) -> int:
        """Return the number of training rows that a poison changes or lists.

        Raises:
            UserError: for a poison that cannot be planted, and one that leaves no clean row.
        """
        return self._poisoned(dataset, poison)

    def _count_rows(self, dataset: Dataset) -> tuple[ByClass, ByClass]:
        there = self.peek(dataset.source).counts
        return count_rows(there, classes=dataset.classes, keep=dataset.keep, validation=dataset.validation)

    def _count_poisoned(self, dataset: Dataset, poison: Poison) -> int:
        there = self.training(dataset)
        options = {**poison.options, **poison.files}
        for chosen in (options, *(part["options"] for part in options.get("parts", ()))):
            named = [name for name in there if name.lower() in NULLS]
            if named and chosen.get("target", "") is None and poison.plants:
                raise UserError(
                    f"target: null labels each class as the next one, and there is a class '{named[0]}'; for that "
                    f'class write target: "{named[0]}", in quotes'
                )
        count = POISONS.module(poison.kind).plan(there, dataset.source.image_size, **options)
        if count >= sum(there.values()):
            verb = "poisons" if poison.plants else "lists"
            raise UserError(f"it {verb} all {count} training rows; no clean one is left")
        return int(count)
