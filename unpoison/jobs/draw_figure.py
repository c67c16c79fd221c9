"""Draw one figure from the summary."""

from typing import Any

from unpoison.drawing.style import save
from unpoison.files import read_table
from unpoison.plots import PLOTS
from unpoison.text import from_html


def main(snakemake: Any) -> None:
    """Draw the figure."""
    spec = from_html(snakemake.params.spec)
    summary = read_table(snakemake.input.summary)
    figure = PLOTS[spec["figure"]](summary[summary["study"].isin(spec["studies"])], **spec["options"])
    save(figure, snakemake.output.pdf, snakemake.output.png, spec["note"])
