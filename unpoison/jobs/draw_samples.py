"""Draw clean and poisoned images side by side, or training images as they were found."""

from typing import Any

from unpoison.attacks import open_images
from unpoison.drawing.found import draw_found
from unpoison.drawing.samples import draw_samples
from unpoison.drawing.style import save
from unpoison.files import map_array
from unpoison.jobs.inputs import check_inputs
from unpoison.poisons import trigger_of
from unpoison.rows import read_rows
from unpoison.text import from_html


def main(snakemake: Any) -> None:
    """Draw the images."""
    spec, given = from_html(snakemake.params.spec), snakemake.input
    check_inputs(snakemake, spec)
    trigger = spec["trigger"]
    rows = read_rows(given.rows)
    stored, attacked = map_array(given.images), open_images(given.images, rows, given.get("perturbed"))
    stamp = trigger_of(trigger["poison"], trigger["options"])
    figure = draw_samples(stored, attacked, rows, stamp) if spec["plants"] else draw_found(stored, rows)
    save(figure, snakemake.output.pdf, snakemake.output.png, spec["note"])
