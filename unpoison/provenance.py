"""What made an artifact: the record written beside it, and the checksums that tie it to what it was made from."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b, file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CODE = ("unpoison", "workflow")  # what a result depends on; the config stands in the record's spec
PACKAGES = ("torch", "numpy", "pyarrow", "safetensors", "pillow", "snakemake")


def run_record(
    spec: Mapping[str, Any],
    *,
    step: str,
    identity: Mapping[str, Any],
    inputs: Iterable[str],
    outputs: Iterable[str],
    device: str,
    threads: int,
    **cost: int | float,
) -> dict[str, Any]:
    """What one job was told, read, wrote, ran on and took, ready for JSON.

    Args:
        spec: the job's options, seed and digest of its code; step, identity: which job it is.
        inputs, outputs: files, of which the checksums are taken.
        cost: what the step measures of itself, such as seconds (wall) and image_passes.
    """
    return {
        "step": step,
        "identity": dict(identity),
        "spec": spec,
        **{name: round(value, 3) for name, value in cost.items()},
        "device": device,
        "threads": threads,
        "inputs": {path: checksum(path) for path in inputs},
        "outputs": {path: checksum(path) for path in outputs},
        **checkout(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "host": platform.node(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def checksum(path: str | Path) -> str:
    """BLAKE2b of a file, 128 bits in hexadecimal.

    Of an array of images, which is large and read by every job, it is the one that its own record tells.
    """
    path = Path(path)
    if path.suffix == ".npy":
        record = record_of(path)
        if record is not None:
            return _outputs(record)[str(path)]
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()


def record_of(path: str | Path) -> Path | None:
    """The record that names a file among its outputs: `run.json` beside it (`metrics.run.json` of `metrics.parquet`).

    None for a file that no job of ours wrote.
    """
    path = Path(path)
    for record in (path.with_name(f"{path.stem}.run.json"), path.with_name("run.json")):
        if record.is_file() and str(path) in _outputs(record):
            return record
    return None


def _outputs(record: Path) -> Mapping[str, str]:
    """What a record names as made; nothing for a foreign file, which `read_json` would refuse."""
    try:
        return dict(json.loads(record.read_bytes())["outputs"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def checkout() -> dict[str, Any]:
    """The commit of the code and whether its files differ from it (`dirty`); both None outside a checkout."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--", *CODE]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}
    lines = done.stdout.splitlines()
    commit = next(line.split()[-1] for line in lines if line.startswith("# branch.oid"))
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}
