"""Tuning looks where a defender can look, tries the defaults first, and finds the same again."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import nn

from unpoison.errors import UserError
from unpoison.training import accuracy
from unpoison.tuning import record_of, search
from unpoison.unlearning._request import Request

FORGET = range(8)
SPACE = {"push": {"low": -3.0, "high": 3.0}, "steps": {"low": 1, "high": 4}, "kind": {"choices": ["a", "b"]}}
DEFAULTS = {"push": 0.0, "steps": 2, "kind": "a"}
MakeRequest = Callable[..., Request]


class Pushed(nn.Module):
    """The poisoned network, with something added to the logit of the first class."""

    def __init__(self, network: nn.Module, push: float) -> None:
        super().__init__()
        self.network, self.push = network, push

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.network(images)
        return logits + self.push * torch.eye(logits.shape[1])[0]


def unlearn(request: Request, *, push: float, steps: int, kind: str, fixed: bool) -> nn.Module:
    assert fixed
    assert isinstance(steps, int)
    assert kind in ("a", "b")
    for _ in request.retain.batches(request.recipe, request.seed, steps=steps):
        pass
    if push > 1:
        raise UserError("the training loss is not finite")
    return Pushed(deepcopy(request.model), push)


def searched(requests: list[Request], trials: int = 6, seed: int = 2**62 + 1) -> list:
    return search(
        unlearn,
        requests,
        fixed={"fixed": True},
        defaults=DEFAULTS,
        space=SPACE,
        trials=trials,
        seed=seed,
    )


def test_the_defaults_are_tried_first_and_all_trials_lie_in_the_space(make_request: MakeRequest) -> None:
    trials = searched([make_request(FORGET)])
    assert trials[0].options == DEFAULTS
    assert len(trials) == 6
    for trial in trials:
        assert -3 <= trial.options["push"] <= 3
        assert trial.options["steps"] in (1, 2, 3, 4)
    assert len({trial.options["push"] for trial in trials}) == 6


def test_the_value_is_validation_accuracy_times_the_share_forgotten(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    first = searched([request], trials=2)[0]
    kept = accuracy(request.model, request.validation, "float32")
    still = accuracy(request.model, request.forget, "float32")
    assert (first.validation_accuracy, first.forgotten) == (kept, 1 - still)
    assert first.value == kept * (1 - still)
    assert first.image_passes == 2 * 16  # two steps of 16


def test_a_trial_is_the_mean_over_the_tuning_seeds(make_request: MakeRequest) -> None:
    requests = [make_request(FORGET), make_request(range(20, 33), seed=6)]
    both = searched(requests, trials=2)[0]
    alone = [searched([request], trials=2)[0] for request in requests]
    assert both.value == pytest.approx(sum(trial.value for trial in alone) / 2)
    assert both.image_passes == sum(trial.image_passes for trial in alone)


def test_the_same_seed_finds_the_same(make_request: MakeRequest) -> None:
    first, again, other = (
        [trial.options for trial in searched([make_request(FORGET)], seed=seed)] for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


def test_a_trial_that_diverges_is_worth_nothing_and_says_why(make_request: MakeRequest) -> None:
    trials = searched([make_request(FORGET)], trials=8)
    diverged = [trial for trial in trials if trial.options["push"] > 1]
    assert diverged
    assert all(trial.value == 0 and "not finite" in trial.error for trial in diverged)


def test_equals_are_won_by_the_earliest_and_every_trial_is_on_record(make_request: MakeRequest) -> None:
    trials = searched([make_request(FORGET)])
    record = record_of(trials)
    values = [trial["value"] for trial in record["trials"]]
    assert record["value"] == max(values)
    assert record["options"] == trials[values.index(max(values))].options
    assert record["image_passes"] == sum(trial.image_passes for trial in trials)


def test_a_tuning_without_a_trial_that_ends_is_refused(make_request: MakeRequest) -> None:
    with pytest.raises(UserError, match="none of the 2 trials came to an end; the first: the training loss"):
        search(
            unlearn,
            [make_request(FORGET)],
            fixed={"fixed": True, "push": 2.0},
            defaults={"steps": 1, "kind": "a"},
            space={name: SPACE[name] for name in ("steps", "kind")},
            trials=2,
            seed=0,
        )
