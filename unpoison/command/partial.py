"""`unpoison partial`: tables, figures and report of the cells that are done."""


def partial(*config: str) -> None:
    """Make tables, figures and a report of the cells of a config that are done; runs no job.

    Parameters
    ----------
    config
        Files, each laid over those before it, and single keys as `results_folder=elsewhere`.
    """
    from unpoison.runs.partial import write_partial  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    write_partial(plan_of(config))
