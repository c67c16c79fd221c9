"""How a run ends that is told to end: within seconds, its jobs with it, no lock left behind.

By itself Snakemake answers SIGTERM by waiting for the jobs that run, however many hours they take. Schedulers, service
managers and `timeout` lose patience long before, and their SIGKILL leaves a lock. Nor does it end its jobs on SIGINT: a
terminal sends Ctrl-C to them too, `kill -INT` does not.
"""

import logging
import os
import select
import signal
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Any, NoReturn

import psutil

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_when_told(*, jobs_run_here: bool) -> None:
    """From here on the first of these signals cancels the run; one that is ignored, as by `nohup`, stays so.

    To be called when Snakemake has set its own handlers. Jobs that run elsewhere are cancelled by Snakemake.
    """

    def stop(number: int, frame: Any) -> NoReturn:
        for (
            each
        ) in SIGNALS:  # `timeout` sends its signal twice; a handler, unlike SIG_IGN, is not passed on to jobs
            signal.signal(each, lambda number, frame: None)
        if jobs_run_here:
            Thread(target=_end_jobs, daemon=True).start()
            print(
                f"Stopped by {signal.Signals(number).name}, and the running jobs with it; the same command goes on",
                file=sys.stderr,
                flush=True,
            )
            logging.disable(logging.CRITICAL)  # or each ended job is told as a failure, with its whole log
        raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def stop_with(listener: int | None) -> None:
    """From here on cancel the run when the command at the other end of this pipe has ended, in whatever way."""
    if listener is None:
        return

    def wait() -> None:
        end = select.poll()
        end.register(listener, 0)  # an error is told without being asked for
        end.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True).start()


def _end_jobs() -> None:
    """End all child processes, again and again until this one ends: some may be about to start."""
    while True:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        time.sleep(0.1)
