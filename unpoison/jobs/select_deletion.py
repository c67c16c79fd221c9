"""Choose the rows that the unlearning methods are told to forget."""

from pathlib import Path
from typing import Any

from unpoison.deletion import in_words, select, write_deletion
from unpoison.jobs.inputs import check_content, check_inputs
from unpoison.jobs.record import write_record
from unpoison.rows import read_rows


def main(snakemake: Any) -> None:
    """Run the job."""
    check_inputs(snakemake)
    spec = snakemake.params.spec
    train = read_rows(snakemake.input.rows).of("train")
    given = {name: snakemake.input.get(name) for name in ("scores", "views")}
    flagged = snakemake.params.flagged
    if flagged:
        check_content("the list of flagged rows", Path(flagged).parent, [flagged], spec["flagged"])
    deletion = select(train, spec["seed"], flagged=flagged, **given, **spec["deletion"])
    write_deletion(snakemake.output.deletion, train, deletion)
    write_record(snakemake, "select_deletion")
    print(in_words(train, deletion))
