"""The record that a job leaves beside what it made."""

from collections.abc import Mapping
from typing import Any

from unpoison.costs import Cost
from unpoison.files import write_json
from unpoison.provenance import run_record


def write_record(
    snakemake: Any,
    step: str,
    *,
    spec: Mapping[str, Any] | None = None,
    device: str = "cpu",
    cost: Cost | None = None,
) -> None:
    """Write the job's record as its output `run`, when all its other outputs are there.

    Args:
        step: what the job is, whatever a workflow that uses this one as a module calls its rule.
        spec: where an input added to what the job was told (options that were tuned).
    """
    spec = spec or snakemake.params.spec
    record = run_record(
        spec,
        step=step,
        identity=spec.get("identity") or dict(snakemake.wildcards.items()),
        inputs=list(snakemake.input),
        outputs=[path for name, path in snakemake.output.items() if name != "run"],
        device=device,
        threads=snakemake.threads,
        **(cost.known() if cost else {}),
    )
    write_json(snakemake.output.run, record)
