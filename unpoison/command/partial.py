"""`unpoison partial`: tables, figures and report of the finished cells."""


def partial(*config: str) -> None:
    """Make tables, figures and a report of the finished cells of a config; runs no job.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `results_folder=elsewhere`.
    """
    from unpoison.runs.partial import write_partial  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    write_partial(plan_of(config))
