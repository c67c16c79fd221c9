"""The config that `repair` and `verify` run in their output folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unpoison.command.flagged import write_flagged
from unpoison.command.outputs import RUN, check_out
from unpoison.errors import UserError

NAME = "repair"  # of the entry of `repairs`, and of its method
CHOSEN = "auto"
# Assumed shares of the poisons and of the clean rows in the list of a scan.
FOUND, ACCUSED = (0.8, 1.0), (0.0, 0.05)
LIST = "flagged.csv"  # the flagged rows in the form of the config; it must be outside of the results folder
MADE = ("report.html", "repaired.safetensors", "clean.csv", "repair.json")


@dataclass(frozen=True)
class Method:
    """A method with its options. why: the reasons in sentences, empty if the user chose it."""

    name: str
    options: Mapping[str, Any]
    why: str


def method_of(name: str, options: str | None) -> Method:
    """Return the method that the user names with options as JSON, or the one that the measured tables advise.

    Raises:
        UserError: for an unknown method, and for options that it does not take, are not a JSON object, or are given
            with `auto`.
    """
    if name == CHOSEN:
        if options is not None:
            raise UserError(
                f"options: found {options} with method {CHOSEN}, which chooses its own; name a method"
            )
        from unpoison.advice import advise  # noqa: PLC0415 (other subcommands do not need it)

        advice = advise(recall=FOUND, fpr=ACCUSED)
        return Method(advice.method, advice.options, advice.why)
    try:
        found = json.loads(options or "{}")
    except ValueError as error:
        raise UserError(f"options: found {options}, which is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise UserError(f'options: found {options}, allowed: a JSON object such as {{"length": 0.5}}')
    from unpoison.options import check_given  # noqa: PLC0415 (numpy, and not for --help)
    from unpoison.unlearning import METHODS  # noqa: PLC0415

    check_given(found, METHODS.options(name), f"methods.{NAME}")
    return Method(name, found, "")


def check_place(out: Path, data: str, flagged: str) -> None:
    """Refuse a folder as `check_out` does, and a user's list at the path where the command writes its own."""
    check_out(out, (LIST, *MADE), data)
    if Path(flagged).resolve() == (out / LIST).resolve():
        raise UserError(
            f"flagged: found {flagged}, which the command writes itself; give a copy with another name"
        )


def entries_of_repair(
    method: Method, row_ids: list[str], out: Path, *, seed: int, folds: int
) -> dict[str, Any]:
    """Write the list of flagged rows, and return the config entries of the repair.

    Args:
        out: the folder of the command.
    """
    from unpoison.command.given import DATASET, POISON, TRAINING  # noqa: PLC0415 (numpy, and not for --help)

    flagged = out / LIST
    write_flagged(flagged, row_ids)
    return {
        "deletions": {"flagged": {"rows": str(flagged.resolve())}},
        "methods": {NAME: {"method": method.name, **method.options}},
        "probes": {"relearning": {}},
        "repairs": {
            NAME: {
                **{"dataset": DATASET, "poison": POISON, "training": TRAINING},
                **{"deletion": "flagged", "method": NAME, "seed": seed, "folds": folds, "why": method.why},
            }
        },
    }


def verified_file(seed: int) -> Path:
    """Return the file of the held-out check, relative to the folder of the command."""
    from unpoison.command.given import DATASET, POISON, TRAINING  # noqa: PLC0415 (numpy, and not for --help)

    return Path(RUN) / DATASET / f"seed{seed}" / POISON / TRAINING / "flagged" / NAME / "verified.json"
