"""The tables that a figure is given."""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd


def tables_for(
    tables: Iterable[pd.DataFrame], studies: Collection[str], families: Mapping[str, str]
) -> list[pd.DataFrame]:
    """Return the tables with only a figure's studies, and with each method's family as the column `family`.

    Args:
        tables: in the order of the figure's constant `TABLES`.
        studies: names of the figure's studies.
        families: the family of each method by its name in the config; reference models have none.
    """
    shown = (table[table["study"].isin(studies)] for table in tables)
    return [
        table.assign(family=table["method"].map(dict(families))) if "method" in table else table
        for table in shown
    ]
