"""What profiles/slurm asks a cluster for, by Snakemake's own sum over the jobs of a submission."""

from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.resources import GroupResources, Resources

PROFILE = yaml.safe_load((Path(__file__).parents[1] / "profiles" / "slurm" / "profile.yaml").read_text())


def test_the_cells_of_a_submission_share_one_gpu() -> None:
    cells = int(dict(entry.split("=") for entry in PROFILE["group-components"])["cell"])
    asked = {"gpu": 1, "_cores": 2, "_nodes": 1, "mem_mb": 4000, "runtime": 60}
    unlearn, evaluate = ([SimpleNamespace(resources=asked, pipe_group=None)] * cells for _ in range(2))
    limits = Resources.parse(PROFILE["resources"], allow_expressions=False)
    summed = GroupResources.basic_layered([unlearn, evaluate], limits, run_local=False)
    assert (summed["gpu"], summed["_cores"], summed["mem_mb"]) == (1, 2, 4000)
    assert summed["runtime"] == cells * 2 * 60
    # within a submission: without it no two submissions would have a GPU each
    assert "gpu=local" in PROFILE["set-resource-scopes"]


def test_no_submission_of_cells_holds_what_all_methods_share() -> None:
    groups = dict(entry.split("=") for entry in PROFILE["groups"])
    assert {rule for rule, group in groups.items() if group == "cell"} == {"unlearn", "evaluate"}
