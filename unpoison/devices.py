"""The computing environment of a job: its device, threads, memory and arithmetic."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unpoison.errors import UserError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
CPU_INFO = Path("/proc/cpuinfo")


def pick_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is the first visible GPU, else the CPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but torch sees no CUDA GPU; use device: auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def waits_to_read(device: torch.device) -> bool:
    """Return whether reading a number from the device waits for its pending work: true of a GPU, not of the CPU."""
    return device.type != "cpu"


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on the device; the program does not wait for a copy from the CPU to a GPU."""
    if tensor.device.type == "cpu" and device.type == "cuda":
        tensor = tensor.pin_memory()  # a copy from unpinned memory waits for earlier copies
    return tensor.to(device, non_blocking=waits_to_read(device))


def compute_repeatably(threads: int) -> None:
    """Make the program deterministic: the same seed, device and threads give bit-identical weights."""
    torch.set_num_threads(threads)
    _be_deterministic()


@contextmanager
def computing_repeatably() -> Iterator[None]:
    """Make a block deterministic with the current number of threads, and restore the settings at its end."""
    fill: Any = torch.utils.deterministic
    before = (
        torch.get_deterministic_debug_mode(),
        torch.backends.cudnn.allow_tf32,
        fill.fill_uninitialized_memory,
    )
    try:
        _be_deterministic()
        # A notebook may have switched gradients off globally; training needs them.
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        torch.backends.cudnn.allow_tf32, fill.fill_uninitialized_memory = before[1:]


def _be_deterministic() -> None:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Not use_deterministic_algorithms, which does the same and imports torch's compiler: 1.7 s a job.
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.allow_tf32 = False  # float32 is float32
    # Filling fresh memory is a guard for debugging; it costs 3 % of a step.
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False


def keep_freed_memory() -> None:
    """Let the C library reuse the freed memory of large tensors in the next step (glibc only).

    By default it returns large blocks to the system, and a tenth of a step is spent on fresh pages.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        # Older versions refuse more than 32 MB; a trim threshold alone would make things worse.
        if any(library.mallopt(M_MMAP_THRESHOLD, size) for size in (1 << 30, 1 << 25)):
            library.mallopt(M_TRIM_THRESHOLD, 1 << 30)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return an autocast context: bfloat16 if the hardware is faster in it (`auto`), or the named precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=in_bfloat16(device, precision))


def in_bfloat16(device: torch.device, precision: str) -> bool:
    """Return whether a job of that precision computes in bfloat16 on the device."""
    return precision == "bfloat16" or (precision == "auto" and is_faster_in_bfloat16(device))


def is_faster_in_bfloat16(device: torch.device) -> bool:
    """Return whether the device runs bfloat16 matrix products in hardware, and faster than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.cpu._is_amx_tile_supported():
        return True
    # With AVX512-BF16 alone, an AMD (Zen 5) is twice as fast as in float32, and an Intel (Emerald Rapids, its AMX
    # hidden by a virtual machine) half as fast.
    return torch.cpu._is_avx512_bf16_supported() and not is_intel(CPU_INFO)


@cache
def is_intel(cpu_info: Path) -> bool:
    """Return whether the processor is Intel's, according to Linux; cached, because every step calls it."""
    return cpu_info.exists() and "GenuineIntel" in cpu_info.read_text(encoding="utf-8")
