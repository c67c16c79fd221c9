"""Read a source of images into one array that all jobs map."""

from pathlib import Path
from typing import Any

from unpoison.datasets import load_source, peek_source
from unpoison.files import write_array
from unpoison.jobs.inputs import check_content
from unpoison.jobs.record import write_record
from unpoison.rows import write_rows
from unpoison.text import printable


def main(snakemake: Any) -> None:
    """Read the images."""
    spec, folder = snakemake.params.spec, Path(snakemake.params.data_folder)
    options = spec["options"]
    images, rows = load_source(spec["source"], folder, spec["image_size"], options, tell=print)
    files = peek_source(spec["source"], folder, options).files
    check_content(f"source '{snakemake.wildcards.source}'", folder, files, spec["content"])
    write_array(snakemake.output.images, images)
    write_rows(snakemake.output.rows, rows)
    write_record(snakemake, "prepare_source")
    names = printable(", ".join(rows.class_names))
    print(f"{len(rows)} images of {images.shape[1]} x {images.shape[2]} pixels, classes {names}")
