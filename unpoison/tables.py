"""The tables of a results folder, each named once: what makes it, of which studies, and whether the report shows it.

`unpoison.columns` says what their columns mean. pandas and the functions are imported when tables are made: the plan
reads the names alone. To add a table, write its function, its columns, and its line in `DERIVED`.
"""

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Derived(NamedTuple):
    """A table that follows from the results.

    module, function: what makes it; source: the table that it is called with, the results or one made before;
    is_shown: the report shows all of it; is_averaged: it is of the studies that are averaged over their recalls, and
    left out where there is none.
    """

    module: str
    function: str
    source: str = "results"
    is_shown: bool = False
    is_averaged: bool = False


DERIVED = {
    "summary": Derived("unpoison.statistics", "summarise"),
    "outcomes": Derived("unpoison.outcomes", "outcomes"),
    "healed": Derived("unpoison.outcomes", "healed", source="outcomes", is_shown=True),
    "references": Derived("unpoison.references", "trained_references", is_shown=True),
    "paired": Derived("unpoison.statistics", "paired"),
    "best": Derived("unpoison.plane", "best_methods"),
    "thresholds": Derived("unpoison.plane", "thresholds"),
    "detectors": Derived("unpoison.false_alarms", "detectors"),
    "utility_healed": Derived("unpoison.statistics", "utility_healed", is_shown=True, is_averaged=True),
}
# The modules that the tables come from: to be part of the digest of the job's code, which follows imports by name.
CODE = tuple(sorted({table.module for table in DERIVED.values()}))
# The report's answers, its interactive view, its provenance and its table of detectors are made of these.
VIEWED = ("summary", "paired", "provenance", "detectors", "outcomes")
SHOWN = ("missing", *(name for name, table in DERIVED.items() if table.is_shown))


def derived_names(averaged: Collection[str]) -> list[str]:
    """Return the names of the tables that are made from the results.

    Args:
        averaged: the studies that are averaged over their recalls.
    """
    return [name for name, table in DERIVED.items() if averaged or not table.is_averaged]


def names(averaged: Collection[str]) -> list[str]:
    """Return the names of all tables of a whole run; `averaged` as in `derived_names`."""
    return ["results", *derived_names(averaged), "provenance"]


def reported_names(averaged: Collection[str]) -> list[str]:
    """Return the names of the tables of a whole run that the report reads; `averaged` as in `derived_names`."""
    return [name for name in names(averaged) if name in {*VIEWED, *SHOWN}]


def make_tables(results: "pd.DataFrame", averaged: Collection[str]) -> dict[str, "pd.DataFrame"]:
    """Return the tables that are made from the results, by name.

    Args:
        results: the results table.
        averaged: the studies that are averaged over their recalls: those of one deletion set that vary
            `deletion.recall` and whose poisons are planted.
    """
    made = {"results": results}
    for name in derived_names(averaged):
        table = DERIVED[name]
        source = made[table.source]
        if table.is_averaged:
            source = source[source["study"].isin(averaged)]
        made[name] = getattr(import_module(table.module), table.function)(source)
    del made["results"]
    return made
