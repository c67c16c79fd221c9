"""What profiles/slurm asks a cluster for, by Snakemake's own sum over the jobs of a submission."""

import re
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.resources import GroupResources, Resources

ROOT = Path(__file__).parents[1]
PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text())
# Submitted one by one: they take minutes to hours, or come once.
ALONE = {"prepare_source", "train_base", "train_oracle", "train_surrogate", "perturb_images", "tune"}


def asks(*levels: str, gpu: int) -> dict:
    """What a submission asks for whose jobs stand on these levels, eight of each rule."""

    def job(rule: str) -> SimpleNamespace:
        changed = (
            PROFILE["set-resources"].get(rule, {}).get("runtime", PROFILE["default-resources"]["runtime"])
        )
        minutes = int(changed.split()[0])  # 10 * attempt
        resources = {"gpu": gpu, "_cores": 2, "_nodes": 1, "mem_mb": 4000, "runtime": minutes, "at_once": 1}
        return SimpleNamespace(resources=resources, pipe_group=None)

    limits = Resources.parse(
        [f"{name}={most}" for name, most in PROFILE["resources"].items()], allow_expressions=False
    )
    jobs = [[job(rule)] * 8 for rule in levels]
    return dict(GroupResources.basic_layered(jobs, limits, run_local=False))


def test_the_cells_of_a_submission_share_one_gpu() -> None:
    asked = asks("unlearn", gpu=1)
    assert (asked["gpu"], asked["_cores"], asked["mem_mb"]) == (1, 2, 4000)
    assert asked["runtime"] == 8 * 60
    # within a submission: without it no two submissions would have a GPU each
    assert set(PROFILE["set-resource-scopes"].items()) == {("gpu", "local"), ("at_once", "local")}


def test_without_a_gpu_four_jobs_run_at_once() -> None:
    asked = asks("unlearn", gpu=0)
    assert (asked["_cores"], asked["mem_mb"], asked["runtime"]) == (8, 16000, 2 * 60)


def test_every_rule_has_a_group_or_is_submitted_alone() -> None:
    folder = ROOT / "workflow" / "rules"
    text = "\n".join(path.read_text() for path in folder.glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.MULTILINE)) | set(
        re.findall(r"^use rule \w+ as (\w+) with:", text, re.MULTILINE)
    )
    assert rules == set(PROFILE["groups"]) | ALONE
    assert not set(PROFILE["groups"]) & ALONE
    assert set(PROFILE["set-resources"]) <= set(PROFILE["groups"])


def test_no_submission_of_cells_holds_what_cells_share() -> None:
    of_cells = {rule for rule, group in PROFILE["groups"].items() if group == "cells"}
    assert of_cells == {"unlearn", "repair"}
