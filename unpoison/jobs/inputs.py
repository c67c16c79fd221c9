"""The check of a job's inputs, made before anything is computed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unpoison.digests import content_digest
from unpoison.errors import UserError
from unpoison.provenance import check_artifacts

# Names of inputs that have a record next to them. The others are records, tables and figures, and lists of users.
RECORDED = (
    "images",
    "rows",
    "perturbed",
    "model",
    "outputs",
    "answers",
    "probed",
    "held_out",
    "reference",
    "verified",
    "deletion",
    "deletions",
    "tuned",
    "scores",
    "metrics",
    "histories",
)


def check_inputs(snakemake: Any, spec: Mapping[str, Any] | None = None) -> None:
    """Refuse inputs that are not the artifacts that the job asks for.

    Args:
        spec: that of the job, if its params hold it escaped for HTML.
    """
    files: list[str] = []
    for name in RECORDED:
        found = snakemake.input.get(name) or []
        files += [found] if isinstance(found, str) else found
    check_artifacts(files, spec or snakemake.params.spec, snakemake.params.get("planned"))


def check_content(what: str, folder: Path, files: Iterable[str], planned: str) -> None:
    """Refuse files of the user's that have changed since the job was planned."""
    if content_digest(folder, files) != planned:
        raise UserError(f"the files of {what} have changed since this run was planned; run it again")
