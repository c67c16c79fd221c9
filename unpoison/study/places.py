"""The check of the results folder: it must hold nothing else of value."""

import os
from collections.abc import Iterable
from pathlib import Path

from unpoison.errors import UserError

ROOT = Path(__file__).parents[2]
# The folders of a checkout. A copied one may lack some of them.
OF_PROJECT = {
    *(".ci", ".git", ".snakemake", ".venv", "benchmarks", "config", "docs", "envs", "profiles", "tests"),
    *("unpoison", "workflow"),
}


def check_results_folder(folder: Path, data: Iterable[Path]) -> None:
    """Refuse a folder that cannot be written to, or that holds the project, a home, git's own files, or data.

    Raises:
        UserError: naming the folder, what is wrong with it, and what is allowed.
    """
    try:
        if reason := _reason(_real(folder), data):
            raise UserError(f"results_folder '{folder}' {reason}; choose a folder for results alone")
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:
        raise UserError(f"results_folder '{folder}' cannot be written: {error.strerror}") from error
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"results_folder '{folder}' cannot be written: {there} is not a writable folder")


def _reason(place: Path, data: Iterable[Path]) -> str:
    """Return the reason why results may not be written to a place; empty if they may."""
    if ROOT.is_relative_to(place):
        return "holds this project"
    if place.is_relative_to(ROOT) and (part := place.relative_to(ROOT).parts[0]) in OF_PROJECT:
        return f"is {'' if place == ROOT / part else 'in '}the folder {part} of this project"
    if ".git" in place.parts:
        return "is part of a git repository's own files"
    # Path.home() fails if no home is known.
    if _real(Path(os.path.expanduser("~"))).is_relative_to(place):  # noqa: PTH111
        return "holds your home folder"
    for path in data:
        if _real(path).is_relative_to(place):
            return f"holds the data {path}"
        for split in ("train", "test"):  # figures would be read as images of a class
            if place.is_relative_to(_real(path / split)):
                return f"is among the images of {path / split}"
    return ""


def _real(path: Path) -> Path:
    """Return a path without links; unchanged if its links form a loop, or a character is invalid in paths."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path
