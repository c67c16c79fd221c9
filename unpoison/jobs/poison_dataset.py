"""Choose the rows of a data set, set validation rows aside and poison the training rows, or leave them as found."""

from pathlib import Path
from typing import Any

from unpoison.attacks import in_words, plant
from unpoison.jobs.inputs import check_content, check_inputs
from unpoison.jobs.record import write_record
from unpoison.poisons import POISONS, with_files
from unpoison.rows import choose_rows, read_rows, write_rows
from unpoison.scores import DOUBTED, read_scores


def main(snakemake: Any) -> None:
    """Make the rows."""
    check_inputs(snakemake)
    spec, folder = snakemake.params.spec, Path(snakemake.params.data_folder)
    options = with_files(spec["poison"], spec["options"], folder)
    for name, content in spec.get("files", {}).items():
        check_content(f"the option {name} of the poison", folder, [options[name]], content)
    rows = choose_rows(read_rows(snakemake.input.rows), spec["seed"], **spec["dataset"])
    avoided = (
        read_scores(snakemake.input.avoided).training > DOUBTED if snakemake.input.get("avoided") else None
    )
    poisoned = plant(
        POISONS[spec["poison"]], rows, spec["seed"], spec["image_size"], options, avoided=avoided
    )
    write_rows(snakemake.output.rows, poisoned)
    write_record(snakemake, "poison_dataset")
    print(in_words(poisoned.of("train")))
