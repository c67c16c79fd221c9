"""Sources of images: one file each, with `read(folder, image_size, *, ...)` and `peek(folder, *, ...)`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unpoison.plugins import Plugins
from unpoison.rows import Rows, clean_rows
from unpoison.types import StoredImages

SOURCES = Plugins(__name__, "read", "source")


def load_source(
    name: str, folder: str | Path, image_size: int, options: Mapping[str, Any]
) -> tuple[StoredImages, Rows]:
    """All images of a source and the table of its rows, in the order of their ids and of nothing else."""
    source = SOURCES[name](Path(folder), image_size, **options)
    order = np.argsort(np.array(source.row_ids, dtype=object), kind="stable")
    rows = clean_rows(
        [source.row_ids[index] for index in order],
        [source.splits[index] for index in order],
        source.labels[order],
        source.class_names,
    )
    return np.ascontiguousarray(source.images[order]), rows
