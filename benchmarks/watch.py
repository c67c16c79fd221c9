"""The memory and the seconds of each process that a command starts, read from /proc while it runs (Linux)."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.1  # seconds between two samples


@dataclass
class Process:
    """The largest sampled memory of one process, in MB: private (anonymous) memory and mapped files.

    peak_mb: the kernel's own peak of both together, also between samples.
    """

    name: str
    own_mb: float = 0.0
    mapped_mb: float = 0.0
    peak_mb: float = 0.0
    seconds: float = 0.0  # of a processor


@dataclass(frozen=True)
class Watched:
    """A finished command. own_mb: the largest sampled sum of the private memory of all its processes."""

    status: int
    seconds: float
    own_mb: float
    processes: list[Process]


def watch(command: Sequence[str], folder: Path) -> Watched:
    """Run a command in a folder, and return the time and memory of its processes.

    A job is named by the log that it writes to. Memory that a child shares with its parent counts in both, so the sum
    is an upper bound.
    """
    started, most = time.perf_counter(), 0.0
    found: dict[tuple[int, str], Process] = {}
    running = subprocess.Popen(command, cwd=folder)
    while running.poll() is None:
        total = 0.0
        for number in _family(running.pid):
            total += _look(number, found)
        most = max(most, total)
        time.sleep(EVERY)
    return Watched(running.returncode, time.perf_counter() - started, most, list(found.values()))


def _look(number: int, found: dict[tuple[int, str], Process]) -> float:
    """Note the memory of a process now, and return its private memory in MB; 0 if it has just ended."""
    place = Path("/proc", str(number))
    try:
        told = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        output = (place / "fd" / "1").readlink()
        words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
        times = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
    except (OSError, ValueError):
        return 0.0
    if "RssAnon" not in told:  # a zombie process
        return 0.0
    own, mapped, peak = (int(told[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile", "VmHWM"))
    # A forked job writes elsewhere until it opens its log.
    module = words[words.index("-m") + 1] if "-m" in words else told["Name"].strip()
    name = output.stem if output.suffix == ".log" and "snakemake" not in output.parts else module
    process = found.setdefault((number, name), Process(name))
    process.own_mb, process.mapped_mb = max(process.own_mb, own), max(process.mapped_mb, mapped)
    process.peak_mb = max(process.peak_mb, peak)
    process.seconds = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return own


def _family(root: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = [root]
    for number in family:
        family += [child for child, parent in parents.items() if parent == number]
    return family
