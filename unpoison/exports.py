"""Export the findings of a scan to FiftyOne, to cleanlab's Datalab and to `datasets` of Hugging Face."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpoison.errors import UserError
from unpoison.extras import missing_library
from unpoison.files import require_intact, table_of_csv

if TYPE_CHECKING:
    import pandas as pd

FOUND = "suspicious.csv"
COLUMNS = ("path", "given_label", "score", "votes", "action")
Folder = str | os.PathLike[str]


def suspicious_rows(scan: Folder, data: Folder) -> "pd.DataFrame":
    """Return the rows that a scan suspects: the columns of its `suspicious.csv`, and `file`, where each image lies.

    Args:
        scan: the folder that `unpoison scan --out` wrote. data: the image folder that was scanned.

    Raises:
        UserError: for a folder without the table, a missing column, and a row whose image is not a file in `data`.
    """
    path = require_intact(Path(scan) / FOUND)
    try:
        table = table_of_csv(path.read_bytes())
    except (ValueError, OSError) as error:  # pandas' errors of parsing are ValueErrors
        raise UserError(f"{path} is not a readable CSV file ({str(error).splitlines()[0]})") from error
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise UserError(f"{path} lacks the column {missing[0]}; its columns are {', '.join(table.columns)}")
    table = table.astype({"path": "str", "given_label": "str", "action": "str"})
    files = [Path(data) / row for row in table["path"]]
    for row, file in zip(table["path"], files, strict=True):
        if not file.is_file():
            raise UserError(
                f"{path}: found the row '{row}', and there is no image {file}; give the folder of images"
            )
    return table.assign(file=[str(file.absolute()) for file in files])


def to_hugging_face(scan: Folder, data: Folder) -> Any:
    """Return a `datasets.Dataset` of the suspicious rows: `image` and the columns of `suspicious.csv`.

    Raises:
        UserError: as `suspicious_rows`, and where `datasets` is not installed.
    """
    library, table = _library("datasets"), suspicious_rows(scan, data)
    columns = {"image": table["file"].tolist(), **{name: table[name].tolist() for name in COLUMNS}}
    return library.Dataset.from_dict(columns).cast_column("image", library.Image())


def to_datalab(scan: Folder, data: Folder) -> Any:
    """Return a `cleanlab.Datalab` of the suspicious rows with the issue `poisoned`: those that are to be removed.

    Its score is 1 minus the percentile rank of the scan's score: low is suspicious, as in cleanlab.

    Raises:
        UserError: as `suspicious_rows`, and where `datasets` is not installed.
    """
    table = suspicious_rows(scan, data)
    _library("datasets")  # Datalab needs it
    issues = import_module("cleanlab.datalab.internal.issue_manager")
    factory = import_module("cleanlab.datalab.internal.issue_manager_factory")

    class Poisoned(issues.IssueManager):  # type: ignore[name-defined, misc]
        description = "Rows that a scan of unpoison flags as poisoned."
        issue_name = "poisoned"
        verbosity_levels: dict[int, list[str]] = {0: [], 1: [], 2: [], 3: []}  # noqa: RUF012 (as the library declares it)

        def find_issues(self, **_: Any) -> None:
            score = 1 - table["score"].rank(pct=True).to_numpy()
            is_issue = (table["action"] == "remove").to_numpy()
            frame = type(table)({"is_poisoned_issue": is_issue, self.issue_score_key: score})
            self.issues, self.summary = frame, self.make_summary(score=float(score.mean()))

    with_rule = factory.REGISTRY[import_module("cleanlab.datalab.internal.task").Task.CLASSIFICATION]
    with_rule[Poisoned.issue_name] = Poisoned
    columns = {name: table[name].tolist() for name in ("path", "given_label", "votes", "action", "file")}
    lab = import_module("cleanlab").Datalab(columns, label_name="given_label", verbosity=0)
    lab.find_issues(issue_types={Poisoned.issue_name: {}})
    return lab


def to_fiftyone(scan: Folder, data: Folder, name: str | None = None) -> Any:
    """Return a `fiftyone.Dataset` of the suspicious rows, tagged by what the scan suggests to do with each.

    Args:
        name: of the data set in FiftyOne; None lets FiftyOne choose one.

    Raises:
        UserError: as `suspicious_rows`, and where FiftyOne is not installed.
    """
    library, table = _library("fiftyone"), suspicious_rows(scan, data)
    dataset = library.Dataset(name)
    dataset.add_samples([
        library.Sample(
            filepath=row["file"],
            tags=[row["action"]],
            ground_truth=library.Classification(label=row["given_label"]),
            suspicion=float(row["score"]),
            votes=int(row["votes"]),
        )
        for row in table.to_dict("records")
    ])  # fmt: skip
    return dataset


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise missing_library(name) from error
