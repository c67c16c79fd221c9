"""Resources that profiles/slurm requests, summed by Snakemake over the jobs of a submission."""

import re
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.resources import GroupResources, Resources

from unpoison.rules import ALONE, CELLS, OF_ALL_CELLS, OF_SECONDS, RULES

ROOT = Path(__file__).parents[1]
PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "profile.yaml").read_text())


def asks(*levels: str, gpu: int) -> dict:
    """Return the request of a submission with these rules as levels of the DAG, eight jobs of each."""

    def job(rule: str) -> SimpleNamespace:
        changed = (
            PROFILE["set-resources"].get(rule, {}).get("runtime", PROFILE["default-resources"]["runtime"])
        )
        minutes = int(changed.split()[0])  # from "10 * attempt"
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
    # local to a submission: otherwise only one submission at a time could have a GPU
    assert set(PROFILE["set-resource-scopes"].items()) == {("gpu", "local"), ("at_once", "local")}


def test_without_a_gpu_four_jobs_run_at_once() -> None:
    asked = asks("unlearn", gpu=0)
    assert (asked["_cores"], asked["mem_mb"], asked["runtime"]) == (8, 16000, 2 * 60)


def test_the_rules_of_the_workflow_are_those_that_the_library_knows() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):", text, re.MULTILINE)
    rules += re.findall(r"^use rule \w+ as (\w+) with:", text, re.MULTILINE)
    assert sorted(rules) == sorted(RULES)


def test_every_rule_has_a_group_or_is_submitted_alone() -> None:
    assert set(PROFILE["groups"]) == set(RULES) - set(ALONE)
    assert set(PROFILE["set-resources"]) == set(OF_SECONDS)


def test_no_submission_of_cells_holds_what_cells_share() -> None:
    assert group("cells") == set(CELLS)
    assert group("report") == set(OF_ALL_CELLS)


def group(name: str) -> set[str]:
    return {rule for rule, group in PROFILE["groups"].items() if group == name}
