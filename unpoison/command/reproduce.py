"""`unpoison reproduce`: run a published study again, and compare."""

from pathlib import Path

OUTSIDE = 3  # exit code if the two do not agree


def reproduce(
    published: Path, *keys: str, out: Path | None = None, seeds: str | None = None, cores: int | None = None
) -> int:
    """Run a published study again, and compare the numbers. The exit code is 3 if they do not agree.

    A new mean agrees if it lies in its 95 % prediction interval from the published seeds. One comparison in ten may
    lie outside. Equal processors and versions give equal numbers.

    Parameters
    ----------
    published
        Folder of the study, such as docs/results/false_positives: study.yaml and tables/results.parquet.
    keys
        Single keys of the config, such as `data_folder=images`.
    out
        Folder for the new results. The default is results/reproduced/ with the study's name.
    seeds
        Seeds to run, such as 0-1. The default is all published seeds.
    cores
        The number of cores that all jobs use together. The default is all cores.
    """
    from unpoison.command.reproducing import reproduce_study  # noqa: PLC0415
    from unpoison.command.running import tell  # noqa: PLC0415 (not for --help)

    found = reproduce_study(published, keys, out or Path("results/reproduced") / published.name, seeds, cores)
    if found is None:
        return 1
    equal = f"{found['equal']} of {found['means']} means are equal to the last digit"
    inside = f"{found['compared'] - found['outside']} of {found['compared']} lie in their intervals"
    tell(f"{equal}; {inside}" if found["compared"] else f"{equal}; one published seed gives no interval")
    return 0 if found["agrees"] else OUTSIDE
