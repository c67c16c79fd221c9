"""What made an artifact: the record written beside it."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "pyarrow", "safetensors", "snakemake")


def run_record(
    spec: Mapping[str, Any], *, device: str, seconds: float, image_passes: int, forward_passes: int
) -> dict[str, Any]:
    """Options, seed, versions, commit, device, threads and cost of one job, ready for JSON."""
    return {
        "spec": spec,
        "seconds": round(seconds, 3),
        "image_passes": image_passes,
        "forward_passes": forward_passes,
        "device": device,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "commit": git_commit(),
        "host": platform.node(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_commit() -> str | None:
    """The commit of the code, marked '-dirty' where the tree has changes; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
