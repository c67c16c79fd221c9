"""The cost of the DAG: seconds and peak memory of a dry run, compared with a bare Snakefile of the same shape.

    python -m benchmarks.dag [--rerun] [--rounds 3] 1000 5000

The bare Snakefile has the same rules, files, wildcards and jobs, written as lists and f-strings. It has no config,
no functions and no messages, and the seed as its only param. (Without a param, Snakemake compares none in a rerun
and does not import pandas, which saves a second and 70 MB at any size.) Both run with the project's default
profile, in interleaved rounds; a ratio is ours over bare. With `--rerun` every output exists and no job is left.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from math import isqrt
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.spread import spread
from benchmarks.team import ROOT

SNAKEMAKE = (sys.executable, "-m", "snakemake")
PROFILE = ("--workflow-profile", str(ROOT / "profiles" / "default"))
UNITS = ("seconds", "cpu_seconds", "megabytes")  # wall seconds include the load of other processes
Arm = tuple[Path, tuple[str, ...]]  # the folder it runs in, and Snakemake's arguments
# With --touch, Snakemake sleeps 0.1 s for each job.
TOUCH = """
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0
main()
"""
RATES = [0.0, 0.1, 0.2, 0.3, 0.4]
METHODS = {
    "retrain": {},
    "finetune": {},
    "short": {"method": "finetune", "length": 0.1},
    "long": {"method": "finetune", "length": 0.5},
}
JOBS_OF_A_NETWORK = 4 + len(RATES) * (1 + len(METHODS))
BARE = """
NETWORKS = [f"results/{d}/seed{s}/patch/resnet9" for d in DATASETS for s in SEEDS]
CELLS = ["base", "oracle", *(f"{d}/{m}" for d in DELETIONS for m in METHODS)]
IMAGES = "results/sources/generated/images.npy"
POISONED = "{dataset}/seed{seed}/{poison}"
TRAINED = POISONED + "/{training}"
DELETION = TRAINED + "/{deletion}"
METHOD = DELETION + "/{method}"

wildcard_constraints:
    source="[^/]+",
    dataset="[^/]+",
    seed="[0-9]+",
    poison="[^/]+",
    training="[^/]+",
    deletion="(?!(?:base|oracle|scores|repaired)/)[^/]+",
    method="[^/]+",
    reference="base|oracle",
    figure="none",
    study="many",

rule all:
    input:
        [f"results/tables/{t}.{k}"
         for t in ("results", "summary", "references", "paired", "best", "thresholds", "detectors", "provenance")
         for k in ("parquet", "csv")],
        [f"results/figures/{f}_many.{k}" for f in ("samples", "training") for k in ("pdf", "png")],
        "results/report.html",
    localrule: True

rule prepare_source:
    output:
        images="results/sources/{source}/images.npy",
        rows="results/sources/{source}/rows.parquet",
        run="results/sources/{source}/run.json",
    log: "results/logs/sources/{source}.log"
    script: SCRIPTS + "prepare_source.py"

rule poison_dataset:
    input:
        rows="results/sources/generated/rows.parquet",
    output:
        rows=f"results/{POISONED}/rows.parquet",
        run=f"results/{POISONED}/run.json",
    log: f"results/logs/{POISONED}/poison_dataset.log"
    params: seed="{seed}"
    script: SCRIPTS + "poison_dataset.py"

rule train_base:
    input:
        images=IMAGES,
        rows=f"results/{POISONED}/rows.parquet",
    output:
        model=f"results/{TRAINED}/base/model.safetensors",
        answers=f"results/{TRAINED}/base/answers.npy",
        outputs=f"results/{TRAINED}/base/outputs.npy",
        history=f"results/{TRAINED}/base/history.parquet",
        run=f"results/{TRAINED}/base/run.json",
    log: f"results/logs/{TRAINED}/base/train.log"
    threads: 1
    resources: gpu=0
    params: seed="{seed}"
    script: SCRIPTS + "train_base.py"

rule train_oracle:
    input:
        images=IMAGES,
        rows=f"results/{POISONED}/rows.parquet",
    output:
        model=f"results/{TRAINED}/oracle/model.safetensors",
        answers=f"results/{TRAINED}/oracle/answers.npy",
        history=f"results/{TRAINED}/oracle/history.parquet",
        run=f"results/{TRAINED}/oracle/run.json",
    log: f"results/logs/{TRAINED}/oracle/train.log"
    threads: 1
    resources: gpu=0
    params: seed="{seed}"
    script: SCRIPTS + "train_oracle.py"

rule select_deletion:
    input:
        rows=f"results/{POISONED}/rows.parquet",
    output:
        deletion=f"results/{DELETION}/deletion.parquet",
        run=f"results/{DELETION}/run.json",
    log: f"results/logs/{DELETION}/select_deletion.log"
    params: seed="{seed}"
    script: SCRIPTS + "select_deletion.py"

rule unlearn:
    input:
        images=IMAGES,
        rows=f"results/{POISONED}/rows.parquet",
        model=f"results/{TRAINED}/base/model.safetensors",
        deletion=f"results/{DELETION}/deletion.parquet",
    output:
        model=f"results/{METHOD}/model.safetensors",
        answers=f"results/{METHOD}/answers.npy",
        run=f"results/{METHOD}/run.json",
    log: f"results/logs/{METHOD}/unlearn.log"
    threads: 1
    resources: gpu=0
    params: seed="{seed}"
    script: SCRIPTS + "unlearn.py"

rule measure:
    input:
        answers=[f"results/{TRAINED}/{c}/answers.npy" for c in CELLS],
        runs=[f"results/{TRAINED}/{c}/run.json" for c in CELLS],
        deletions=[f"results/{TRAINED}/{d}/deletion.parquet" for d in DELETIONS],
        rows=f"results/{POISONED}/rows.parquet",
    output:
        metrics=f"results/{TRAINED}/metrics.parquet",
        run=f"results/{TRAINED}/metrics.run.json",
    log: f"results/logs/{TRAINED}/measure.log"
    params: seed="{seed}"
    script: SCRIPTS + "measure.py"

rule collect_results:
    input:
        metrics=[f"{n}/metrics.parquet" for n in NETWORKS],
    output:
        table="results/tables/results.parquet",
        csv="results/tables/results.csv",
    log: "results/logs/tables/collect_results.log"
    script: SCRIPTS + "collect_results.py"

rule make_tables:
    input:
        table="results/tables/results.parquet",
    output:
        [f"results/tables/{t}.{k}"
         for t in ("summary", "references", "paired", "best", "thresholds", "detectors") for k in ("parquet", "csv")],
    log: "results/logs/tables/make_tables.log"
    script: SCRIPTS + "make_tables.py"

rule trace_records:
    input:
        runs=[f"{n}/metrics.run.json" for n in NETWORKS],
    output:
        table="results/tables/provenance.parquet",
        csv="results/tables/provenance.csv",
    log: "results/logs/tables/trace_records.log"
    script: SCRIPTS + "trace_records.py"

rule draw_figure:
    input:
        summary="results/tables/summary.parquet",
    output:
        pdf="results/figures/{figure}.pdf",
        png="results/figures/{figure}.png",
    log: "results/logs/figures/{figure}.log"
    script: SCRIPTS + "draw_figure.py"

rule draw_samples:
    input:
        images=IMAGES,
        rows=f"results/{DATASETS[0]}/seed0/patch/rows.parquet",
    output:
        pdf="results/figures/samples_{study}.pdf",
        png="results/figures/samples_{study}.png",
    log: "results/logs/figures/samples_{study}.log"
    script: SCRIPTS + "draw_samples.py"

rule draw_training:
    input:
        histories=[f"{n}/base/history.parquet" for n in NETWORKS],
    output:
        pdf="results/figures/training_{study}.pdf",
        png="results/figures/training_{study}.png",
    log: "results/logs/figures/training_{study}.log"
    script: SCRIPTS + "draw_training.py"

rule write_report:
    input:
        results="results/tables/results.csv",
        tables=[f"results/tables/{t}.parquet" for t in ("summary", "references", "paired", "provenance")],
        figures=[f"results/figures/{f}_many.png" for f in ("samples", "training")],
    output:
        page="results/report.html",
    log: "results/logs/write_report.log"
    script: SCRIPTS + "write_report.py"
"""


def measure(jobs: int, rounds: int, *, rerun: bool = False) -> dict[str, Any]:
    """Return median seconds, processor seconds and peak megabytes of both arms, and the spread of the ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        arms = {"ours": write_ours(Path(scratch), jobs), "bare": write_bare(Path(scratch), jobs)}
        if rerun:
            counts = [pretend_to_run(*arm) for arm in arms.values()]
        found = [{name: dry_run(*arm) for name, arm in arms.items()} for _ in range(rounds)]
    planned = [cost.pop("jobs") for each in found for cost in each.values()]
    assert not rerun or not any(planned), f"there is something to be done: {planned}"
    counts = counts if rerun else planned
    assert all(count == counts[0] for count in counts), f"the shapes differ: {counts}"
    costs = {name: {unit: median(each[name][unit] for each in found) for unit in UNITS} for name in arms}
    ratios = {unit: spread([each["ours"][unit] / each["bare"][unit] for each in found]) for unit in UNITS}
    return {"jobs": counts[0]["total"], "rerun": rerun, "rounds": rounds, **costs, "ratio": ratios}


def write_ours(scratch: Path, jobs: int) -> Arm:
    """Write a config of about `jobs` jobs, and return how to run it."""
    shares, seeds = shape(jobs)
    config = {
        "results_folder": "results",
        "device": "cpu",
        "sources": {"generated": {}},
        "datasets": {"ten_classes": {"source": "generated"}},
        "poisons": {"patch": {"count": 100, "target": "airplane"}},
        "recipes": {"quick": {"epochs": 1, "batch_size": 32, "learning_rate": 0.1}},
        "trainings": {"resnet9": {"recipe": "quick"}},
        "deletions": {"found": {"recall": 1.0}},
        "methods": METHODS,
        "studies": {
            "many": {
                "dataset": "ten_classes",
                "poison": "patch",
                "training": "resnet9",
                "vary": {"dataset.keep.cat": shares, "deletion.fpr": RATES},
                "deletions": ["found"],
                "methods": list(METHODS),
                "seeds": seeds,
            }
        },
    }
    folder = scratch / "ours"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder, ("--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.json")


def write_bare(scratch: Path, jobs: int) -> Arm:
    """Write a bare Snakefile with the same jobs, and return how to run it."""
    shares, seeds = shape(jobs)
    lists = {
        "DATASETS": [f"ten_classes@keep.cat={share}" for share in shares],
        "SEEDS": list(range(seeds)),
        "DELETIONS": [f"found@fpr={rate}" for rate in RATES],
        "METHODS": list(METHODS),
        "SCRIPTS": f"{ROOT}/workflow/scripts/",
    }
    folder = scratch / "bare"
    folder.mkdir()
    text = "".join(f"{name} = {value!r}\n" for name, value in lists.items())
    (folder / "Snakefile").write_text(text + BARE)
    return folder, ("--snakefile", "Snakefile")


def shape(jobs: int) -> tuple[list[float], int]:
    """Return shares of cats and a number of seeds, of about equal counts, that give about `jobs` jobs together."""
    networks = max(1, round(jobs / JOBS_OF_A_NETWORK))
    count = next(each for each in range(isqrt(networks), 0, -1) if networks % each == 0)
    return [round(0.5 + index / count / 2, 4) for index in range(count)], networks // count


def pretend_to_run(folder: Path, arguments: tuple[str, ...]) -> dict[str, int]:
    """Make every output as an empty file, let Snakemake touch them, and return the number of jobs of each rule."""
    table = snakemake(folder, *arguments, "--summary")
    for line in table.split("output_file\t", 1)[1].splitlines()[1:]:
        path = folder / line.split("\t", 1)[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    touch = ("--touch", "--forceall", "--scheduler", "greedy", "--cores", "1000", "-q", "rules")
    return job_counts(snakemake(folder, *arguments, *touch, command=(sys.executable, "-c", TOUCH)))


def dry_run(folder: Path, arguments: tuple[str, ...]) -> dict[str, Any]:
    """Return the cost of one dry run, and the number of planned jobs of each rule."""
    output = folder / "output.txt"
    command = [*SNAKEMAKE, *PROFILE, *arguments, "-n", "-q", "rules"]
    with output.open("w") as file:
        started = time.perf_counter()
        running = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
        _, status, usage = os.wait4(running.pid, 0)
        seconds = time.perf_counter() - started
    assert status == 0, output.read_text()
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / 1024,
        "jobs": job_counts(output.read_text()),
    }


def job_counts(said: str) -> dict[str, int]:
    """Return the number of jobs of each rule that Snakemake lists; empty if it has nothing to do."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", said, flags=re.MULTILINE)}


def snakemake(folder: Path, *arguments: str, command: tuple[str, ...] = SNAKEMAKE) -> str:
    """Return the output of Snakemake."""
    done = subprocess.run(
        [*command, *PROFILE, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def main() -> None:
    """Print one line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", type=int, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rerun", action="store_true", help="with every output made before")
    given = parser.parse_args()
    for jobs in given.jobs:
        print(json.dumps(measure(jobs, given.rounds, rerun=given.rerun)), flush=True)


if __name__ == "__main__":
    main()
