"""A published study, run again and compared: `unpoison reproduce`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unpoison.command.run import run_study
from unpoison.errors import UserError
from unpoison.files import read_table, write_table
from unpoison.reproduction import compare, verdict
from unpoison.runs.read import plan_of, read_config

STUDY = "study.yaml"


def reproduce_study(
    published: Path, keys: Sequence[str], out: Path, seeds: str | None, cores: int | None
) -> dict[str, Any] | None:
    """Return the comparison of the new numbers (see `verdict`), None if the run failed.

    The comparison is written to `<out>/reproduced.parquet` and `.csv`.

    Args:
        published: holds `study.yaml` (`config`, a file or a list of files, and keys that override it) and
            `tables/results.parquet`.

    Raises:
        UserError: for a folder that holds no published study, and for seeds that it does not have.
    """
    words = [*words_of(published), f"results_folder={out}", *keys]
    before = read_table(published / "tables/results.parquet")
    words.append(f"only_seeds={seeds or _ends(before['seed'])}")
    plan = plan_of(words)  # wrong keys are refused before anything runs
    there = {seed for study in plan.studies.values() for seed in study.seeds} & set(before["seed"])
    if not there:
        raise UserError(f"--seeds: found {seeds}, allowed: published seeds, {_ends(before['seed'])}")
    if run_study(words, (), cores=cores, verbose=False, further=()):
        return None
    compared = compare(before, read_table(out / "tables/results.parquet"))
    for ending in ("parquet", "csv"):
        write_table(out / f"reproduced.{ending}", compared)
    return verdict(compared)


def words_of(published: Path) -> list[str]:
    """Return the config files and keys of a published study, in the form of a command line."""
    told = read_config(published / STUDY)
    files = told.pop("config", None)
    if not files:
        raise UserError(f"{published / STUDY}: found no config, allowed: config: a file, or a list of files")
    return [
        *([files] if isinstance(files, str) else files),
        *(f"{key}={value}" for key, value in told.items()),
    ]


def _ends(seeds: Any) -> str:
    return f"{seeds.min()}-{seeds.max()}"
