"""A job that ends by a signal or by its cluster gets one line in its log, from Snakemake's logger."""

import logging
from pathlib import Path
from threading import Timer

import pytest

from unpoison.runs.artifacts import error_of
from unpoison.runs.killed import CAUSES, STATES, Killed, died_by

SCRIPT = "Command 'set -euo pipefail;  python /x/.snakemake/scripts/tmp.unlearn.py' "


def tell(handler: Killed, event: str, message: str = "", thread: int = 1, **fields: object) -> None:
    record = logging.makeLogRecord({"event": event, "msg": message, **fields})
    record.thread = thread
    handler.handle(record)


def fail(handler: Killed, log: Path, thread: int = 1, said: str | None = None) -> None:
    tell(handler, "job_error", thread=thread, rule_msg=said, log=[str(log)])


@pytest.mark.parametrize(
    ("message", "signal"),
    [
        ("died with <Signals.SIGKILL: 9>.", "SIGKILL"),
        ("returned non-zero exit status 137.", "SIGKILL"),  # exit status of the shell if its child was killed
        ("returned non-zero exit status 139.", "SIGSEGV"),
        ("returned non-zero exit status 143.", "SIGTERM"),
        ("returned non-zero exit status 1.", ""),
        ("died with <Signals.SIGINT: 2>.", ""),  # Ctrl-C is not a failure
        ("returned non-zero exit status 130.", ""),
        ("returned non-zero exit status 255.", ""),
    ],
)
def test_a_signal_is_read_from_what_snakemake_says_of_the_script(message: str, signal: str) -> None:
    told = died_by(f"CalledProcessError in file rules/unlearn.smk, line 9:\n{SCRIPT}{message}")
    assert told.split(":")[0] == (signal and f"killed by {signal}")
    assert told.endswith(CAUSES.get(signal, signal))


def test_a_killed_job_is_told_in_its_own_log_and_not_in_that_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    handler, killed, failed = Killed(), tmp_path / "killed.log", tmp_path / "failed.log"
    killed.write_text("epoch 1/9")
    failed.write_text("error: no rows\n")
    tell(handler, "error", f"{SCRIPT}died with <Signals.SIGKILL: 9>.", thread=1)
    tell(handler, "error", f"{SCRIPT}returned non-zero exit status 1.", thread=2)
    fail(handler, failed, thread=2)
    fail(handler, killed, thread=1)
    assert failed.read_text() == "error: no rows\n"
    line = f"error: killed by SIGKILL: {CAUSES['SIGKILL']}"
    assert killed.read_text() == f"epoch 1/9\n{line}\n"
    assert error_of(killed) == line
    assert line in capsys.readouterr().err
    fail(handler, failed, thread=1)  # a thread's earlier job must not affect its next
    assert failed.read_text() == "error: no rows\n"


@pytest.mark.parametrize("state", STATES)
def test_the_state_that_a_cluster_tells_is_in_the_log(tmp_path: Path, state: str) -> None:
    said = (
        f"SLURM-job '71' failed, SLURM status is: '{state}'. For further error details see the cluster log."
    )
    fail(Killed(), tmp_path / "a.log", said=said)
    assert error_of(tmp_path / "a.log") == f"error: ended by SLURM with the state {state}: {STATES[state]}"


def test_jobs_of_a_submission_that_ends_without_a_word_are_named(tmp_path: Path) -> None:
    logs = {name: tmp_path / f"{name}.log" for name in ("done", "killed", "failed", "waiting")}
    for name in ("done", "killed"):
        logs[name].write_text("epoch 1/9\n")
    logs["failed"].write_text("error: no rows\n")
    (tmp_path / "done").touch()
    jobs = [{"log": [str(log)], "output": [str(tmp_path / name)]} for name, log in logs.items()]
    tell(Killed(), "group_error", job_error_info=jobs)
    assert {name: log.is_file() and error_of(log) for name, log in logs.items()} == {
        "done": "",
        "killed": "error: ended with its submission, most likely by a limit of time or memory; sacct tells which",
        "failed": "error: no rows",
        "waiting": False,
    }


def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "a.log").symlink_to(tmp_path / "precious")
    handler = Killed()
    tell(handler, "error", f"{SCRIPT}died with <Signals.SIGKILL: 9>.")
    fail(handler, tmp_path / "a.log")
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_job_that_ends_by_the_sigterm_of_its_run_is_not_told_as_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    message = f"{SCRIPT}died with <Signals.SIGTERM: 15>."
    stops = Timer(0.1, logging.disable, [logging.CRITICAL])
    stops.start()
    try:
        fail(Killed(), log, said=message)
        assert not log.exists()
    finally:
        stops.join()
        logging.disable(logging.NOTSET)
    fail(Killed(), log, said=message)
    assert log.read_text().startswith("\nerror: killed by SIGTERM")
