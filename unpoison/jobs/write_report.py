"""Put findings, figures, tables and provenance on one page."""

from pathlib import Path
from typing import Any

from unpoison.files import read_table, written_whole
from unpoison.report.page import Figure, Tables, render
from unpoison.text import from_html


def main(snakemake: Any) -> None:
    """Write the page."""
    spec, given = from_html(snakemake.params.spec), snakemake.input
    pictures = {Path(path).stem: Path(path).read_bytes() for path in given.figures}
    page = render(
        Tables(
            {Path(path).stem: read_table(path) for path in given.tables}, Path(given.results).read_bytes()
        ),
        [Figure(name, caption, pictures[name]) for name, caption in spec["figures"]],
        spec["studies"],
        spec["folder"],
    )
    with written_whole(snakemake.output.page) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"{len(page) / 1e6:.1f} MB")
