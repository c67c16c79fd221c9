"""The tables that a figure is handed."""

from collections.abc import Collection, Iterable, Mapping

import pandas as pd


def tables_for(
    tables: Iterable[pd.DataFrame], studies: Collection[str], families: Mapping[str, str]
) -> list[pd.DataFrame]:
    """Return tables cut to a figure's studies, with the family of each method as the column `family`.

    Args:
        tables: in the order of the figure's constant `TABLES`.
        families: the family of each method by its name in the config; references have none.
    """
    shown = (table[table["study"].isin(studies)] for table in tables)
    return [
        table.assign(family=table["method"].map(dict(families))) if "method" in table else table
        for table in shown
    ]
