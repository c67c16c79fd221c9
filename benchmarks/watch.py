"""The memory and the seconds of each process that a command starts, read from /proc while it runs (Linux)."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.1  # seconds between two looks


@dataclass
class Process:
    """The most that one process held at a look, in MB: of its own (anonymous) and of mapped files.

    peak_mb: the high-water mark of both together, which the kernel keeps between the looks.
    """

    name: str
    own_mb: float = 0.0
    mapped_mb: float = 0.0
    peak_mb: float = 0.0
    seconds: float = 0.0  # of a processor


@dataclass(frozen=True)
class Watched:
    """A command that has ended. own_mb: the most that all processes held of their own together at one look."""

    status: int
    seconds: float
    own_mb: float
    processes: list[Process]


def watch(command: Sequence[str], folder: Path) -> Watched:
    """Run a command in a folder, and return what its processes took.

    A job is named by the log that it writes to. What a child shares with the process that it was forked from counts in
    both, so that the sum is at most too high.
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
    """Note what a process holds now, and return what it holds of its own, in MB; 0 where it has just ended."""
    place = Path("/proc", str(number))
    try:
        told = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        output = (place / "fd" / "1").readlink()
        words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
        times = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
    except (OSError, ValueError):
        return 0.0
    if "RssAnon" not in told:  # a process that has ended and was not waited for
        return 0.0
    own, mapped, peak = (int(told[key].split()[0]) / 1024 for key in ("RssAnon", "RssFile", "VmHWM"))
    # What forks a job writes elsewhere until the child opens its log.
    module = words[words.index("-m") + 1] if "-m" in words else told["Name"].strip()
    name = output.stem if output.suffix == ".log" and "snakemake" not in output.parts else module
    process = found.setdefault((number, name), Process(name))
    process.own_mb, process.mapped_mb = max(process.own_mb, own), max(process.mapped_mb, mapped)
    process.peak_mb = max(process.peak_mb, peak)
    process.seconds = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return own


def _family(root: int) -> list[int]:
    """Return a process and all that descend from it."""
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
