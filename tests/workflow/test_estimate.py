"""`make estimate`: jobs, hours and gigabytes before a run."""

import pytest
import yaml
from conftest import TINY

from planning.estimate import estimate
from planning.plan import Plan


def test_hours_and_gigabytes_are_those_worked_out_by_hand(tmp_path) -> None:
    plan = Plan(yaml.safe_load(TINY) | {"results_folder": str(tmp_path)})
    # Per training 3 or 4 steps of 100 s; ten networks of 10^9 weights: 40 GB.
    lines = list(
        estimate(plan, {"train_base": 4, "unlearn": 6, "collect_results": 1}, lambda _: (100.0, 10**9))
    )
    assert lines[3].split() == ["jobs", "left", "11"]
    [hours] = [float(line.split()[1]) for line in lines if "hours of jobs" in line]
    assert hours == pytest.approx(10 * 350 / 3600, rel=0.2)
    assert any("about 40 GB" in line for line in lines)
