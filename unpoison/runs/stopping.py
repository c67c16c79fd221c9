"""A clean stop of a run by a signal: within seconds, with its jobs, and without a lock left behind.

On SIGTERM, Snakemake itself waits for its running jobs, however many hours they take. Schedulers, service managers and
`timeout` send SIGKILL long before, which leaves a lock. Nor does Snakemake end its jobs on SIGINT: Ctrl-C in a terminal
reaches the jobs too, but `kill -INT` does not.
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
    """Cancel the run on the first of these signals; a signal that is ignored, as under `nohup`, stays ignored.

    Call this after Snakemake has set its own handlers. Jobs that run elsewhere are cancelled by Snakemake.
    """

    def stop(number: int, frame: Any) -> NoReturn:
        # `timeout` sends its signal twice. A handler, unlike SIG_IGN, is not passed on to jobs.
        for each in SIGNALS:
            signal.signal(each, lambda number, frame: None)
        if jobs_run_here:
            Thread(target=_end_jobs, daemon=True).start()
            print(
                f"Stopped by {signal.Signals(number).name}, and the running jobs with it; the same command goes on",
                file=sys.stderr,
                flush=True,
            )
            logging.disable(
                logging.CRITICAL
            )  # or each ended job is reported as a failure, with its whole log
        raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def stop_with(listener: int | None) -> None:
    """Cancel the run when the command at the other end of this pipe ends, for whatever reason."""
    if listener is None:
        return

    def wait() -> None:
        end = select.poll()
        end.register(listener, 0)  # poll reports the closed end without being asked to
        end.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, daemon=True).start()


def _end_jobs() -> None:
    """End all child processes, repeatedly until this process ends: some may be about to start."""
    while True:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        time.sleep(0.1)
