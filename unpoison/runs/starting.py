"""The command lines of Snakemake with this package's workflow, and how a user calls this package's command."""

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
        more: further arguments of Snakemake; they win over those before them.
    """
    files, keys = split(words)
    # -P: a file of the user's in the working directory is no module of Snakemake.
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", str(workflow_file())]
    command += ["--workflow-profile", str(profile_folder()), "--configfile", *files]
    return [*command, *(["--config", *keys] if keys else []), *more]


def program() -> str:
    """Return how the `unpoison` command is called in the user's shell."""
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
