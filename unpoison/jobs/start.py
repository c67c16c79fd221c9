"""The start of a job: its log, its plug-ins, its GPU, and then its module. No numpy, no torch."""

import os
from importlib import import_module
from typing import Any

from unpoison.gpus import lease_folder, lease_gpu, visible_gpus
from unpoison.jobs.log import begin


def run(name: str, snakemake: Any) -> None:
    """Run the job of a script.

    Args:
        name: of a module in this package; its function `main` is the job.
        snakemake: what Snakemake gives to a script.
    """
    begin(snakemake.log[0])
    # Before torch is imported, which then sees no other GPU. The lease lasts as long as the process.
    lease = _leased() if snakemake.resources.get("gpu") else None
    import_module(f"unpoison.jobs.{name}").main(snakemake)
    del lease


def _leased() -> object:
    return lease_gpu(visible_gpus(), int(os.environ["UNPOISON_GPU_SLOTS"]), lease_folder())
