"""The progress of a run on standard error: a bar in a terminal, one line a minute in a file or a pipe."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Protocol, TextIO, runtime_checkable

from unpoison.runs.progress import EVERY


@runtime_checkable
class Screen(Protocol):
    """A display of the messages of `unpoison.runs.progress.Progress`."""

    def show(self, told: Mapping[str, Any]) -> None:
        """Show the progress of the run."""

    def say(self, text: str) -> None:
        """Print permanent lines."""


@contextmanager
def screen_for(stream: TextIO, *, calm: bool) -> Iterator[Screen]:
    """Yield a screen on a stream until the block ends.

    Args:
        calm: whether Snakemake's own output is hidden, so that a bar can stay in its place.
    """
    if calm and stream.isatty():
        with _bar(stream) as bar:
            yield bar
    else:
        yield Lines(stream)


class Lines:
    """One line with the number of jobs at the start, then one a minute."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.last: float | None = None

    def show(self, told: Mapping[str, Any]) -> None:
        """Print the line once a minute."""
        if self.last is None:
            self.last = time.monotonic()
            self.say(f"{told['total']} jobs to run")
        elif time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            self.say(f"[{datetime.now():%H:%M}] {told['line']}")

    def say(self, text: str) -> None:
        """Print lines."""
        with suppress(OSError):  # a closed pipe must not end the run
            print(text, file=self.stream, flush=True)


@contextmanager
def _bar(stream: TextIO) -> Iterator[Screen]:
    # rich takes 0.1 s to import.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    console = Console(file=stream)
    columns = (
        BarColumn(bar_width=16, table_column=Column(no_wrap=True)),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.fields[now]}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
    )
    with Progress(*columns, console=console, transient=True, expand=True, refresh_per_second=4) as progress:
        task = progress.add_task("planning", total=None, now="")

        class Bar:
            def show(self, told: Mapping[str, Any]) -> None:
                line = f"{told['done']}/{told['total']} jobs, {told['outlook'].split(', until')[0]}"
                progress.update(
                    task, completed=told["done"], total=told["total"], description=line, now=told["now"]
                )

            def say(self, text: str) -> None:
                console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield Bar()
