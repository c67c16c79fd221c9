"""Search the open options of one method on the validation rows of the tuning seeds."""

from typing import Any

from unpoison.costs import Cost
from unpoison.deletion import read_deletion
from unpoison.jobs.job import Job
from unpoison.jobs.record import write_record
from unpoison.jobs.tuned import write_tuned
from unpoison.seeds import derive_seed
from unpoison.trials import record_of, spent_on
from unpoison.tuning import case_of, search
from unpoison.unlearning import METHODS
from unpoison.weights import load_model


def main(snakemake: Any) -> None:
    """Search the options."""
    job = Job(snakemake)
    spec, files = job.spec, snakemake.input
    perturbed = files.get("perturbed") or [None] * len(spec["seeds"])
    cases = [
        case_of(
            job.data_of(rows, images),
            load_model(model),
            read_deletion(deletion).rows,
            job.recipe,
            job.setting(seed),
        )
        for seed, rows, images, model, deletion in zip(
            spec["seeds"], files.rows, perturbed, files.model, files.deletion, strict=True
        )
    ]
    trials = search(
        METHODS[spec["method"]],
        cases,
        **{name: spec[name] for name in ("fixed", "defaults", "space", "trials")},
        seed=derive_seed("tune", *spec["seeds"]),
    )
    told = {key: spec[key] for key in ("method", "seeds", "deletion")}
    write_tuned(snakemake.output.tuned, {**told, **record_of(trials)})
    write_record(snakemake, "tune", device=job.device_name(), cost=Cost(**spent_on(trials)))
