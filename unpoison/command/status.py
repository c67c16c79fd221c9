"""`unpoison status`: what of a study is done, failed and left."""


def status(*config: str) -> None:
    """Tell which cells of a config are done, failed and left, and why.

    Parameters
    ----------
    config
        Files, each laid over those before it, and single keys as `results_folder=elsewhere`.
    """
    from unpoison.runs.read import plan_of  # noqa: PLC0415 (not for --help)
    from unpoison.runs.status import status as lines_of  # noqa: PLC0415

    for line in lines_of(plan_of(config)):
        print(line)
