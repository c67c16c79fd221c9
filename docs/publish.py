"""Publish blocks of seeds: `python -m docs.publish RUN DATA_FOLDER`, in the project's folder.

RUN is `false_positives` or `imbalance`. The blocks in docs/results/RUN/blocks are pooled into the tables and figures of
docs/results/RUN. The pages that quote them and the leaderboard are written again.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docs import mission
from docs.leaderboard.__main__ import main as write_leaderboard
from docs.pages import RESULTS
from unpoison.command.reproducing import words_of
from unpoison.runs.pooling import pool
from unpoison.runs.read import plan_of

KEPT = {"tables": "*.parquet", "figures": "*.png"}


def publish(run: str, data_folder: str) -> None:
    """Pool the blocks of a run, and write everything that shows its results."""
    place = RESULTS / run
    plan = plan_of((*words_of(place), f"data_folder={data_folder}"))
    with TemporaryDirectory() as out:
        pool(plan, place / "blocks", Path(out))
        for folder, pattern in KEPT.items():
            shutil.rmtree(place / folder)
            (place / folder).mkdir()
            for file in (Path(out) / folder).glob(pattern):
                shutil.copy(file, place / folder)
    mission.PAGES.write()
    write_leaderboard([])


if __name__ == "__main__":
    publish(*sys.argv[1:])
