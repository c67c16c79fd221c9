"""Snakemake as a subprocess: short progress, one line for each failed job, and a clean stop on signals."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Thread
from types import FrameType, TracebackType
from typing import Any, TextIO

from unpoison.command.screen import Screen, screen_for
from unpoison.errors import UserError
from unpoison.files import NEW, hold
from unpoison.runs.progress import LISTENER
from unpoison.runs.read import plan_of
from unpoison.runs.starting import snakemake_command, what_can_be_had
from unpoison.runs.stopping import SIGNALS
from unpoison.text import printable


def run_workflow(
    config: Path | Sequence[str],
    targets: Sequence[str] = (),
    *,
    cores: int | None = None,
    verbose: bool = False,
    more: Sequence[str] = (),
) -> bool:
    """Run the workflow on a config in the working directory, and return whether all targets were made.

    Finished jobs are not repeated. Failures are shown on standard error: each failed job in one line with its error
    and its log. Snakemake's own output goes to `<results>/logs/snakemake/`.

    Args:
        config: a file; or the words of a command line: files, each overriding those before it, and keys as `threads=2`.
        targets: names of rules or files; empty for everything that the config asks for.
        cores: None for all.
        verbose: show Snakemake's own output instead.
        more: arguments for Snakemake. Its own output is then shown, since some arguments ask for it.

    Raises:
        UserError: for a wrong config, before anything runs; if another run uses the results; and if the log cannot
            be written.
        SystemExit: with 128 plus the signal's number, if SIGINT (Ctrl-C), SIGTERM or SIGHUP ended the run.
    """
    words = [str(config)] if isinstance(config, Path) else list(config)
    results = Path(plan_of(words).settings.results_folder)
    wanted = ["--", *targets] if targets else []
    if results.is_dir() and not more:
        hold(results).release()  # refused before Snakemake reads files that the other run replaces
    # Snakemake's lock would remain after a SIGKILL. The lock of the results folder (`hold`) does not.
    command = snakemake_command(words, "--nolock", "--cores", str(cores or "all"), *more, *wanted)
    log = None if verbose or more else new_log(results / "logs" / "snakemake")
    run = Run(command, log)
    with screen_for(sys.stderr, calm=log is not None) as screen:
        status = run.wait(screen)
    if status and run.signals.told:
        tell(f"Stopped by {run.signals.told.name}; what is done is kept, and the same command goes on")
        raise SystemExit(128 + run.signals.told)
    if status:
        tell(run.reason(words, status))
    return status == 0


class Run:
    """A running Snakemake: its process, and its messages.

    log: the file for its output; None: the output is shown.
    """

    def __init__(self, command: Sequence[str], log: Path | None) -> None:
        self.command = command
        self.log = log
        self.failed: set[str] = set()
        self.signals = Signals()

    def wait(self, screen: Screen) -> int:
        """Start it, show its progress until it ends, and return its exit status."""
        hears, tells = os.pipe()
        environment = os.environ | {
            LISTENER: str(tells),
            "PYTHONUTF8": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        output = open_new(self.log) if self.log else None
        with self.signals:
            process = subprocess.Popen(
                self.command, env=environment, pass_fds=[tells], stdout=output, stderr=output
            )
            os.close(tells)
            if output:
                output.close()
            self.signals.pass_to(process)
            # A daemon, since a process that outlives Snakemake could keep the pipe open.
            listening = Thread(
                target=self._listen, args=(os.fdopen(hears, encoding="utf-8"), screen), daemon=True
            )
            listening.start()
            status = process.wait()
            listening.join(timeout=1)
        return status

    def _listen(self, messages: TextIO, screen: Screen) -> None:
        with messages:
            for message in messages:
                told = json.loads(message)
                screen.show(told)
                if "failed" in told:
                    self.failed.add(told["failed"])
                    screen.say(f"failed: {told['failed']}: {told['error']}\n    {told['log']}")

    def reason(self, words: Sequence[str], status: int) -> str:
        """Return the line with the reason why the run ended without all targets."""
        if self.failed:
            jobs = f"{len(self.failed)} job{'s' * (len(self.failed) > 1)}"
            return f"error: {jobs} failed; {what_can_be_had(' '.join(words))}"
        if status < 0:
            return f"error: Snakemake was ended by {signal.Signals(-status).name}; the same command goes on"
        if self.log is None:
            return "error: Snakemake ended with the error above"
        return f"{last_words(self.log)}\n    {self.log}"


class Signals:
    """Passes signals that end a run on to Snakemake. Ctrl-C in a terminal reaches it anyway, `kill` does not.

    told: the first signal. A signal that is ignored, as under `nohup`, stays ignored.
    """

    def __init__(self) -> None:
        self.told: signal.Signals | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Signals":
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_to(self, process: "subprocess.Popen[bytes]") -> None:
        """Send a signal that has already come, and all later ones, to a process."""
        self._process = process
        if self.told:
            process.send_signal(self.told)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.told = self.told or signal.Signals(number)
        if self._process:
            self._process.send_signal(number)


def new_log(folder: Path) -> Path:
    """Return the path of a new log.

    Raises:
        UserError: if the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    return folder / f"{datetime.now():%Y-%m-%d_%H.%M.%S}_{os.getpid()}.log"


def open_new(path: Path) -> TextIO:
    """Return a new file to write to; a link in its place is not followed.

    Raises:
        UserError: if the disk is full or the folder is not writable.
    """
    try:
        return os.fdopen(os.open(path, NEW, 0o666), "w", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def last_words(log: Path) -> str:
    """Return the line of the log with the reason why Snakemake ran no job."""
    lines = [printable(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    lines = [line for line in lines if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    told = [line for line in lines if "Exception" in line or "Error" in line] or lines[-1:]
    return f"error: Snakemake ended: {told[0] if told else 'it printed nothing'}"


def tell(line: str) -> None:
    """Print a line on standard error if it is still open: a closed terminal sends SIGHUP."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
