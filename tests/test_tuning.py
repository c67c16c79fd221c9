"""Tuning uses only what a defender knows, tries the defaults first, and is repeatable."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from torch import nn

from unpoison.contracts.request import Request
from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.held_out import fifth_of
from unpoison.networks import Classifier
from unpoison.recipes import Recipe
from unpoison.steps.setting import Setting
from unpoison.training import accuracy
from unpoison.trials import Trial, choose, record_of, search_passes, trials_of
from unpoison.tuning import Case, case_of, kept_by_the_worst_class, search, try_options

FORGET = range(8)
SPACE = {"push": {"low": -3.0, "high": 3.0}, "steps": {"low": 1, "high": 4}, "kind": {"choices": ["a", "b"]}}
DEFAULTS = {"push": 0.0, "steps": 2, "kind": "a"}
MakeRequest = Callable[..., Request]


@pytest.fixture
def data(stored: np.ndarray, patched: SimpleNamespace) -> Data:
    return Data.of_rows(stored, patched.rows, patched.stamp)


class Pushed(nn.Module):
    """The poisoned network with a constant added to the logit of the first class."""

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


def case(request: Request) -> Case:
    """Return a case whose held-out rows are the last two retained rows; the request keeps all of its rows."""
    return Case(request, request.retain.take(torch.arange(len(request.retain) - 2, len(request.retain))))


def searched(requests: list[Request], trials: int = 6, seed: int = 2**62 + 1) -> list[Trial]:
    return search(
        unlearn,
        [case(request) for request in requests],
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


def test_a_value_is_what_the_worst_class_keeps_times_the_share_of_its_objective(
    make_request: MakeRequest,
) -> None:
    request = make_request(FORGET)
    for trial in searched([request]):
        if trial.error:
            continue
        model = tiny.bare(Pushed(request.model, trial.options["push"]))
        still = accuracy(model, request.forget, "float32")
        assert trial.worst_class == kept_by_the_worst_class(model, request)
        assert trial.validation_accuracy == accuracy(model, request.validation, "float32")
        assert trial.forgotten == 1 - still
        assert trial.held_out == 1 - accuracy(model, case(request).held_out, "float32")
        assert trial.values["forgotten"] == trial.worst_class * trial.forgotten
        assert trial.values["held_out"] == trial.worst_class * trial.held_out
        assert 0 < trial.image_passes <= 16 * trial.options["steps"]


class ByHand(nn.Module):
    """Predicts, in the order of rows, the given list that has as many entries as the input has rows."""

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
        ([0, 1, 1, 1, 0, 2], [0, 0, 0, 1, 0, 2], 1.0),  # a gain is not a loss
        ([0, 1, 1, 1, 0, 2], [0, 0, 0, 0, 0, 2], 0.0),  # a gain does not offset a loss
        ([0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 2, 1], 0.5),  # class 2 had no correct row to lose
        ([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 2], 1.0),  # no class had a correct row
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
    )  # all given labels are forgotten, and their class is lost
    repaired = tiny.bare(
        ByHand([0, 1, 1, 0, 2, 0], [1, 1, 2, 0])
    )  # one given label is left, and each class has an error
    trials = {}
    for name, model in {"lost": lost, "repaired": repaired}.items():
        given = Case(request, request.forget)
        trials[name] = try_options(lambda request, model=model: model, [given], {}, {})
    assert trials["lost"].validation_accuracy * trials["lost"].forgotten > (
        trials["repaired"].validation_accuracy * trials["repaired"].forgotten
    )  # mean accuracy would prefer the lost model
    assert (trials["lost"].values["held_out"], trials["repaired"].values["held_out"]) == (0.0, 0.5 * 0.75)


def test_a_trial_is_the_mean_over_the_tuning_seeds(make_request: MakeRequest) -> None:
    requests = [make_request(FORGET), make_request(range(20, 33), seed=6)]
    both = searched(requests, trials=2)[0]
    alone = [searched([request], trials=2)[0] for request in requests]
    for objective, value in both.values.items():
        assert value == pytest.approx(sum(trial.values[objective] for trial in alone) / 2)
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
    assert all(set(trial.values.values()) == {0} and "not finite" in trial.error for trial in diverged)


def test_every_trial_is_on_record_with_what_all_cost(make_request: MakeRequest) -> None:
    trials = searched([make_request(FORGET)])
    record = record_of(trials)
    assert [trial["options"] for trial in record["trials"]] == [trial.options for trial in trials]
    assert record["image_passes"] == sum(trial.image_passes for trial in trials)
    assert trials_of(record) == trials


def test_a_search_of_4_is_the_beginning_of_a_search_of_16(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    long, short = ([trial.options for trial in searched([request], trials)] for trials in (16, 4))
    assert long[:4] == short
    assert len({str(options) for options in long}) == 16


def test_the_eight_settings_after_the_defaults_fill_the_space(make_request: MakeRequest) -> None:
    options = [trial.options for trial in searched([make_request(FORGET)], trials=9)][1:]
    eighths = {int((one["push"] + 3) / 6 * 8) for one in options}
    assert eighths == set(range(8))  # a Sobol sequence has one point in each eighth
    assert sorted(one["steps"] for one in options) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert sorted(one["kind"] for one in options) == ["a"] * 4 + ["b"] * 4


def trial(value: float, *, forgotten: float = 0.0, passes: int = 0, error: str | None = None) -> Trial:
    values = {"held_out": value, "forgotten": forgotten}
    return Trial({"value": value}, values=values, image_passes=passes, error=error)


def test_a_budget_chooses_among_its_first_trials() -> None:
    trials = [trial(0.1), trial(0.5), trial(0.2), trial(0.9)]
    assert [choose(trials, budget).values["held_out"] for budget in (1, 2, 3, 4, None)] == [
        0.1,
        0.5,
        0.5,
        0.9,
        0.9,
    ]


def test_a_budget_whose_trials_all_diverged_is_refused() -> None:
    trials = [trial(0.0, error="not finite"), trial(0.5)]
    with pytest.raises(UserError, match="none of the 1 trials came to an end; the first: not finite"):
        choose(trials, 1)
    assert choose(trials).values["held_out"] == 0.5


def test_a_budget_pays_for_its_own_trials_and_the_defaults_alone_cost_nothing() -> None:
    trials = [trial(0.1, passes=10), trial(0.5, passes=20), trial(0.2, passes=40)]
    assert [search_passes(trials, budget) for budget in (1, 2, 3, None)] == [0, 3 * 30, 3 * 70, 3 * 70]


def test_the_choice_by_either_objective_is_on_record_and_the_held_out_one_is_used() -> None:
    record = record_of([trial(0.1, forgotten=0.9), trial(0.8, forgotten=0.2)])
    assert record["choices"] == {
        "held_out": {"options": {"value": 0.8}, "value": 0.8},
        "forgotten": {"options": {"value": 0.1}, "value": 0.9},
    }
    assert record["options"] == {"value": 0.8}


def test_held_out_rows_are_neither_forgotten_nor_retained(
    data: Data, trained: Classifier, recipe: Recipe
) -> None:
    flagged = np.arange(12)
    found = case_of(data, trained, flagged, recipe, Setting(3, torch.device("cpu")))
    train = data.rows.of("train")
    held_out = fifth_of(train, flagged, 3)
    assert len(held_out) == len(found.held_out) == 3  # 12 / 5, rounded up
    assert set(held_out) < set(flagged)
    assert len(found.request.forget) == 9
    assert len(found.request.retain) == len(train) - 12
    images = next(found.held_out.in_order())[0]
    expected = next(data.examples(train.take(held_out), torch.device("cpu")).in_order())[0]
    assert torch.equal(images, expected)
    assert set(fifth_of(train, flagged, 4)) != set(held_out)  # the draw depends on the seed


def test_a_set_of_four_rows_has_no_fifth_to_hold_out(data: Data) -> None:
    with pytest.raises(UserError, match="found 4 rows, allowed: 5 or more"):
        fifth_of(data.rows.of("train"), np.arange(4), 3)


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ([0.2, 0.2, 0.2], 0),  # the earliest wins a tie
        ([0.04, 0.03, 0.045], 0),  # a gain within chance keeps the defaults
        ([0.2, 0.28, 0.3], 2),
        ([0.2, 0.295, 0.3], 1),
        ([None, 0.0, 0.005], 1),  # a training that diverged is never chosen
    ],
)
def test_chosen_is_the_earliest_whose_value_no_other_clearly_beats(
    values: list[float | None], chosen: int
) -> None:
    trials = [
        Trial(
            {"place": place},
            values=dict.fromkeys(("held_out", "forgotten"), value or 0.0),
            error="not finite" if value is None else None,
        )
        for place, value in enumerate(values)
    ]
    record = record_of(trials)
    assert record["choices"]["held_out"] == {"options": {"place": chosen}, "value": values[chosen]}


def test_a_tuning_without_a_trial_that_ends_is_refused(make_request: MakeRequest) -> None:
    with pytest.raises(UserError, match="none of the 2 trials came to an end; the first: the training loss"):
        search(
            unlearn,
            [case(make_request(FORGET))],
            fixed={"fixed": True, "push": 2.0},
            defaults={"steps": 1, "kind": "a"},
            space={name: SPACE[name] for name in ("steps", "kind")},
            trials=2,
            seed=0,
        )
