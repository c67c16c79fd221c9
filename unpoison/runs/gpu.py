"""The `gpu` resource: the number that a job asks for, and the number that there are. No torch."""

from unpoison.gpus import has_driver, visible_gpus


def gpu_tag(device: str, *, runs_here: bool) -> int:
    """Return how many GPUs a job that runs a network asks Snakemake for.

    Zero with `device: cpu`, and with `auto` if jobs run on this machine and no GPU is visible, so that all cores are
    kept busy there.
    """
    if device == "cpu" or (device == "auto" and runs_here and not gpu_is_visible()):
        return 0
    return 1


def gpu_slots(slots_per_device: int) -> int:
    """Return how many jobs may run on the GPUs of this machine at once: the default of `--resources gpu=`."""
    return max(1, len(visible_gpus())) * slots_per_device


def gpu_is_visible() -> bool:
    """Return whether the driver shows a GPU that CUDA_VISIBLE_DEVICES does not hide."""
    return has_driver() and bool(visible_gpus())
