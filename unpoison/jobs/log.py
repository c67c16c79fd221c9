"""The beginning of every script: its log, its error lines, and its end with Snakemake."""

import os
import select
import sys
from io import TextIOWrapper
from pathlib import Path
from threading import Thread

from unpoison.damage import put_damage_aside
from unpoison.errors import show_user_errors_in_one_line
from unpoison.files import NEW
from unpoison.provenance import record_of
from unpoison.registration import register


def begin(log: str) -> None:
    """Send all output to the job's log, in UTF-8, and end on a UserError with one line instead of a traceback."""
    Path(log).unlink(missing_ok=True)  # another user's, where results are shared; or a link
    file = os.open(log, NEW, 0o666)
    terminal = os.dup(2)
    os.dup2(file, 1)
    os.dup2(file, 2)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, TextIOWrapper), "standard output and error are of text"
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    show_user_errors_in_one_line(terminal)
    put_damage_aside(record_of)
    if folder := os.environ.get("UNPOISON_PLUGINS"):
        register(folder)
    if hasattr(os, "pidfd_open"):  # Linux
        _end_with(int(os.environ["UNPOISON_SNAKEMAKE"]))


def _end_with(process: int) -> None:
    """End this job when Snakemake ends: otherwise a killed Snakemake would leave it running during the next run."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        _give_up()

    def wait() -> None:
        select.select([handle], [], [])
        _give_up()

    Thread(target=wait, daemon=True).start()


def _give_up() -> None:
    print("Snakemake is gone, and this job with it", flush=True)
    os._exit(1)
