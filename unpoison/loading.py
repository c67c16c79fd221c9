"""Load a data set from class folders, Parquet files, a list of paths and labels, arrays, or the Hugging Face hub."""

import os
import warnings
from pathlib import Path
from typing import Any

from unpoison.attacks import apply
from unpoison.data import Data
from unpoison.data_kinds import source_of
from unpoison.datasets import SOURCES, load_source
from unpoison.errors import UserError
from unpoison.options import check_options
from unpoison.plain_values import plain
from unpoison.poisons import POISONS
from unpoison.resizing import Resizing, check_size
from unpoison.rows import choose_rows

SIZES = (16, 512)  # of images in pixels, as in configs
Path_ = str | os.PathLike[str]
KNOWN = "as_found"  # the plug-in for what a user knows about suspect data


def load_data(
    path: Path_,
    *,
    image_size: int = 32,
    resize: str = "stretch",
    interpolation: str = "bicubic",
    test: Path_ | None = None,
    trusted: Path_ | None = None,
    **options: Any,
) -> Data:
    """Return images and labels from files, as found: it is not known which training labels are right.

    | path | read by the source | test, trusted |
    |---|---|---|
    | a folder with `train/<class>/*`, and perhaps `test/` or `val/` | `image_folder` | folders of class folders |
    | a folder of class folders, `<class>/*` | `class_folders` | folders of class folders |
    | a Parquet file with images, or a glob | `parquet` | Parquet files or globs |
    | a CSV or Parquet list of `path` and `label`, or a glob | `image_list` | lists or globs |
    | a file of arrays, `.npz` | `npz` | `.npz` files |
    | `hf:NAME` or `hf:NAME:CONFIG` | `hugging_face` | names of splits |

    Files that are not read, and duplicate images, are reported as Python warnings.

    Args:
        path: the training rows.
        image_size: height and width in pixels; other images are resized.
        resize: `stretch`, `pad` (black bars) or `crop` (the middle). interpolation: `bicubic`, `bilinear`, `nearest` or
            `lanczos`.
        test: images with right labels, to evaluate models on.
        trusted: images that are known to be clean, for detectors and repairs that need them.
        options: those of the source, such as `label_column` or `triggered`; `truth`, a list of the poisoned rows (a CSV
            file with a column `row_id`), and `target`, the class that the attack wants for triggered images.

    Raises:
        UserError: for files that are missing or cannot be read, an unknown option, and a single class.
    """
    size, resizing = check_size("image_size", plain(image_size), *SIZES), Resizing(resize, interpolation)
    given = {name: plain(value) for name, value in options.items()}
    known = POISONS.options(KNOWN)
    of_user = {name: given.pop(name) for name in list(given) if name in known}
    check_options(of_user, known, "load_data")
    further = {"test": _text("test", test), "trusted": _text("trusted", trusted)}
    source, asked = source_of(_text("path", path) or "", {**given, **further})
    check_options(asked, SOURCES.options(source), source)
    told: list[str] = []
    images, listed = load_source(source, Path(), size, asked, tell=told.append, resizing=resizing)
    rows = choose_rows(listed, seed=0)
    rows = apply(POISONS[KNOWN](rows.of("train"), 0, size, **of_user), rows)
    for sentence in told:
        warnings.warn(f"{path}: {sentence}", stacklevel=2)
    return Data.of_rows(images, rows)


def _text(name: str, path: Path_ | None) -> str | None:
    if path is not None and not isinstance(path, str | os.PathLike):
        raise UserError(f"{name}: found {type(path).__name__}, allowed: a path")
    return None if path is None else os.path.expanduser(os.fspath(path))  # noqa: PTH111 (a glob is not a path)
