"""The list of the tables of a results folder: the function and the studies of each, and whether the report shows it.

`unpoison.columns` describes their columns. pandas and the functions are imported when tables are made, since the plan
needs the names alone. To add a table, write its function, its columns, and its line in `DERIVED`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from unpoison.rounds import BISECT

if TYPE_CHECKING:
    import pandas as pd

Asked = Mapping[str, Any]


class Derived(NamedTuple):
    """A table that is computed from the results.

    module, function: these make it; source: the function's first argument, the results or an earlier table; is_shown:
    the report shows all of it; part: a key of the studies' requests (`asked`), whose value is the function's last
    argument; also: further tables as arguments; is_optional: the table is left out if the part is empty; is_fair:
    studies that bisect recalls are left out. The seeds at a recall of such a study depend on outcomes, so their means
    cannot be compared.
    """

    module: str
    function: str
    source: str = "results"
    is_shown: bool = False
    part: str = ""
    also: tuple[str, ...] = ()
    is_optional: bool = False
    is_fair: bool = False


DERIVED = {
    "summary": Derived("unpoison.statistics", "summarise"),
    "outcomes": Derived("unpoison.outcomes", "outcomes"),
    "healed": Derived("unpoison.outcomes", "healed", source="outcomes", is_shown=True, part="rounds"),
    "decisions": Derived(
        "unpoison.deciding", "decisions", source="outcomes", is_shown=True, part="rounds", is_optional=True
    ),
    "recall_thresholds": Derived(
        "unpoison.recall_thresholds", "recall_thresholds", source="outcomes", is_shown=True
    ),
    "references": Derived("unpoison.references", "trained_references", is_shown=True),
    "paired": Derived("unpoison.statistics", "paired", is_fair=True),
    "contrasts": Derived(
        *("unpoison.contrasts", "contrasts"),
        is_shown=True,
        part="contrasts",
        also=("outcomes",),
        is_optional=True,
        is_fair=True,
    ),
    "slopes": Derived("unpoison.slopes", "slopes", is_shown=True, also=("outcomes",), is_fair=True),
    "best": Derived("unpoison.plane", "best_methods", is_fair=True),
    "thresholds": Derived("unpoison.plane", "thresholds", is_fair=True),
    "detectors": Derived("unpoison.false_alarms", "detectors"),
    "utility_healed": Derived(
        "unpoison.statistics", "utility_healed", is_shown=True, part="averaged", is_optional=True
    ),
}
# The modules of the tables, for the digest of the job's code, which follows only imports by name.
CODE = tuple(sorted({table.module for table in DERIVED.values()}))
# Tables of the report's answers, its interactive view, its provenance and its table of detectors.
VIEWED = ("summary", "paired", "provenance", "detectors", "outcomes")
SHOWN = ("missing", "blocks", *(name for name, table in DERIVED.items() if table.is_shown))


def derived_names(asked: Asked) -> list[str]:
    """Return the names of the tables that are made from the results.

    Args:
        asked: the studies' requests, keyed by the `part` of `DERIVED`.
    """
    return [name for name, table in DERIVED.items() if asked.get(table.part) or not table.is_optional]


def names(asked: Asked) -> list[str]:
    """Return the names of all tables of a whole run; `asked` as in `derived_names`."""
    return ["results", *derived_names(asked), "provenance"]


def reported_names(asked: Asked) -> list[str]:
    """Return the names of the tables of a whole run that the report reads; `asked` as in `derived_names`."""
    return [name for name in names(asked) if name in {*VIEWED, *SHOWN}]


def make_tables(results: "pd.DataFrame", asked: Asked) -> dict[str, "pd.DataFrame"]:
    """Return the tables that are made from the results, by name.

    Args:
        results: the results table.
        asked: as in `derived_names`.
    """
    made = {"results": results}
    bisected = [study for study, rule in asked.get("rounds", {}).items() if rule["rule"] == BISECT]
    for name in derived_names(asked):
        table = DERIVED[name]
        function = getattr(import_module(table.module), table.function)
        source = made[table.source]
        if table.is_fair and bisected:
            source = source[~source["study"].isin(bisected)]
        others = [made[other] for other in table.also]
        more = [asked.get(table.part, {})] if table.part else []
        made[name] = function(source, *others, *more)
    del made["results"]
    return made
