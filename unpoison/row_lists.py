"""Users' lists of rows: read from a file, and found among the training rows."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from unpoison.errors import UserError
from unpoison.rows import Rows
from unpoison.text import from_cell
from unpoison.types import Indices


def read_row_ids(path: str | Path) -> list[str]:
    """Return the column row_id of a CSV or Parquet file.

    Raises:
        UserError: for a file that cannot be read as CSV or Parquet, or lacks the column.
    """
    arrow, csv = import_module("pyarrow"), import_module("pyarrow.csv")
    if not os.path.isfile(path):  # noqa: PTH113 (is_file raises where a name is too long)
        raise UserError(f"{path} is no file")
    as_text = csv.ConvertOptions(column_types={"row_id": arrow.string()})  # 007 is an id and not the number 7
    try:
        table = (
            csv.read_csv(path, convert_options=as_text)
            if Path(path).suffix.lower() == ".csv"
            else import_module("pyarrow.parquet").read_table(path)
        )
        columns = table.column_names
        row_ids = table["row_id"].to_pylist() if columns.count("row_id") == 1 else None
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not a readable CSV or Parquet file ({str(error).splitlines()[0]})"
        ) from error
    if row_ids is None:
        raise UserError(f"{path} needs one column row_id; its columns are {', '.join(columns)}")
    return [str(row_id) for row_id in row_ids]


def find_rows(train: Rows, row_ids: Sequence[str], what: str = "flagged") -> Indices:
    """Return the positions of listed rows among the training rows, ascending, each once.

    An id that a table of this package escaped for spreadsheets, such as `'=1.png`, is also found without its
    apostrophe.

    Args:
        what: the name of the rows in the error.

    Raises:
        UserError: for an id that is not a training row of this data set, naming the first such one.
    """
    position = {row_id: index for index, row_id in enumerate(train.row_id)}
    row_ids = [row_id if row_id in position else from_cell(row_id) for row_id in row_ids]
    unknown = [row_id for row_id in row_ids if row_id not in position]
    if unknown:
        raise UserError(
            f"{len(unknown)} of {len(row_ids)} {what} rows are not training rows of this data set, "
            f"the first is '{unknown[0]}'; row ids look like '{train.row_id[0]}'"
        )
    return np.array(sorted({position[row_id] for row_id in row_ids}), dtype=np.int64)
