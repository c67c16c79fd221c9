"""`unpoison run`: a whole study of a config, to its report."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

# Snakemake's arguments look like options of this command; `main` turns each into a --further.
Further = Annotated[tuple[str, ...], Parameter(show=False, allow_leading_hyphen=True)]


def run(*config: str, cores: int | None = None, verbose: bool = False, further: Further = ()) -> int:
    """Run all unfinished jobs of a config, and make its tables, figures and report.

    For an adaptive study it runs one round after another, until no further cell is wanted.
    Arguments after `--` go to Snakemake, which then shows its own output: `unpoison run mine.yaml -- --dry-run`.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `results_folder=elsewhere`.
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
    """Run the workflow on a config, print the paths of its results, and return the exit code."""
    from unpoison.command.running import run_workflow, tell  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    plan, rounds = plan_of(config), 0
    # With arguments for Snakemake each round makes all targets, since the arguments may choose targets.
    of_round = ["decisions"] if plan.rounds and not further else targets
    while plan.rounds:
        rounds += 1
        if not run_workflow(config, of_round, cores=cores, verbose=verbose, more=further):
            return 1
        before, plan = set(plan.cells), plan_of(config)
        if set(plan.cells) <= before:
            break
        tell(f"Round {rounds} is done; {len(set(plan.cells) - before)} further cells are wanted")
    if not (rounds and of_round == targets) and not run_workflow(
        config, targets, cores=cores, verbose=verbose, more=further
    ):
        return 1
    if not further:  # --dry-run and others make no results
        from unpoison.runs.where import where  # noqa: PLC0415

        for line in where(plan):
            print(line)
    return 0
