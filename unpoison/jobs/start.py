"""The start of a job: in a child of the warm process where there is one, else here."""

import signal
from importlib import import_module
from typing import Any

from unpoison.jobs.handover import hand_over


def run(step: str, snakemake: Any) -> None:
    """Run the job of a script: `main` of the step's module.

    Args:
        step: the name of a module of this folder.
        snakemake: the object that Snakemake gives to a script.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C stops a job; it does not fail
    module = f"unpoison.jobs.{step}"
    # A GPU is leased before torch is imported, and pools of threads do not survive a fork.
    if snakemake.threads == 1 and not snakemake.resources.get("gpu"):
        hand_over(module)
    import_module(module).main(snakemake)
