"""The output folder of a command: its check, its config, and the files that the workflow made for it."""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

from unpoison.errors import UserError

RUN = "run"  # folder of the cached results, with the config
SUMMARIES = {"scan.json": "a scan", "repair.json": "a repair"}


def config_file(out: Path) -> Path:
    """Return the path of the config below a folder of results."""
    return out / RUN / "config.yaml"


def check_out(out: Path, made: Sequence[str], data: str) -> None:
    """Refuse a folder inside the data, and one with files that no earlier run of the same command wrote.

    Args:
        made: names of the files that the command writes.
    """
    place = Path(data)
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise UserError(f"out: found {out} inside of the data {data}, allowed: a folder outside of it")
    if out.exists() and not out.is_dir():
        raise UserError(f"out: found the file {out}, allowed: a folder")
    for name, words in SUMMARIES.items():
        if name not in made and (out / name).exists():
            raise UserError(f"out: {out} holds the results of {words}; choose another folder")
    others = [name for name in made if (out / name).exists()]
    if others and not config_file(out).is_file():
        raise UserError(f"out: {out} holds {others[0]}, which unpoison did not write; choose another folder")


def write_config(out: Path, entries: Mapping[str, Any]) -> Path:
    """Write a config below the folder, and return its path. entries: all sections but `results_folder`.

    Its results folder is relative to `out`, whose path may contain characters that a config refuses.
    """
    import yaml  # noqa: PLC0415 (30 ms, and not for --help)

    from unpoison.files import written_whole  # noqa: PLC0415

    config = {"results_folder": RUN, **entries}
    with written_whole(config_file(out)) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return config_file(out)


def run_in(
    out: Path, entries: Mapping[str, Any], targets: Sequence[str], *, cores: int | None, verbose: bool
) -> bool:
    """Run the workflow on a config in the folder, and return whether all targets were made.

    Snakemake's own metadata is stored there too, so the command can continue from any working folder.

    Args:
        targets: names of rules, or of files below `out`.
    """
    from unpoison.command.running import run_workflow, tell  # noqa: PLC0415

    config = write_config(out, entries)
    with chdir(out):
        is_made = run_workflow(config.relative_to(out), targets, cores=cores, verbose=verbose)
    if not is_made:
        tell(f"(paths and commands above are relative to the folder {out})")
    return is_made


def copy_made(out: Path, below: Path, made: Sequence[str]) -> dict[str, Any]:
    """Copy files that the workflow made to the folder, and return the content of the last, a JSON file.

    Args:
        below: the folder of the files below the results.
    """
    from unpoison.files import read_json, written_whole  # noqa: PLC0415

    for name in made:
        with written_whole(out / name) as temporary:
            temporary.write_bytes((out / RUN / below / name).read_bytes())
    content: dict[str, Any] = read_json(out / made[-1])
    return content
