"""Draw one figure from the tables that it asks for."""

from typing import Any

from unpoison.drawing.given import tables_for
from unpoison.drawing.style import save
from unpoison.files import read_table
from unpoison.plots import PLOTS
from unpoison.text import from_html


def main(snakemake: Any) -> None:
    """Draw the figure."""
    spec = from_html(snakemake.params.spec)
    tables = tables_for(map(read_table, snakemake.input.tables), spec["studies"], spec["families"])
    figure = PLOTS[spec["figure"]](*tables, **spec["options"])
    save(figure, snakemake.output.pdf, snakemake.output.png, spec["note"])
