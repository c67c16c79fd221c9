"""Where a job computes: its device, its threads, its memory and its arithmetic."""

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
    """`auto` is the first GPU where one is visible, else the CPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but torch sees no CUDA GPU; use device: auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def waits_to_read(device: torch.device) -> bool:
    """Whether reading a number from the device waits for all that it still has to compute: a GPU, not the CPU."""
    return device.type != "cpu"


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on the device; the program does not wait for a copy from the CPU to a GPU."""
    if tensor.device.type == "cpu" and device.type == "cuda":
        tensor = tensor.pin_memory()  # from other memory a copy waits for those before it
    return tensor.to(device, non_blocking=waits_to_read(device))


def compute_repeatably(threads: int) -> None:
    """From here on: same seed, device and threads, the same weights, bit for bit."""
    torch.set_num_threads(threads)
    _be_deterministic()


@contextmanager
def computing_repeatably() -> Iterator[None]:
    """The same for a part of a program, with the threads that it has, and its own settings back at the end."""
    fill: Any = torch.utils.deterministic
    before = (
        torch.get_deterministic_debug_mode(),
        torch.backends.cudnn.allow_tf32,
        fill.fill_uninitialized_memory,
    )
    try:
        _be_deterministic()
        # Notebooks switch gradients off for good; what trains here needs them.
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
    """Have the C library keep what large tensors free for the tensors of the next step (glibc; else nothing).

    By default it gives large blocks back, and a tenth of a step goes into fresh pages from the system.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        # Older versions refuse more than 32 MB; a trim threshold alone would make things worse.
        if any(library.mallopt(M_MMAP_THRESHOLD, size) for size in (1 << 30, 1 << 25)):
            library.mallopt(M_TRIM_THRESHOLD, 1 << 30)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """bfloat16 where the hardware is faster in it (`auto`), or as told (`bfloat16`, `float32`)."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=in_bfloat16(device, precision))


def in_bfloat16(device: torch.device, precision: str) -> bool:
    """Whether a job of that precision computes in bfloat16 there."""
    return precision == "bfloat16" or (precision == "auto" and is_faster_in_bfloat16(device))


def is_faster_in_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products run in hardware there, and faster than those of float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.cpu._is_amx_tile_supported():
        return True
    # By AVX512-BF16 alone, an AMD (Zen 5) is twice as fast as in float32, and an Intel (Emerald Rapids, its AMX hidden
    # by a virtual machine) half as fast.
    return torch.cpu._is_avx512_bf16_supported() and not is_intel(CPU_INFO)


@cache
def is_intel(cpu_info: Path) -> bool:
    """Whether Linux says that the processor is Intel's; asked at every step, so read once."""
    return cpu_info.exists() and "GenuineIntel" in cpu_info.read_text(encoding="utf-8")
