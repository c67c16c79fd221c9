"""Choose the rows that the unlearning methods are told to forget."""

from pathlib import Path
from typing import Any

from unpoison.bias import Views, view
from unpoison.deletion import in_words, select, write_deletion
from unpoison.jobs.inputs import check_content, check_inputs
from unpoison.jobs.record import write_record
from unpoison.outputs import read_outputs
from unpoison.rows import Rows, read_rows


def main(snakemake: Any) -> None:
    """Choose the rows."""
    check_inputs(snakemake)
    spec, given, flagged = snakemake.params.spec, snakemake.input, snakemake.params.flagged
    if flagged:
        check_content("the list of flagged rows", Path(flagged).parent, [flagged], spec["flagged"])
    rows = read_rows(given.rows)
    train, views = rows.of("train"), _views(rows, given.get("outputs"))
    deletion = select(
        train, spec["seed"], flagged=flagged, scores=given.get("scores"), views=views, **spec["deletion"]
    )
    write_deletion(snakemake.output.deletion, train, deletion)
    write_record(snakemake, "select_deletion")
    print(in_words(train, deletion))


def _views(rows: Rows, outputs: str | None) -> Views | None:
    """Return how the poisoned model sees the training rows, for deletion sets whose errors depend on it."""
    if not outputs:
        return None
    seen, _ = read_outputs(outputs, rows)
    return view(rows.of("train"), seen.features, seen.logits)
