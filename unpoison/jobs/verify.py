"""Estimate the attack success of a repair from the rows that each fold left out, without a network."""

from typing import Any

from unpoison.answers import read_answers
from unpoison.contracts.deletion import NO_DELETION
from unpoison.contracts.judged import Judged
from unpoison.contracts.verification import in_words, write_verification
from unpoison.deletion import read_deletion
from unpoison.jobs.inputs import check_inputs
from unpoison.jobs.record import write_record
from unpoison.readings import readings_of
from unpoison.rows import read_rows
from unpoison.verification import verification_of


def main(snakemake: Any) -> None:
    """Write the estimate."""
    check_inputs(snakemake)
    given, rows = snakemake.input, read_rows(snakemake.input.rows)
    base = Judged(rows, read_answers(given.answers), NO_DELETION).as_trained_on.answers
    readings = readings_of(
        rows,
        read_deletion(given.deletion).rows,
        [read_answers(file) for file in given.held_out],
        read_answers(given.reference),
        base,
    )
    found = verification_of(readings, rows.class_names)
    write_verification(snakemake.output.verified, found)
    write_record(snakemake, "verify")
    print(in_words(found))
