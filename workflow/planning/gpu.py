"""The `gpu` resource tag: one helper, no torch."""

import os
from pathlib import Path

DEVICES = ("/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # NVIDIA, Windows' Linux subsystem, AMD


def gpu_tag(device: str, *, runs_here: bool) -> int:
    """How many GPUs a job that runs a network asks Snakemake for.

    None with `device: cpu`, and none with `auto` where jobs run on this machine and no GPU is visible, so
    that `--cores 8 --resources gpu=1` keeps eight cores busy there.
    """
    if device == "cpu" or (device == "auto" and runs_here and not gpu_is_visible()):
        return 0
    return 1


def gpu_is_visible() -> bool:
    """Whether the driver shows a GPU that CUDA_VISIBLE_DEVICES does not hide."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1", "NoDevFiles")
    driver = any(Path("/proc/driver/nvidia/gpus").glob("*"))
    return not hidden and (driver or any(Path(device).exists() for device in DEVICES))
