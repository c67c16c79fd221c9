"""The config that `repair` and `verify` run, in the folder that they write to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unpoison.errors import UserError

NAME = "repair"  # of the entry of `repairs`, and of its method
CHOSEN = "auto"
MADE = ("repaired.safetensors", "repair.json", "clean.csv")


@dataclass(frozen=True)
class Method:
    """A method with its options. why: the reasons in sentences, empty for one that the user chose."""

    name: str
    options: Mapping[str, Any]
    why: str


def method_of(name: str, options: str | None) -> Method:
    """Return the method that the user names with options as JSON, or the one that the measured tables advise.

    Raises:
        UserError: for options that are no JSON object, or stand beside `auto`.
    """
    if name == CHOSEN:
        if options is not None:
            raise UserError(
                f"options: found {options} beside method {CHOSEN}, which chooses its own; name a method"
            )
        from unpoison.advice import advise  # noqa: PLC0415 (another subcommand needs it not)

        advice = advise()
        return Method(advice.method, advice.options, advice.why)
    try:
        found = json.loads(options or "{}")
    except ValueError as error:
        raise UserError(f"options: found {options}, which is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise UserError(f'options: found {options}, allowed: a JSON object such as {{"length": 0.5}}')
    return Method(name, found, "")


def check_out(out: Path) -> None:
    """Refuse a folder that holds files which no earlier run of the same command wrote there."""
    if (out / "scan.json").exists():
        raise UserError(f"out: {out} holds the results of a scan; choose another folder")
    there = [name for name in MADE if (out / name).exists()]
    if there and not _config_file(out).is_file():
        raise UserError(f"out: {out} holds {there[0]}, which is not ours; choose another folder")


def write_config(
    out: Path, entries: Mapping[str, Any], method: Method, flagged: Path, *, seed: int, folds: int
) -> Path:
    """Write the config of a repair below the folder, and return its path.

    Args:
        entries: data_folder, sources, datasets, poisons, recipes and trainings; they hold entries called data,
            as_found and model.
    """
    import yaml  # noqa: PLC0415 (30 ms, and not for --help)

    from unpoison.files import written_whole  # noqa: PLC0415

    config = {
        "results_folder": str(out / "run"),
        **entries,
        "deletions": {"flagged": {"rows": str(flagged.resolve())}},
        "methods": {NAME: {"method": method.name, **method.options}},
        "probes": {"relearning": {}},
        "repairs": {
            NAME: {
                **{"dataset": "data", "poison": "as_found", "training": "model"},
                **{"deletion": "flagged", "method": NAME, "seed": seed, "folds": folds},
            }
        },
    }
    with written_whole(_config_file(out)) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return _config_file(out)


def verified_file(out: Path, seed: int) -> Path:
    """Return the file of the held-out check of the config's repair."""
    return out / "run" / "data" / f"seed{seed}" / "as_found" / "model" / "flagged" / NAME / "verified.json"


def _config_file(out: Path) -> Path:
    return out / "run" / "config.yaml"
