"""Draw the training curves of a study's models, before any repair."""

from typing import Any

import pandas as pd

from unpoison.drawing.style import save
from unpoison.drawing.training_curves import draw_training
from unpoison.files import read_table
from unpoison.jobs.inputs import check_inputs


def main(snakemake: Any) -> None:
    """Draw the curves."""
    check_inputs(snakemake)
    models = zip(snakemake.input.histories, snakemake.params.spec["models"], strict=True)
    histories = pd.concat([read_table(path).assign(**model) for path, model in models])
    spec = snakemake.params.spec
    save(draw_training(histories, spec["what"]), snakemake.output.pdf, snakemake.output.png, spec["note"])
