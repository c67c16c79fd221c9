"""`make bench`: measure everything, print a table and write benchmarks/latest.json.

    python -m benchmarks [--full]

Every figure is a ratio measured in one run with interleaved arms: the median of several rounds, with the
lowest and the highest. The docstring of each module defines its figures. `--full` adds a dry run of 100,000
jobs.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks import dag_sizes, memory, orchestration, throughput
from benchmarks.table import table
from benchmarks.team import CORES
from unpoison.machine import processor
from unpoison.provenance import checkout

LATEST = Path(__file__).with_name("latest.json")


def main() -> None:
    """Measure all parts, write the figures after each part, and print them."""
    full = sys.argv[1:] == ["--full"]
    started = time.perf_counter()
    figures: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **checkout(),
        "machine": {"processor": processor(), "cores": CORES, "torch": torch.__version__},
        "command": "make bench-full" if full else "make bench",
    }
    parts = {
        "Training throughput": throughput.measure,
        "Orchestration": orchestration.measure,
        "Memory of a training job": memory.measure,
        "DAG": dag_sizes.measure_full if full else dag_sizes.measure,
    }
    for title, measure in parts.items():
        print(f"{title} ...", flush=True)
        figures |= measure()
        figures["minutes"] = round((time.perf_counter() - started) / 60, 1)
        LATEST.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{table(figures)}\n\n{figures['minutes']} minutes; all rounds in {LATEST}")


if __name__ == "__main__":
    main()
