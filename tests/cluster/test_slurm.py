"""A real SLURM on this machine, driven through profiles/slurm: make test-cluster."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from artifacts import contents

from benchmarks.study import ROOT, copy_project

pytestmark = pytest.mark.cluster
HERE = Path(__file__).parent
PATIENCE = 600  # seconds: with no accounting, the plugin waits for ever for jobs that it has lost
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
# What SLURM does to jobs, told by jobs that do nothing else.
STUBS = """
rule all:
    input: "late", expand("gpu{number}", number=range(3))

rule gpu:
    output: "gpu{number}"
    resources: gpu=1, runtime=2
    shell: "start=$(date +%s); sleep 8; echo $CUDA_VISIBLE_DEVICES $start $(date +%s) > {output}"

rule late:
    output: "late"
    resources: runtime=lambda wildcards, attempt: 1 if attempt == 1 else 5
    shell: "echo >> tries; if [ $(wc -l < tries) = 1 ]; then sleep 300; fi; touch {output}"
"""


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("not root: cannot start a SLURM")
    started = subprocess.run([HERE / "start.sh"], capture_output=True, text=True, check=False)
    if started.returncode:
        pytest.skip(f"no SLURM here: {started.stderr.strip().splitlines()[-1]}")
    yield
    subprocess.run([HERE / "stop.sh", "--purge"], capture_output=True, check=False)


def command(*arguments: str) -> list[str]:
    sizes = ("slurm_partition=main", "mem_mb=600", "runtime=10")  # of this machine
    return [
        sys.executable,
        *("-m", "snakemake", "--profile", str(ROOT / "profiles" / "slurm"), *arguments),
        *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10"),
        *("--default-resources", *sizes),
    ]


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def project_in(folder: Path) -> Path:
    copy_project(folder)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return folder


def test_a_study_gives_the_artifacts_of_a_local_run_though_a_job_is_cancelled(tmp_path: Path) -> None:
    here, there = project_in(tmp_path / "here"), project_in(tmp_path / "there")
    local = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml"]
    assert subprocess.run(local, cwd=here, capture_output=True, check=False).returncode == 0
    running = subprocess.Popen(
        command("--configfile", "study.yaml"),
        cwd=there,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    cancelled = ""
    while not cancelled and running.poll() is None:
        time.sleep(0.5)
        queue = subprocess.run(
            ["squeue", "-h", "-t", "R", "-o", "%A"], capture_output=True, text=True, check=False
        )
        cancelled = (queue.stdout.split() or [""])[0]
    subprocess.run(["scancel", cancelled], check=True)
    said, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, said
    assert "Trying to restart job" in said
    found, expected = contents(there / "results"), contents(here / "results")
    # Where a GPU may be found on a node the jobs carry device: auto there as here: their specs are equal too.
    assert found == expected


def test_jobs_that_overlap_have_a_gpu_each_and_a_late_one_gets_more_time(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(STUBS)
    run(tmp_path, "--workflow-profile", "none")
    spans = []
    for number in range(3):
        device, start, end = (tmp_path / f"gpu{number}").read_text().split()
        spans.append((int(start), int(end), device))
    assert {device for *_, device in spans} == {"0", "1"}
    for start, end, device in spans:
        others = [
            span for span in spans if span != (start, end, device) and span[0] < end and start < span[1]
        ]
        assert all(other != device for *_, other in others)
    assert len((tmp_path / "tries").read_text().splitlines()) == 2


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = project_in(tmp_path / "project")
    running = subprocess.Popen(
        command("--configfile", "study.yaml"),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    rows = folder / "results/pair/seed0/patch/rows.parquet"
    while not rows.is_file():
        assert running.poll() is None
        time.sleep(0.5)
    running.send_signal(2)
    running.communicate(timeout=PATIENCE)
    before = rows.stat().st_mtime_ns
    run(folder, "--configfile", "study.yaml")
    assert rows.stat().st_mtime_ns == before
    assert (folder / "results/tables/results.parquet").is_file()
    shutil.rmtree(folder)
