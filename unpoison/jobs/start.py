"""The start of a job: in a child of the warm process if there is one, else in this process.

A script that hands itself over imports nothing else: other modules are imported where they are used.
"""

import os
import signal
from importlib import import_module
from typing import Any

from unpoison.jobs.handover import hand_over


def run(name: str, snakemake: Any) -> None:
    """Run the job of a script.

    Args:
        name: of a module in this package; its function `main` is the job.
        snakemake: what Snakemake gives to a script.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job that Ctrl-C stops is not a failed one
    needs_gpu, module = snakemake.resources.get("gpu"), f"unpoison.jobs.{name}"
    # A GPU is leased before torch is imported, and pools of threads do not survive a fork.
    if snakemake.threads == 1 and not needs_gpu:
        hand_over(module)
    import_module("unpoison.jobs.log").begin(snakemake.log[0])
    lease = _leased() if needs_gpu else None  # held as long as the process runs
    import_module(module).main(snakemake)
    del lease


def _leased() -> object:
    gpus = import_module("unpoison.gpus")
    return gpus.lease_gpu(gpus.visible_gpus(), int(os.environ["UNPOISON_GPU_SLOTS"]), gpus.lease_folder())
