"""`unpoison clean`: what fills the disk of a results folder."""

from typing import Annotated

from cyclopts import Parameter


def clean(*config: str, kind: Annotated[str | None, Parameter(name="--delete")] = None) -> None:
    """Tell what fills the disk of a results folder, and what can go without losing results.

    Nothing is deleted without `--delete`, and nothing that the config does not own.

    Parameters
    ----------
    config
        Files, each laid over those before it, and single keys as `results_folder=elsewhere`.
    kind
        The kind of files to delete: images, leftovers, logs, outputs or partial.
    """
    from unpoison.runs.disk import delete, describe  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    plan = plan_of(config)
    if kind:
        print(delete(plan, kind))
    else:
        for line in describe(plan):
            print(line)
