"""`unpoison report`: the report of a config alone."""

from unpoison.command.run import Further, run_study


def report(*config: str, cores: int | None = None, verbose: bool = False, further: Further = ()) -> int:
    """Bring the report of a config up to date, and all that it is made from.

    Models that `keep_models: all` asks for are not made. What follows `--` goes to Snakemake.

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
    return run_study(config, ["report"], cores=cores, verbose=verbose, further=further)
