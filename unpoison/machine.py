"""The machine that a result is made on."""

import os
import platform
from functools import cache
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
# Vector instructions that affect the speed and the last digits of a training: Linux's names and ours.
VECTORS = {"avx2": "AVX2", "avx512f": "AVX512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX"}


@cache
def processor(cpu_info: Path = CPU_INFO) -> str:
    """Return the model of the processor, its vector instructions and the number of cores.

    An example: `Intel(R) Xeon(R) Processor, AVX2 AVX512 AVX512-BF16, 2 cores`. Without Linux's
    information, the model is the kind of machine, such as `arm64`.
    """
    told: dict[str, str] = {}
    if cpu_info.exists():
        for line in cpu_info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            told.setdefault(key.strip(), value.strip())
    flags = told.get("flags", "").split()
    vectors = " ".join(name for flag, name in VECTORS.items() if flag in flags)
    parts = [told.get("model name", platform.machine()), vectors, f"{os.cpu_count()} cores"]
    return ", ".join(part for part in parts if part)
