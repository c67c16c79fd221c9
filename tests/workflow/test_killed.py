"""A run that is killed at any moment resumes, and ends with the artifacts of an undisturbed run."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
from artifacts import contents

from unpoison.runs.artifacts import standings
from unpoison.study.plan import Plan

CELLS = "results/pair@keep.cat=0.5/seed0/corner_swap@share.cat=0.2/resnet9/everything_found"
PATIENCE = 120  # seconds
OURS = (".snakemake/scripts", "unpoison.jobs.warm")


def jobs_of(running: subprocess.Popen) -> list[psutil.Process]:
    """Return the processes that run scripts, and the warm process with its children."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(running.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # a zombie that Snakemake has not reaped
                if any(mark in " ".join(child.cmdline()) for mark in OURS):
                    found.append(child)
    return found


def kill_group(running: subprocess.Popen, rng: random.Random) -> None:
    os.killpg(running.pid, signal.SIGKILL)


def kill_snakemake(running: subprocess.Popen, rng: random.Random) -> None:
    running.kill()


def kill_job(running: subprocess.Popen, rng: random.Random) -> None:
    for job in rng.sample(jobs_of(running), k=min(1, len(jobs_of(running)))):
        job.kill()


KILLS: dict[str, Callable[[subprocess.Popen, random.Random], None]] = {
    "group": kill_group,
    "snakemake": kill_snakemake,
    "job": kill_job,
}


def disturb(project, rng: random.Random, how: str) -> bool:
    """Start the study, kill it at random after its first job began, and return whether it still ran."""
    running = project.start()
    while running.poll() is None and not jobs_of(running):
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 5))
    jobs = jobs_of(running)
    struck = running.poll() is None and (bool(jobs) or how != "job")
    if struck:
        KILLS[how](running, rng)
    running.communicate(timeout=PATIENCE)
    assert not psutil.wait_procs(jobs, timeout=PATIENCE)[1], "a job outlived its Snakemake"
    return struck


def go_on(project) -> None:
    """Resume as the documents say: unlock and run again."""
    assert project.snakemake("--unlock").returncode == 0
    done = project.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def undisturbed(finished) -> dict:
    return contents(finished.folder / "results")


def test_three_kills_leave_no_trace(project, undisturbed: dict) -> None:
    rng = random.Random(1)
    for made in (CELLS, "results/tables", "results/figures"):
        shutil.rmtree(project.folder / made)
    for how in KILLS:
        disturb(project, rng, how)
        if how != "job":
            project.snakemake("--unlock")
    go_on(project)
    assert contents(project.folder / "results") == undisturbed


@pytest.mark.parametrize("told", ["SIGTERM", "SIGINT"])
def test_a_run_that_is_told_to_stop_ends_with_its_jobs_and_needs_no_unlock(project, told: str) -> None:
    if signal.getsignal(getattr(signal, told)) is signal.SIG_IGN:
        pytest.skip(f"{told} is ignored here, as in the background of a shell, and stays so")
    project.set("recipes/quick/epochs", 10**6)  # a job would not end within the test
    shutil.rmtree(project.folder / CELLS)
    running = project.start()
    while not jobs_of(running):
        assert running.poll() is None
        time.sleep(0.02)
    jobs = jobs_of(running)
    running.send_signal(getattr(signal, told))  # to Snakemake alone, as from `kill`, a scheduler, systemd
    said = "".join(running.communicate(timeout=PATIENCE))
    assert not psutil.wait_procs(jobs, timeout=PATIENCE)[1], "a job outlived its Snakemake"
    assert f"Stopped by {told}, and the running jobs with it; the same command goes on\n" in said
    assert "Error in rule" not in said
    plan = Plan(project.config | {"results_folder": str(project.folder / "results")})
    assert "failed" not in {standing.state for standing in standings(plan).values()}
    unlocked = project.snakemake("--until", "poison_dataset")
    assert unlocked.returncode == 0, unlocked.stderr


def test_a_job_that_is_killed_is_named_with_the_signal_in_its_log_and_in_status(project) -> None:
    project.set("recipes/quick/epochs", 10**6)  # a job would not end within the test
    shutil.rmtree(project.folder / CELLS)
    running = project.start("--until", "unlearn")
    while running.poll() is None:
        for job in jobs_of(running):
            if "python" in job.name():
                with suppress(psutil.NoSuchProcess):
                    job.kill()
        time.sleep(0.2)
    said = "".join(running.communicate(timeout=PATIENCE))
    assert "error: killed by SIGKILL: most likely memory ran out" in said
    plan = Plan(project.config | {"results_folder": str(project.folder / "results")})
    failed = [standing for standing in standings(plan).values() if standing.state == "failed"]
    assert failed
    for standing in failed:
        assert standing.error.startswith("error: killed by SIGKILL: most likely memory ran out"), standing


@pytest.mark.hard
def test_a_hundred_kills_leave_no_trace(project, undisturbed: dict) -> None:
    """Start again from nothing after each finished study, and compare its artifacts."""
    rng = random.Random(2)
    shutil.rmtree(project.folder / "results")
    kills = rounds = 0
    while kills < 100:
        how = rng.choice(list(KILLS))
        struck = disturb(project, rng, how)
        kills += struck
        if how != "job":
            project.snakemake("--unlock")
        if not struck or rng.random() < 0.05:
            go_on(project)
            assert contents(project.folder / "results") == undisturbed, f"after {kills} kills"
            shutil.rmtree(project.folder / "results")
            rounds += 1
    print(f"{kills} kills in {rounds} rounds")
