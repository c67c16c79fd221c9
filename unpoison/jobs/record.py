"""The provenance record that a job writes next to its outputs."""

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
        step: name of the job. A workflow that uses this one as a module may give the rule another name.
        spec: that of the job with additions from an input (tuned options); None for the params' own.
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
