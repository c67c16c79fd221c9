"""`make estimate`: jobs, hours and gigabytes before a run."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import TINY

from unpoison.rules import ON_GPU
from unpoison.runs.estimate import estimate
from unpoison.study.plan import Plan

RULES = Path(__file__).parents[2] / "workflow/rules"


@pytest.mark.parametrize(
    ("device", "threads", "core_seconds", "gpu_seconds"),
    [("cpu", 1, 3500 + 11 * 4, 0), ("cpu", 2, 2 * (3500 + 10 * 4) + 4, 0), ("cuda", 2, 4, 3500 + 10 * 4)],
)
def test_hours_and_gigabytes_are_those_worked_out_by_hand(
    tmp_path, device: str, threads: int, core_seconds: float, gpu_seconds: float
) -> None:
    config = yaml.safe_load(TINY) | {"results_folder": str(tmp_path), "device": device, "threads": threads}
    # Each training has 3 or 4 steps of 100 s. Ten networks of 10^9 weights take 40 GB.
    jobs = {"train_base": 4, "unlearn": 6, "collect_results": 1}
    lines = list(estimate(Plan(config), jobs, lambda _: (100.0, 10**9)))
    assert lines[3].split() == ["jobs", "left", "11"]
    for unit, seconds in (("core-hours", core_seconds), ("GPU-hours", gpu_seconds)):
        [hours] = [float(line.split()[1]) for line in lines if unit in line]
        assert hours == pytest.approx(seconds / 3600, rel=0.2)
    assert any("about 40 GB" in line for line in lines)
    assert lines[-1].startswith("Not known: ")


def test_the_rules_that_count_as_gpu_jobs_are_those_that_ask_for_one() -> None:
    text = "".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    asking = {
        block.split(":")[0] for block in re.split(r"^rule ", text, flags=re.MULTILINE) if "gpu=GPU" in block
    }
    also = {
        name for rule, name in re.findall(r"^use rule (\w+) as (\w+)", text, re.MULTILINE) if rule in asking
    }
    assert set(ON_GPU) == asking | also
