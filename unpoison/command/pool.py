"""`unpoison pool`: one study from blocks of its seeds."""

from pathlib import Path


def pool(*config: str, blocks: Path, out: Path) -> None:
    """Make tables, figures and a report from blocks of seeds that ran separately; runs no job.

    A block is the folder `tables` of a run with `only_seeds`. It names its processor, commit and dates.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `data_folder=images`.
    blocks
        Folder with a folder for each block, which holds the tables results.parquet and provenance.parquet.
    out
        Folder for tables, figures and report.
    """
    from unpoison.runs.pooling import pool as pool_blocks  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    pool_blocks(plan_of(config), blocks, out)
