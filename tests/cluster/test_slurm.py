"""A real SLURM on this machine, driven through profiles/slurm: make test-cluster."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from artifacts import contents
from slurm import (
    ask,
    command,
    ends,
    project_in,
    queue,
    run,
    run_ids,
    start,
    start_head,
    stop_head,
    submissions,
    wait_until,
)

from benchmarks.study import ROOT
from benchmarks.sweep import METHODS, write_study

pytestmark = pytest.mark.cluster
STUDY = yaml.safe_load("""
results_folder: results
sources: {generated: {train_per_class: 60, test_per_class: 10, image_size: 16}}
datasets: {pair: {source: generated, classes: [cat, dog]}}
poisons: {patch: {target: dog, count: 10}}
recipes: {quick: {epochs: 1, batch_size: 32, learning_rate: 0.05}}
trainings: {resnet9: {width: 2, recipe: quick}}
deletions: {everything_found: {recall: 1.0}}
methods: {retrain: {}, finetune: {length: 0.5}}
studies:
  small:
    dataset: pair
    poison: patch
    training: resnet9
    deletions: [everything_found]
    methods: [retrain, finetune]
    seeds: [0]
""")
OF_STUDY = ("--configfile", "study.yaml")
# Jobs that report their GPU, and one that exceeds its time limit at the first attempt.
DEVICES = """
rule all:
    input: "late", expand("gpu{number}", number=range(3))

rule gpu:
    output: "gpu{number}"
    resources: gpu=1, runtime=5
    shell: "start=$(date +%s); sleep 20; echo $CUDA_VISIBLE_DEVICES $start $(date +%s) > {output}"

rule late:
    output: "late"
    resources: runtime=lambda wildcards, attempt: 1 if attempt == 1 else 10
    shell: "echo >> tries; if [ $(wc -l < tries) = 1 ]; then sleep 600; fi; touch {output}"
"""
TWO_IN_A_ROW = """
rule second:
    input: "first"
    output: "second"
    shell: "touch {output}"

rule first:
    output: "first"
    shell: "touch begun; sleep 20; touch {output}"
"""
# Rules with the workflow's rule names, so that the profile groups the cells. The second cell always fails.
CELLS = """
rule all:
    input: "good.answers", "bad.answers"

rule unlearn:
    output: "{cell}.answers"
    shell: "[ {wildcards.cell} = good ] && touch {output}"
"""


# 4 deletion sets x 7 methods and 2 references, for each of 2 seeds
SIXTY_CELLS = {
    "seeds": 2,
    "grid": {"deletion.recall": [0.5, 1.0], "deletion.fpr": [0.0, 0.1]},
    "methods": dict(list(METHODS.items())[:7]),
}


def contents_of_a_local_run(folder: Path) -> dict:
    """Return the contents of a local run of the study, without SLURM and without a profile."""
    project_in(folder, STUDY)
    local = [sys.executable, "-m", "snakemake", "--cores", "2", *OF_STUDY]
    done = subprocess.run(local, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return contents(folder / "results")


def test_a_study_cancelled_interrupted_and_killed_on_its_way_ends_with_the_artifacts_of_a_local_run(
    tmp_path: Path,
) -> None:
    folder = project_in(tmp_path / "project", STUDY)
    running = start(folder, *OF_STUDY)
    wait_until(lambda: queue(folder, "RUNNING"), running)
    ask("scancel", *queue(folder, "RUNNING"))  # the job prepare_source, which is retried
    wait_until(
        lambda: "(Rule: poison_dataset)" in (folder / "run.log").read_text(), running
    )  # prepare_source is finished
    assert "Trying to restart job" in (folder / "run.log").read_text()
    # A job that is submitted at the very moment of a Ctrl-C stays in the queue (docs/cluster.md).
    # Six submissions: the source twice, its rows, both trainings and the deletion set.
    wait_until(lambda: (folder / "run.log").read_text().count("submitted with SLURM jobid") == 6, running)
    running.send_signal(signal.SIGINT)
    assert ends(running) != 0
    assert not queue(folder), "Ctrl-C empties the queue"
    rows = folder / "results/pair/seed0/patch/rows.parquet"
    first = rows.stat().st_mtime_ns

    running = start(folder, *OF_STUDY)
    model = folder / "results/pair/seed0/patch/resnet9/base/model.safetensors"
    wait_until(lambda: model.is_file() and queue(folder, "RUNNING"), running)
    running.kill()
    running.wait()
    assert queue(folder), "SLURM's jobs go on without Snakemake"
    ask("scancel", *(f"--name={name}" for name in run_ids(folder)))
    wait_until(lambda: not queue(folder))
    subprocess.run(command("--unlock", *OF_STUDY), cwd=folder, check=True, capture_output=True)
    run(folder, *OF_STUDY)
    assert rows.stat().st_mtime_ns == first
    assert contents(folder / "results") == contents_of_a_local_run(tmp_path / "here")

    made = submissions(folder)
    (cells,) = (job for job in made if job.rules.startswith("cells"))
    # one after the other on one GPU: 10 minutes for each of two cells
    assert (cells.gpus, cells.cores, cells.megabytes, cells.minutes) == (1, 1, 600, 20)
    (report,) = (job for job in made if job.rules.startswith("report"))
    assert report.gpus == 0


def test_jobs_that_overlap_have_a_gpu_each_and_a_late_one_gets_more_time(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(DEVICES)
    run(tmp_path)
    spans = []
    for number in range(3):
        device, begun, ended = (tmp_path / f"gpu{number}").read_text().split()
        spans.append((int(begun), int(ended), device))
    assert {device for *_, device in spans} == {"0", "1"}
    for begun, ended, device in spans:
        others = [span for span in spans if span != (begun, ended, device)]
        overlapping = [span for span in others if span[0] < ended and begun < span[1]]
        assert all(other != device for *_, other in overlapping)
    assert len((tmp_path / "tries").read_text().splitlines()) == 2


@pytest.mark.parametrize("away", [("slurmctld",), ("slurmctld", "slurmdbd")], ids="+".join)
def test_a_head_node_that_is_away_for_half_a_minute_does_no_harm(
    tmp_path: Path, away: tuple[str, ...]
) -> None:
    """Stop the controller alone, and with the accounting, which reports what the controller does not."""
    (tmp_path / "Snakefile").write_text(TWO_IN_A_ROW)
    running = start(tmp_path)
    wait_until((tmp_path / "begun").is_file, running)
    stop_head(*away)
    time.sleep(35)
    assert running.poll() is None
    start_head(*reversed(away))
    assert ends(running) == 0, (tmp_path / "run.log").read_text()
    assert (tmp_path / "second").is_file()


def test_a_cell_that_fails_takes_those_of_its_submission_along_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(CELLS)
    shutil.copytree(ROOT / "profiles" / "default", tmp_path / "profiles" / "default")
    assert ends(start(tmp_path, "--retries", "0")) != 0
    assert not (tmp_path / "good.answers").exists()
    assert ends(start(tmp_path, "--retries", "0", "--group-components", "cells=1")) != 0
    assert (tmp_path / "good.answers").exists()
    assert not (tmp_path / "bad.answers").exists()


def test_sixty_cells_share_their_submissions(tmp_path: Path) -> None:
    """Networks are stubs, so the log's run time is the overhead of SLURM, its plugin and Snakemake."""
    folder = tmp_path / "project"
    study = write_study(folder, **SIXTY_CELLS)
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    begun = time.monotonic()
    run(folder, *OF_STUDY)
    seconds = time.monotonic() - begun
    assert len(list((folder / "results").rglob("answers.npy"))) == 60
    made = submissions(folder)
    assert {job.state for job in made} == {"COMPLETED"}
    assert sum(job.rules.startswith("cells") for job in made) == 56 / 4
    print(f"60 cells in {len(made)} submissions: {seconds:.0f} s, {seconds / 60:.1f} s a cell;", end=" ")
    print(f"the submissions' own {sum(job.seconds for job in made)} s")
