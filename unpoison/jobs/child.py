"""A child of the warm process: it takes the place of a script's process, runs the script, and ends as Python does."""

import atexit
import ctypes
import gc
import io
import json
import os
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from unpoison.errors import first_line
from unpoison.jobs.handover import SECRET

FLUSH_FAILED = 120  # Python's exit status for a failed flush
WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


@dataclass(frozen=True)
class Job:
    """The parts that a child takes over from the script that handed itself over.

    Args:
        connection: to the script. It stays open until the child ends, so the script sees the server's end no earlier.
        files: descriptors of standard input, output and error, and of the file that `handover` writes.
    """

    connection: socket.socket
    files: tuple[int, ...]


def close(files: Iterable[int]) -> None:
    """Close file descriptors."""
    for file in files:
        os.close(file)


def take_over(job: Job) -> Path:
    """Take over the streams, directory, arguments and environment of a script, and return the script's file."""
    for number in range(3):
        os.dup2(job.files[number], number)
    os.lseek(job.files[3], 0, os.SEEK_SET)
    with os.fdopen(job.files[3], encoding="ascii") as told:
        folder, arguments, environment = json.load(told)
    close(job.files[:3])
    os.chdir(folder)
    os.environ.update(environment)
    del os.environ[SECRET]  # processes that this job starts must not be handed over
    script = Path(arguments[0])
    sys.argv = arguments
    sys.path.insert(0, str(script.parent))
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    _seed_anew()
    return script


def _seed_anew() -> None:
    """Seed the global random generators as in a new process; otherwise all children would share their numbers."""
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()
    if random := sys.modules.get("numpy.random"):
        random.seed()


def run_script(script: Path) -> int:
    """Run a script as the main program, and return its exit status."""
    main = ModuleType("__main__")
    main.__file__ = str(script)
    sys.modules["__main__"] = main
    try:
        exec(compile(script.read_bytes(), script, "exec"), vars(main))  # noqa: S102 - the user's own process sent it
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trace = error.__traceback__ and error.__traceback__.tb_next  # without this function
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def end_process(status: int) -> None:
    """End the process as Python does, but without tearing down the modules, which takes 0.3 s for each child."""
    # It ends the pools of executors and joins threads. A plain join of a pool's idle thread never returns.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _flush_open_files()
    for stream in (sys.stdout, sys.stderr):
        try:
            with suppress(ValueError, AttributeError):  # closed, detached or None
                stream.flush()
        except OSError as error:  # a full disk
            status = status or FLUSH_FAILED
            with suppress(OSError):
                print(first_line(error), file=sys.stderr, flush=True)
    ctypes.CDLL(None).fflush(None)  # what libraries in C have printed
    os._exit(status)


def _flush_open_files() -> None:
    """Write the buffers of files that the job left open; a failure is ignored, as Python ignores it."""
    # The garbage collector does not list the server's objects: they are frozen.
    found = [each for each in gc.get_objects() if issubclass(type(each), WRITERS)]
    # A text file writes to a buffer of bytes, so texts come first.
    for file in sorted(found, key=lambda each: not issubclass(type(each), io.TextIOWrapper)):
        with suppress(OSError, ValueError):
            file.flush()
