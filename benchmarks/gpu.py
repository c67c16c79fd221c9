"""`make gpu`: measure this package on a CUDA device, in ten minutes and one JSON document.

    python -m benchmarks.gpu [--minutes 10] [--data FOLDER]

The parts are repeatability, waits for the device, matrix products, images a second, processes that share the device,
and, in the remaining time, cells of the studies compared with the published numbers. The document goes to standard
output, progress to standard error. On a CUDA device the document is written to benchmarks/gpu.json after each part.
`--tiny --device cpu` tests the script itself.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_cells import TRAIN, measure_cells
from benchmarks.gpu_sizes import ON_GPU, TINY, Sizes
from benchmarks.gpu_speed import measure_products, measure_sharing, measure_throughput
from benchmarks.gpu_steps import measure_repeatability, measure_waits
from unpoison.errors import UserError
from unpoison.machine import processor
from unpoison.provenance import checkout

FOUND = Path(__file__).with_name("gpu.json")
DRIVER = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")


def main() -> None:
    """Measure, print the document, and exit with 1 if a part failed."""
    asked = _asked()
    sizes = TINY if asked.tiny else ON_GPU
    started = time.perf_counter()
    with redirect_stdout(sys.stderr):
        document = measure(sizes, asked.data, lambda: 60 * asked.minutes - (time.perf_counter() - started))
    print(_as_json(document))
    sys.exit(1 if document["failed"] else 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="time limit; cells that do not fit are left out"
    )
    parser.add_argument("--data", metavar="FOLDER", help="of CIFAR-10 as Parquet files, train-* and test-*")
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, to try the script on a CPU")
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cuda", help="cpu is allowed only with --tiny"
    )
    asked = parser.parse_args()
    if asked.tiny != (asked.device == "cpu"):
        sys.exit("error: --tiny and --device cpu go together: a CPU is measured by make bench")
    if asked.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: torch sees no CUDA device; make gpu measures one, make bench measures a CPU")
    if asked.data is not None and not any(Path(asked.data).glob(TRAIN)):
        sys.exit(
            f"error: --data: found no {TRAIN} in {asked.data}, allowed: a folder of CIFAR-10 as Parquet files"
        )
    return asked


def measure(sizes: Sizes, folder: str | None, seconds_left: Callable[[], float]) -> dict[str, Any]:
    """Return the document; it names the parts that failed or had no time left, with the reason."""
    document: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **checkout(),
        "device": device_facts(sizes.device),
        "processor": processor(),
        "seconds_left": seconds_left(),
        "failed": {},
        "left_out": {},
    }
    parts: dict[str, Callable[[], Any]] = {
        "repeatability": lambda: measure_repeatability(sizes),
        "waits": lambda: measure_waits(sizes),
        "product_teraflops": lambda: measure_products(sizes),
        "throughput": lambda: measure_throughput(sizes, document["product_teraflops"]),
        "sharing": lambda: measure_sharing(sizes),
        "cells": lambda: measure_cells(sizes, folder, _rate_of(document, sizes), seconds_left),
    }
    for name, part in parts.items():
        print(f"{name}: {seconds_left():.0f} seconds left", flush=True)
        _add(document, name, part, seconds_left)
        document["seconds_left"] = seconds_left()
        if sizes.device == "cuda":
            FOUND.write_text(_as_json(document) + "\n", encoding="utf-8")
    return document


def _add(
    document: dict[str, Any], name: str, part: Callable[[], Any], seconds_left: Callable[[], float]
) -> None:
    if seconds_left() <= 0:
        document["left_out"][name] = "no time is left"
        return
    try:
        document[name] = part()
    # GPU time is scarce, so results are kept even if another part fails. A team ends by SystemExit.
    except (RuntimeError, UserError, KeyError, SystemExit) as error:
        document["failed"][name] = f"{type(error).__name__}: {error}"


def _rate_of(document: dict[str, Any], sizes: Sizes) -> float:
    """Return the measured images a second of a training of the cells' width."""
    return document["throughput"][str(sizes.width)]["images_per_second"]["ours"]["median"]


def device_facts(device: str) -> dict[str, Any]:
    """Return the names and versions of a device, its driver and its libraries; on a CPU that of torch alone."""
    facts: dict[str, Any] = {"kind": device, "torch": torch.__version__}
    if device != "cuda":
        return facts
    about = torch.cuda.get_device_properties(0)
    return facts | {
        "name": about.name,
        "gigabytes": round(about.total_memory / 1e9, 1),
        "multiprocessors": about.multi_processor_count,
        "capability": f"{about.major}.{about.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _driver(),
    }


def _driver() -> str | None:
    """Return the version of the driver, None if nvidia-smi is missing or fails."""
    if shutil.which(DRIVER[0]) is None:
        return None
    done = subprocess.run(DRIVER, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.split("\n")[0].strip() or None


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, allow_nan=False)


if __name__ == "__main__":
    main()
