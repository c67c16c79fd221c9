"""The `unpoison` command on a tiny study: quiet runs, failed jobs in one line, signals, and `clean`."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import Project
from test_partial import BREAKS

from unpoison.runs.progress import LISTENER

TRAINED = "results/pair@keep.cat=0.5/seed0/corner_swap@share.cat=0.2/resnet9"
CELLS = f"{TRAINED}/everything_found"
PATIENCE = 120  # seconds


def start(project: Project, *words: str, **more: object) -> subprocess.Popen:
    """Start the command in its own process group."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, "-m", "unpoison", *words],
        cwd=project.folder,
        env=environment,
        text=True,
        start_new_session=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )


def command(project: Project, *words: str) -> subprocess.CompletedProcess:
    started = start(project, *words)
    said, warned = started.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(words, started.returncode, said, warned)


def logs(project: Project) -> list[Path]:
    return sorted((project.folder / "results/logs/snakemake").glob("*.log"))


def until_a_job_runs(running: subprocess.Popen) -> list[psutil.Process]:
    """Wait for the first job of a running command, and return Snakemake, then the jobs."""
    while running.poll() is None:
        below = psutil.Process(running.pid).children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            if any(".snakemake/scripts" in " ".join(child.cmdline()) for child in below):
                return below
        time.sleep(0.05)
    raise AssertionError(running.communicate())


@pytest.fixture
def endless(project: Project) -> Project:
    """A study with a job that never ends within the test."""
    project.set("recipes/quick/epochs", 10**6)
    shutil.rmtree(project.folder / CELLS)
    return project


def test_a_run_goes_on_where_it_was_and_says_little(project: Project) -> None:
    shutil.rmtree(project.folder / CELLS / "retrain")
    shutil.rmtree(project.folder / "results/tables")
    done = command(project, "run", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    assert told[0].endswith(" jobs to run")
    assert int(told[0].split()[0]) < 10
    assert not any("rule " in line or "Job " in line for line in told)
    assert done.stdout.splitlines()[0] == "Done. Tables: results/tables/  Figures: results/figures/"
    assert done.stdout.splitlines()[-1] == "Open the report in a browser: results/report.html"
    (log,) = logs(project)
    assert "Unlearn everything_found with retrain" in log.read_text()
    again = command(project, "run", "tiny.yaml")
    assert (again.returncode, again.stderr, again.stdout) == (0, "", done.stdout)


def test_a_failed_job_is_one_line_with_its_error_and_its_log(project: Project) -> None:
    (project.folder / "unpoison/unlearning/breaks.py").write_text(BREAKS)
    project.set("methods", {**project.config["methods"], "breaks": {}})
    project.set("studies/imbalance/methods", ["retrain", "finetune", "breaks"])
    done = command(project, "run", "tiny.yaml")
    assert done.returncode == 1
    assert done.stdout == ""
    told = done.stderr.splitlines()
    place = f"{CELLS.removeprefix('results/')}/breaks/unlearn.log"
    failed = told.index(f"    results/logs/{place}") - 1
    assert told[failed] == (
        "failed: Unlearn everything_found with breaks (pair@keep.cat=0.5, seed 0): error: this method broke"
    )
    assert told[-1].startswith("error: 2 jobs failed; ")
    assert "unpoison status tiny.yaml` tells which cells are missing" in told[-1]
    assert not any("rule " in line for line in told)


def test_what_snakemake_refuses_is_one_line_with_its_log(project: Project) -> None:
    shutil.rmtree(project.folder / "results/figures")
    project.edit(
        "workflow/rules/report.smk",
        "table=RESULTS,\n        csv",
        "table=RESULTS + '{nothing}',\n        csv",
    )
    done = command(project, "run", "tiny.yaml")
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0].startswith("error: Snakemake ended: ")
    assert told[1] == f"    {logs(project)[0].relative_to(project.folder)}"
    assert len(told) == 2


@pytest.mark.parametrize("told", ["SIGTERM", "SIGINT"])
def test_a_command_that_is_told_to_stop_stops_its_jobs_and_goes_on_later(endless: Project, told: str) -> None:
    number = getattr(signal, told)
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{told} is ignored here, as in the background of a shell, and stays so")
    running = start(endless, "run", "tiny.yaml")
    below = until_a_job_runs(running)
    running.send_signal(number)
    said = running.communicate(timeout=PATIENCE)[1]
    assert not psutil.wait_procs(below, timeout=PATIENCE)[1], "a job outlived its command"
    assert running.returncode == 128 + number
    assert said.splitlines()[-1] == f"Stopped by {told}; what is done is kept, and the same command goes on"
    assert "failed" not in said
    assert command(endless, "run", "tiny.yaml", "--", "--until", "poison_dataset").returncode == 0


@pytest.mark.parametrize("killed", ["command", "snakemake"])
def test_after_a_kill_nothing_is_left_running_and_nothing_is_locked(endless: Project, killed: str) -> None:
    running = start(endless, "run", "tiny.yaml")
    below = until_a_job_runs(running)
    if killed == "command":
        running.kill()
    else:
        below[0].kill()
    said = running.communicate(timeout=PATIENCE)[1]
    assert not psutil.wait_procs(below, timeout=PATIENCE)[1], "a job outlived its command"
    if killed == "snakemake":
        assert running.returncode == 1
        assert said.splitlines()[-1] == "error: Snakemake was ended by SIGKILL; the same command goes on"
    assert command(endless, "run", "tiny.yaml", "--", "--until", "poison_dataset").returncode == 0


def test_a_second_run_of_the_same_results_is_refused_in_a_line(endless: Project) -> None:
    running = start(endless, "run", "tiny.yaml")
    until_a_job_runs(running)
    second = command(endless, "run", "tiny.yaml")
    cleaned = command(endless, "clean", "tiny.yaml", "--delete", "logs")
    running.terminate()
    running.communicate(timeout=PATIENCE)
    for done in (second, cleaned):
        assert done.returncode == 1
        assert "error: results is in use by another run" in done.stderr
    assert len(second.stderr.splitlines()) <= 3


def test_a_terminal_shows_a_bar_that_leaves_the_results_alone(project: Project) -> None:
    shutil.rmtree(project.folder / CELLS / "finetune")
    ours, theirs = pty.openpty()
    running = start(project, "run", "tiny.yaml", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(ours, 65536):
            shown += part
    assert running.wait(timeout=PATIENCE) == 0
    text = shown.decode()
    assert " jobs, " in text
    assert re.search(
        "Unlearn every|Measure all|Make the|Trace every|Draw ", text
    )  # a job may end between two updates
    assert text.rstrip().endswith("Open the report in a browser: results/report.html")
    assert "rule unlearn" not in text


def test_verbose_and_arguments_for_snakemake_show_its_own_output(project: Project) -> None:
    shutil.rmtree(project.folder / "results/figures")
    dry = command(project, "run", "tiny.yaml", "--", "--dry-run", "figures")
    assert dry.returncode == 0, dry.stderr
    assert "Job stats:" in dry.stdout + dry.stderr
    assert "Done." not in dry.stdout
    assert not (project.folder / "results/figures").exists()
    (project.folder / "results/report.html").unlink()
    report = command(project, "report", "tiny.yaml", "--verbose")
    assert report.returncode == 0, report.stderr
    assert "Draw imbalance" in report.stdout + report.stderr
    assert not logs(project)


def test_finished_jobs_are_counted_in_a_quiet_run_too(project: Project) -> None:
    shutil.rmtree(project.folder / "results/figures")
    hears, tells = os.pipe()
    words = ["--configfile", "tiny.yaml", "--cores", "2", "--quiet", "progress", "rules", "--", "figures"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        cwd=project.folder,
        env=environment | {LISTENER: str(tells)},
        pass_fds=[tells],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(tells)
    assert done.returncode == 0, done.stderr
    assert "Finished jobid" not in done.stderr
    with os.fdopen(hears) as messages:
        told = [json.loads(message) for message in messages]
    assert told[-1]["done"] == told[-1]["total"] > 5


def test_status_and_partial_are_told_by_the_command(project: Project) -> None:
    assert command(project, "status", "tiny.yaml").stdout.splitlines()[-1].startswith("100% done")
    shutil.rmtree(project.folder / CELLS / "retrain")
    done = command(project, "partial", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 of 14 cells is missing")


# -- disk usage -------------------------------------------------------------------------------------


def test_clean_deletes_nothing_by_itself_and_then_one_kind_without_losing_results(project: Project) -> None:
    results = project.folder / "results"
    before = {path: path.stat().st_size for path in results.rglob("*") if path.is_file()}
    told = command(project, "clean", "tiny.yaml").stdout.splitlines()
    assert told[0].split()[:3] == ["kind", "files", "MB"]
    assert {path: path.stat().st_size for path in results.rglob("*") if path.is_file()} == before
    for kind in ("images", "outputs"):
        done = command(project, "clean", "tiny.yaml", "--delete", kind)
        assert done.returncode == 0, done.stderr
        assert f"files of {kind} in results" in done.stdout
    gone = {path.name for path in before if not path.exists()}
    assert gone == {"images.npy", "outputs.npy"}
    assert project.jobs() == {}
    assert command(project, "status", "tiny.yaml").stdout.splitlines()[-1].startswith("100% done")


def test_clean_never_deletes_what_the_config_does_not_own(project: Project, tmp_path: Path) -> None:
    results = project.folder / "results"
    mine = [results / "mine.txt", results / "logs/notes.txt", results / "sources/other/images.npy"]
    mine += [results / "logs/other/seed0/train.log"]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    precious = tmp_path / "precious.log"
    precious.write_text("mine")
    (results / "logs/tables/link.log").symlink_to(precious)
    refused = command(project, "clean", "tiny.yaml", "--delete", "images")
    assert refused.returncode == 1
    assert "files of another config that may need them" in refused.stderr
    assert (results / "sources/generated/images.npy").is_file()
    assert command(project, "clean", "tiny.yaml", "--delete", "logs").returncode == 0
    assert all(path.read_text() == "mine" for path in [*mine, precious])
    assert not (results / "logs/tables/make_tables.log").exists()
    shutil.rmtree(results / "sources/other")
    for path in (mine[0], mine[1], mine[3]):
        path.unlink()
    shutil.rmtree(project.folder / CELLS)
    refused = command(project, "clean", "tiny.yaml", "--delete", "images")
    assert "images: found 2 cells that are not done and need them" in refused.stderr


@pytest.mark.parametrize("kind", ["models", "everything"])
def test_clean_refuses_what_stays(project: Project, kind: str) -> None:
    done = command(project, "clean", "tiny.yaml", "--delete", kind)
    assert done.returncode == 1
    assert "choose from images, leftovers, logs, outputs, partial" in done.stderr


def test_the_config_of_init_is_planned_to_its_report(project: Project) -> None:
    assert command(project, "init", "mine.yaml").returncode == 0
    done = command(project, "run", "mine.yaml", "--", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "write_report" in done.stdout + done.stderr
