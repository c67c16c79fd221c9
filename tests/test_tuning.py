"""Tuning looks where a defender can look, tries the defaults first, and finds the same again."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
import tiny
import torch
from torch import nn

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.training import accuracy
from unpoison.tuning import Trial, kept_by_the_worst_class, record_of, search, try_options

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
    return tiny.bare(Pushed(deepcopy(request.model), push))


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


def test_the_value_is_what_the_worst_class_keeps_times_the_share_forgotten(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    for trial in searched([request]):
        if trial.error:
            continue
        model = tiny.bare(Pushed(request.model, trial.options["push"]))
        still = accuracy(model, request.forget, "float32")
        assert trial.worst_class == kept_by_the_worst_class(model, request)
        assert trial.validation_accuracy == accuracy(model, request.validation, "float32")
        assert trial.forgotten == 1 - still
        assert trial.value == trial.worst_class * (1 - still)
        assert 0 < trial.image_passes <= 16 * trial.options["steps"]


class ByHand(nn.Module):
    """Predicts what the list of as many rows says, in the order of the rows."""

    def __init__(self, *predicted: list[int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.predicted = {len(classes): torch.eye(3)[classes] for classes in predicted}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.predicted[len(images)]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([0, 0, 0, 1, 1, 2], [0, 0, 0, 1, 1, 2], 1.0),
        ([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 2], 1 / 3),  # class 0 keeps one of three
        ([0, 1, 1, 1, 0, 2], [0, 0, 0, 1, 0, 2], 1.0),  # a gain counts as no loss
        ([0, 1, 1, 1, 0, 2], [0, 0, 0, 0, 0, 2], 0.0),  # and pays for none
        ([0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 2, 1], 0.5),  # class 2 had nothing to lose
        ([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 2], 1.0),  # nor had any
    ],
)
def test_the_worst_class_is_measured_against_the_poisoned_model(
    make_request: MakeRequest, before: list[int], after: list[int], kept: float
) -> None:
    request = make_request(FORGET, model=tiny.bare(ByHand(before)))
    six = replace(request.validation.take(torch.arange(6)), labels=torch.tensor([0, 0, 0, 1, 1, 2]))
    assert kept_by_the_worst_class(
        tiny.bare(ByHand(after)), replace(request, validation=six)
    ) == pytest.approx(kept)


def test_a_setting_that_lost_a_class_loses_against_one_that_repairs_with_faults(
    make_request: MakeRequest,
) -> None:
    six, all_airplanes = torch.tensor([0, 0, 1, 1, 2, 2]), torch.zeros(4, dtype=torch.long)
    request = make_request(FORGET)
    request = replace(
        request,
        model=tiny.bare(ByHand([0, 0, 1, 1, 2, 2], [0, 0, 0, 0])),
        validation=replace(request.validation.take(torch.arange(6)), labels=six),
        forget=replace(request.forget.take(torch.arange(4)), labels=all_airplanes),
    )
    lost = tiny.bare(
        ByHand([1, 2, 1, 1, 2, 2], [1, 1, 2, 2])
    )  # every given label forgotten, and the class of them
    repaired = tiny.bare(
        ByHand([0, 1, 1, 0, 2, 0], [1, 1, 2, 0])
    )  # one given label left, and a fault in each class
    trials = {}
    for name, model in {"lost": lost, "repaired": repaired}.items():
        trials[name] = try_options(lambda request, model=model: model, [request], {}, {})
    assert trials["lost"].validation_accuracy * trials["lost"].forgotten > (
        trials["repaired"].validation_accuracy * trials["repaired"].forgotten
    )  # as mean accuracy would have it
    assert (trials["lost"].value, trials["repaired"].value) == (0.0, 0.5 * 0.75)


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


def test_every_trial_is_on_record_with_what_all_cost(make_request: MakeRequest) -> None:
    trials = searched([make_request(FORGET)])
    record = record_of(trials)
    assert [trial["options"] for trial in record["trials"]] == [trial.options for trial in trials]
    assert record["image_passes"] == sum(trial.image_passes for trial in trials)


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ([0.2, 0.2, 0.2], 0),  # equals are won by the earliest
        ([0.04, 0.03, 0.045], 0),  # the luck of a few rows is no reason to leave the defaults
        ([0.2, 0.28, 0.3], 2),
        ([0.2, 0.295, 0.3], 1),
        ([None, 0.0, 0.005], 1),  # a training that diverged is never chosen
    ],
)
def test_chosen_is_the_earliest_whose_value_no_other_clearly_beats(
    values: list[float | None], chosen: int
) -> None:
    trials = [
        Trial({"place": place}, value=value or 0.0, error="not finite" if value is None else None)
        for place, value in enumerate(values)
    ]
    record = record_of(trials)
    assert (record["options"], record["value"]) == ({"place": chosen}, values[chosen])


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
