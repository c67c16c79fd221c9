"""`unpoison status`: the done, failed and remaining cells of a study."""


def status(*config: str) -> None:
    """List the cells of a config that are done, failed and left, with reasons.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `results_folder=elsewhere`.
    """
    from unpoison.runs.read import plan_of  # noqa: PLC0415 (not for --help)
    from unpoison.runs.status import status as lines_of  # noqa: PLC0415

    for line in lines_of(plan_of(config)):
        print(line)
