"""The progress line: jobs done, running and left, and the time left, from Snakemake's log events."""

import logging
import time

import pytest

from unpoison.runs import progress
from unpoison.runs.progress import Progress, in_words


class Run:
    """A run that is simulated event by event, with a clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **total: int) -> None:
        monkeypatch.setattr(progress, "EVERY", 3600.0)
        self.now = 0.0
        self.progress = Progress(clock=lambda: self.now)
        self.tell("run_info", stats={**total, "total": sum(total.values())})

    def tell(self, event: str, **fields: object) -> None:
        record = logging.makeLogRecord({"event": event, **fields})
        self.progress.handle(record)

    def start(self, job: int, rule: str) -> None:
        self.tell("job_info", jobid=job, rule_name=rule)
        self.tell("job_started", jobs=[job])


def test_a_line_tells_done_running_left_and_the_time_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=4)
    run.start(1, "train")
    assert run.progress.line().startswith("0 of 4 jobs done, 1 running, 3 left; the time left is known when")
    run.now = 600.0
    run.tell("job_finished", job_id=1)
    run.start(2, "train")
    run.now = 900.0
    # By hand: three jobs of 10 minutes, one at a time, less 5 minutes that one has run.
    assert run.progress.line().startswith("1 of 4 jobs done, 1 running, 2 left; about 25 min to go, until ")


def test_jobs_side_by_side_halve_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=6)
    run.start(1, "train")
    run.start(2, "train")
    run.now = 600.0
    run.tell("job_finished", job_id=1)
    run.tell("job_finished", job_id=2)
    assert "2 of 6 jobs done, 0 running, 4 left; about 20 min to go" in run.progress.line()


def test_a_rule_of_which_nothing_has_ended_makes_it_more_than(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=2, unlearn=2)
    run.start(1, "train")
    run.now = 120.0
    run.tell("job_finished", job_id=1)
    assert run.progress.line().endswith("more than 2 min to go")


def test_a_failed_job_is_told_and_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=3)
    run.start(1, "train")
    run.start(2, "train")
    run.now = 60.0
    run.tell("job_error", jobid=1)
    run.tell("job_finished", job_id=2)
    assert run.progress.line().startswith("1 of 3 jobs done, 0 running, 1 left, 1 failed; ")


def test_the_jobs_of_a_submission_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=1, unlearn=2)
    run.start(1, "train")
    run.now = 60.0
    run.tell("job_finished", job_id=1)
    run.tell("job_started", jobs=["7417a226-c565"])  # Snakemake's id of a group of jobs
    for job in (2, 3):
        run.tell("job_info", jobid=job, rule_name="unlearn", indent=True)
    assert run.progress.line().startswith("1 of 3 jobs done, 2 running, 0 left; the time left is not known")


def test_a_failed_job_that_is_tried_again_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, train=2)
    run.start(1, "train")
    run.tell("job_error", jobid=1)
    run.start(1, "train")
    assert run.progress.line().startswith("0 of 2 jobs done, 1 running, 1 left; ")


def test_lines_appear_by_themselves_while_jobs_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = Run(monkeypatch, train=1)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    run.start(1, "train")
    said = ""
    while not said:
        time.sleep(0.01)
        said = capsys.readouterr().err
    run.tell("job_error", jobid=1)  # no job runs any more, so no line is printed
    assert "0 of 1 jobs done, 1 running, 0 left" in said


@pytest.mark.parametrize(("seconds", "words"), [(12, "12 s"), (100, "2 min"), (7200, "2.0 h")])
def test_a_duration_is_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
