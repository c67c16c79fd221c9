"""`unpoison pool`: one study from blocks of its seeds."""

from pathlib import Path


def pool(*config: str, blocks: Path, out: Path) -> None:
    """Make tables, figures and a report from blocks of seeds, which ran apart; runs no job.

    A block is the folder `tables` of a run with `only_seeds`. It names its processor, commit and dates.

    Parameters
    ----------
    config
        Files, each laid over those before it, and single keys as `data_folder=images`.
    blocks
        Folder with a folder for each block: its tables results.parquet and provenance.parquet.
    out
        Folder for tables, figures and report.
    """
    from unpoison.runs.pooling import pool as pool_blocks  # noqa: PLC0415 (not for --help)
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    pool_blocks(plan_of(config), blocks, out)
