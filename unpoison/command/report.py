"""`unpoison report`: the report of a config alone."""

from unpoison.command.run import Further, run_study


def report(*config: str, cores: int | None = None, verbose: bool = False, further: Further = ()) -> int:
    """Update the report of a config, and everything that it needs.

    Models that `keep_models: all` asks for are not made. Arguments after `--` go to Snakemake.

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
    return run_study(config, ["report"], cores=cores, verbose=verbose, further=further)
