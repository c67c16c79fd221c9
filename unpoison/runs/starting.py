"""The command lines of Snakemake with this package's workflow, and of this package in the user's shell."""

import os
import shutil
import sys
from collections.abc import Sequence

from unpoison.runs.places import profile_folder, workflow_file
from unpoison.runs.read import split


def snakemake_command(words: Sequence[str], *more: str) -> list[str]:
    """Return the command that runs Snakemake on configs and single keys, in any working directory.

    Args:
        words: files of configs, and keys as `data_folder=images`.
        more: further arguments of Snakemake; they override earlier ones.
    """
    files, keys = split(words)
    # -P: Python does not import files in the user's working directory instead of Snakemake's modules.
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", str(workflow_file())]
    command += ["--workflow-profile", str(profile_folder()), "--configfile", *files]
    return [*command, *(["--config", *keys] if keys else []), *more]


def program() -> str:
    """Return the command that calls `unpoison` in the user's shell."""
    python = min(sys.executable, os.path.relpath(sys.executable), key=len)
    return "unpoison" if shutil.which("unpoison") else f"{python} -m unpoison"


def what_can_be_had(configs: str) -> str:
    """Return the sentence that names the commands for the cells of a run with failed jobs."""
    return (
        f"`{program()} status {configs}` tells which cells are missing and why; `{program()} partial {configs}` makes "
        "tables, figures and a report of those that are done"
    )


def further_round(studies: str, cells: int) -> str:
    """Return the sentence that says that a run of Snakemake was one round of adaptive studies."""
    return (
        f"This run was one round of {studies}: {cells} further cell{'s' * (cells > 1)} "
        f"{'are' if cells > 1 else 'is'} wanted. Run the same command again; `{program()} run` goes on by itself"
    )
