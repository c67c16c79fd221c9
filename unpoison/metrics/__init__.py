"""Metrics: one file each, with `measure(judged)` and constants that define it; these are read without an import."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from unpoison.contracts.judged import Judged
from unpoison.errors import UserError, one_of
from unpoison.plugin_files import Registered
from unpoison.plugins import Plugins
from unpoison.text import as_table

# The files by name; METRICS has the metrics, as one file can hold several.
FILES = Plugins(__name__, "measure", "metric")


@dataclass(frozen=True)
class Metric:
    """The definition of a metric.

    unit: of its values; higher_is_better: None if neither direction is better; meaning: one sentence; formula: in the
    notation below; source: a paper, or "ours"; label: of an axis; needs: parts of `Judged` that it requires, else it is
    left out; probe: the name of the probe that is applied to the model first, None for the model itself.

    Notation: f(x) is the class that the model predicts for image x, y its true class, t(x) the image stamped with the
    trigger of its class's attack, a the class that the attack wants predicted; mean over the named rows.
    """

    unit: str
    higher_is_better: bool | None
    meaning: str
    formula: str
    source: str
    label: str
    needs: tuple[str, ...]
    probe: str | None
    _file: str
    _options: Mapping[str, int]

    def can_measure(self, judged: Judged) -> bool:
        """Return whether every part that the metric needs is known and not empty."""
        is_asked = self.probe is None or self.probe in judged.probed
        return is_asked and all(map(judged.has, self.needs))

    def measure(self, judged: Judged) -> Any:
        """Return its values by class name; the key None stands for all classes together. Without rows it has no value.

        The values of a user's own metric are not checked here but in the job `measure`.
        """
        return FILES[self._file](judged, **self._options)


class Metrics(Mapping[str, Metric]):
    """The metrics by name; printed as a table.

    A metric has the name of its file. A file with a constant `EACH`, an option with its values, holds one metric for
    each value; the name of the metric ends with the value.
    """

    def __getitem__(self, name: str) -> Metric:
        file, options = self._place(name)

        def told(constant: str) -> Any:
            return FILES.constant(file, constant)

        def worded(text: str) -> str:
            for option, value in options.items():
                text = text.replace(f"{{{option}}}", str(value))
            return text

        return Metric(
            unit=told("UNIT"),
            higher_is_better=told("HIGHER_IS_BETTER"),
            meaning=worded(FILES.summary(file)),
            formula=worded(told("FORMULA")),
            source=told("SOURCE"),
            label=worded(told("LABEL")),
            needs=told("NEEDS"),
            probe=FILES.constant(file, "PROBE", None),
            _file=file,
            _options=options,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def __contains__(self, name: object) -> bool:
        return name in self._files()

    def __repr__(self) -> str:
        """Return a table of name, unit, better direction and meaning."""
        better = {True: "higher", False: "lower", None: "neither"}
        lines = [
            (
                name,
                metric.unit,
                better[metric.higher_is_better],
                shorten(metric.meaning, 90, placeholder=" ..."),
            )
            for name, metric in self.items()
        ]
        return as_table(("metric", "unit", "better", "what it is"), lines)

    def code(self, name: str) -> str | Registered:
        """Return the identity of a metric's code: the name of a shipped module, or the record of a user's file."""
        return FILES.code(self._place(name)[0])

    def _place(self, name: str) -> tuple[str, dict[str, int]]:
        """Return the file of a metric and the options that select it there."""
        whole = name.rpartition("_")[0]
        for file in (name, whole):
            if file in FILES:
                for options in _variants(file):
                    if _name_of(file, options) == name:
                        return file, options
        raise one_of("metric", name, self)

    def _files(self) -> dict[str, str]:
        """Return the file of each metric."""
        found: dict[str, str] = {}
        for file in FILES:
            for options in _variants(file):
                name = _name_of(file, options)
                if name in found:
                    raise UserError(
                        f"{FILES.path(file)}: the metric {name} is one of {FILES.path(found[name])} too; choose "
                        "another name"
                    )
                found[name] = file
        return found


def _variants(file: str) -> list[dict[str, int]]:
    """Return the options of each metric of a file; one empty mapping for a file without EACH."""
    each = FILES.constant(file, "EACH", None)
    return [{option: value} for option, values in each.items() for value in values] if each else [{}]


def _name_of(file: str, options: Mapping[str, int]) -> str:
    return "_".join([file, *map(str, options.values())])


METRICS = Metrics()
