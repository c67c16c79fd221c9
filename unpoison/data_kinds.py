"""The source that reads a user's data, chosen by their path and file ending."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unpoison.errors import UserError
from unpoison.source_files import find

HUB = "hf:"  # hf:NAME or hf:NAME:CONFIG, a data set of the Hugging Face hub
VALIDATION = (
    "val",
    "valid",
    "validation",
)  # folders next to train/ with test images, used if there is no test/
ALLOWED = "a folder, Parquet files (.parquet), a list (.csv, .parquet), arrays (.npz) or hf:NAME"


def source_of(path: str, further: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the source that reads some data, and its options.

    | path | source |
    |---|---|
    | a folder with `train/<class>/*`, and perhaps `test/<class>/*` or `val/<class>/*` | `image_folder` |
    | a folder of class folders, `<class>/*` | `class_folders` |
    | a Parquet file with images, or a glob | `parquet` |
    | a CSV or Parquet list of `path` and `label`, or a glob | `image_list` |
    | a file of arrays, `.npz` | `npz` |
    | `hf:NAME` or `hf:NAME:CONFIG` | `hugging_face` |

    Args:
        further: options of the source, such as `test` and `trusted`; those that are None are left out.

    Raises:
        UserError: for a missing path, and for files of another kind.
    """
    given = {name: value for name, value in further.items() if value is not None}
    if path.startswith(HUB):
        name, _, config = path.removeprefix(HUB).partition(":")
        if not name:
            raise UserError(f"found '{path}', allowed: hf:NAME or hf:NAME:CONFIG")
        return "hugging_face", {"name": name, **({"config": config} if config else {}), **given}
    if not os.path.isdir(path):  # noqa: PTH112 (is_dir raises where a name is too long)
        return _source_of_files(path), {"train": path, **given}
    place = Path(path)
    if not ((place / "train").is_dir() or (place / "test").is_dir()):
        return "class_folders", {"path": path, **given}
    held_out = [place / name for name in VALIDATION if (place / name).is_dir()]
    if held_out and "test" not in given and not (place / "test").is_dir():
        given["test"] = str(held_out[0])
    return "image_folder", {"path": path, **given}


def _source_of_files(pattern: str) -> str:
    try:
        first = find(Path(), pattern)[0]
    except UserError as error:
        raise UserError(f"no such folder, file or glob: {pattern or '(nothing)'}") from error
    match first.suffix.lower():
        case ".csv":
            return "image_list"
        case ".npz":
            return "npz"
        case ".parquet":
            from unpoison.datasets.parquet import may_hold_images  # noqa: PLC0415 (a plan imports no pyarrow)

            return "parquet" if may_hold_images(first) else "image_list"
    raise UserError(f"path: found {first}, allowed: {ALLOWED}")
