"""`unpoison clean`: the disk use of a results folder."""

from typing import Annotated

from cyclopts import Parameter


def clean(*config: str, kind: Annotated[str | None, Parameter(name="--delete")] = None) -> None:
    """List the disk use of a results folder, and what can be deleted without losing results.

    Without `--delete` nothing is deleted. Files that do not belong to the config are never deleted.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `results_folder=elsewhere`.
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
