"""The share of a network's numbers that a repair changed."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from unpoison.costs import Cost
from unpoison.steps.repairing import in_words, share_changed


def network() -> nn.Module:
    """Return a network of eight numbers: four weights, no bias, two running means and two variances."""
    return nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2, affine=False))


def test_an_untouched_copy_has_changed_in_nothing() -> None:
    before = network()
    assert share_changed(before, deepcopy(before)) == 0


@torch.no_grad()
def test_one_weight_and_one_running_mean_of_eight_numbers_are_a_quarter() -> None:
    before = network()
    after = deepcopy(before)
    after[0].weight[0, 1] += 1e-6
    after[1].running_mean[0] += 1
    after[1].num_batches_tracked += 5  # this counter is excluded
    assert share_changed(before, after) == 0.25


def test_numbers_in_another_place_or_shape_count_as_changed() -> None:
    before = network()
    assert share_changed(before, nn.Sequential(nn.Linear(3, 2), deepcopy(before[1]))) == pytest.approx(8 / 12)


def test_the_log_tells_a_method_that_did_nothing_from_one_that_changed_little() -> None:
    assert in_words(Cost(1.0, 2, 3, 0.0)) == "did nothing: it changed no weight and no running statistic"
    assert in_words(Cost(1.0, 2, 3, 1e-5)) == "changed 0.001% of the weights and running statistics"


def test_a_job_that_repairs_nothing_tells_no_change() -> None:
    passes = {"image_passes": 2, "forward_passes": 3, "gradient_passes": 0, "curvature_passes": 0}
    assert Cost(1.23456, 2, 3).known() == {"seconds": 1.235, **passes}
    assert Cost(1.0, 2, 3, 1e-7).known()["weights_changed"] == 1e-7
