"""Read a source of images into one array that all jobs map."""

from pathlib import Path
from typing import Any

from unpoison.datasets import load_source, peek_source
from unpoison.files import new_array
from unpoison.jobs.inputs import check_content
from unpoison.jobs.record import write_record
from unpoison.resizing import Resizing
from unpoison.rows import write_rows
from unpoison.text import printable


def main(snakemake: Any) -> None:
    """Read the images."""
    spec, folder = snakemake.params.spec, Path(snakemake.params.data_folder)
    kind, size, options = spec["source"], spec["image_size"], spec["options"]
    resizing = Resizing(spec["resize"], spec["interpolation"])
    with new_array(snakemake.output.images) as room:
        _, rows = load_source(kind, folder, size, options, tell=print, resizing=resizing, room=room)
        files = peek_source(kind, folder, options).files
        check_content(f"source '{snakemake.wildcards.source}'", folder, files, spec["content"])
    write_rows(snakemake.output.rows, rows)
    write_record(snakemake, "prepare_source")
    names = printable(", ".join(rows.class_names))
    print(f"{len(rows)} images of {size} x {size} pixels, classes {names}")
