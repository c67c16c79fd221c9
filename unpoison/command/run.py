"""`unpoison run`: a whole study of a config, to its report."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

# Snakemake's arguments look like options of ours; `main` puts each behind a --further.
Further = Annotated[tuple[str, ...], Parameter(show=False, allow_leading_hyphen=True)]


def run(*config: str, cores: int | None = None, verbose: bool = False, further: Further = ()) -> int:
    """Run all jobs of a config that are not done yet, and make its tables, figures and report.

    What follows `--` goes to Snakemake, which shows its own output then: `unpoison run mine.yaml -- --dry-run`.

    Parameters
    ----------
    config
        Files, each laid over those before it, and single keys as `results_folder=elsewhere`.
    cores
        The number of cores that all jobs use together. The default is all cores.
    verbose
        Show Snakemake's own output.
    further
        Arguments for Snakemake.
    """
    return run_study(config, (), cores=cores, verbose=verbose, further=further)


def run_study(
    config: Sequence[str], targets: Sequence[str], *, cores: int | None, verbose: bool, further: Sequence[str]
) -> int:
    """Run the workflow on a config, say where its results are, and return the exit code."""
    from unpoison.command.running import run_workflow  # noqa: PLC0415 (not for --help)

    if not run_workflow(config, targets, cores=cores, verbose=verbose, more=further):
        return 1
    if not further:  # --dry-run and others make no results
        from unpoison.runs.read import plan_of  # noqa: PLC0415
        from unpoison.runs.where import where  # noqa: PLC0415

        for line in where(plan_of(config)):
            print(line)
    return 0
