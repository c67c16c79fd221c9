"""What every unlearning method of the registry promises."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor, nn

from unpoison.rows import Rows
from unpoison.training import Examples, Recipe
from unpoison.unlearning import METHODS
from unpoison.unlearning._request import Request, run

every_method = pytest.mark.parametrize("name", list(METHODS))
MakeRequest = Callable[..., Request]
FORGET = range(8)


def unlearned(name: str, request: Request) -> nn.Module:
    return METHODS[name](request, **tiny.METHOD_OPTIONS.get(name, {}))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in model.state_dict().items()}


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@every_method
def test_the_given_model_is_left_untouched(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    before, was_training = weights(request.model), request.model.training
    result = unlearned(name, request)
    assert equal(weights(request.model), before)  # weights and BatchNorm's running statistics
    assert request.model.training == was_training
    shared = {tensor.data_ptr() for tensor in request.model.state_dict().values()}
    assert not shared & {tensor.data_ptr() for tensor in result.state_dict().values()}


@every_method
def test_the_given_examples_are_left_untouched(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    before = [part.images.clone() for part in (request.retain, request.forget)]
    unlearned(name, request)
    for images, part in zip(before, (request.retain, request.forget), strict=True):
        assert torch.equal(images, part.images)


@every_method
def test_the_same_seed_gives_the_same_weights_bit_for_bit(name: str, make_request: MakeRequest) -> None:
    first = weights(unlearned(name, make_request(FORGET)))
    torch.rand(3)  # the global generator is nobody's source of randomness
    np.random.default_rng().random()
    assert equal(first, weights(unlearned(name, make_request(FORGET))))


@every_method
def test_another_seed_gives_other_weights(name: str, make_request: MakeRequest) -> None:
    first, second = (weights(unlearned(name, make_request(FORGET, seed=seed))) for seed in (5, 6))
    assert equal(first, second) == (name == "do_nothing")


@every_method
def test_the_weights_move(name: str, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    before, after = (dict(model.named_parameters()) for model in (request.model, unlearned(name, request)))
    moved = [key for key in before if not torch.equal(before[key], after[key])]
    assert moved == ([] if name == "do_nothing" else list(before))


@every_method
def test_the_result_is_finite_and_in_evaluation_mode(name: str, make_request: MakeRequest) -> None:
    model = unlearned(name, make_request(FORGET))
    assert not any(module.training for module in model.modules())
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@every_method
def test_one_row_can_be_forgotten(name: str, make_request: MakeRequest) -> None:
    model, _ = run(METHODS[name], make_request([17]), tiny.METHOD_OPTIONS.get(name, {}))
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


@every_method
def test_more_rows_can_be_forgotten_than_are_retained(name: str, make_request: MakeRequest) -> None:
    request = make_request(range(45))
    assert len(request.forget) > len(request.retain)
    model, _ = run(METHODS[name], request, tiny.METHOD_OPTIONS.get(name, {}))
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


@every_method
def test_with_nothing_to_forget_every_method_does_nothing(name: str, make_request: MakeRequest) -> None:
    request = make_request([])
    model, cost = run(METHODS[name], request, tiny.METHOD_OPTIONS.get(name, {}))
    assert model is not request.model
    assert equal(weights(model), weights(request.model))
    assert not model.training
    assert cost.image_passes == 0


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("do_nothing", {}, 0),
        # 46 rows to retain in batches of 16: 16 + 16 + 14, and again.
        ("retrain", {}, 2 * 46),
        ("finetune", {"length": 1.0}, 2 * 46),
        ("finetune", {"length": 0.5}, 46),
        # 0.25 of six steps is 1.5, rounded half to even: two full batches.
        ("finetune", {"length": 0.25}, 2 * 16),
    ],
)
def test_the_cost_counts_every_image_pass(
    make_request: MakeRequest, name: str, options: dict[str, float], passes: int
) -> None:
    _, cost = run(METHODS[name], make_request(FORGET), options)
    assert cost.image_passes == passes
    assert cost.seconds > 0


def test_the_cost_of_retrain_is_steps_times_batch_rows(make_request: MakeRequest) -> None:
    recipe = Recipe(learning_rate=0.05, batch_size=23, iterations=5)
    _, cost = run(METHODS["retrain"], make_request(FORGET, recipe=recipe), {})
    assert cost.image_passes == 5 * 23  # 46 rows are two whole batches


def test_two_runs_on_the_same_request_are_counted_apart(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    costs = [run(METHODS["retrain"], request, {})[1].image_passes for _ in range(2)]
    assert costs == [2 * 46, 2 * 46]


# -- what a method may not know ---------------------------------------------------------------------

GROUND_TRUTH = {"is_poisoned", "label", "true_label", "trigger_id", "trigger_ids", "target", "rows", "row_id"}


def public_parts(value: object, path: str = "request") -> list[tuple[str, str, object]]:
    """Everything that is reached from a record without going through a leading underscore."""
    found = []
    for name in dir(value):
        if name.startswith("_"):
            continue
        part = getattr(value, name)
        found.append((path, name, part))
        if is_dataclass(part) and not isinstance(part, type):
            found += public_parts(part, f"{path}.{name}")
    return found


def test_a_request_exposes_no_ground_truth(make_request: MakeRequest) -> None:
    for path, name, part in public_parts(make_request(FORGET)):
        assert name not in GROUND_TRUTH, f"{path}.{name} tells a method what it must not know"
        assert not isinstance(part, Rows), f"{path}.{name} is the whole table of rows"


def test_examples_show_images_and_given_labels_and_hide_the_rest() -> None:
    assert {field.name for field in fields(Examples) if not field.name.startswith("_")} == {
        "images",
        "labels",
    }


def test_a_request_holds_the_labels_that_were_given(
    make_request: MakeRequest, patched: SimpleNamespace
) -> None:
    request, train = make_request(FORGET), patched.rows.of("train")
    assert request.forget.labels.tolist() == train.given_label[:8].tolist()
    assert request.retain.labels.tolist() == train.given_label[8:].tolist()
    assert (train.given_label != train.label).any()


def test_the_images_of_a_request_do_not_show_which_rows_are_stamped(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    for part in (request.retain, request.forget):
        assert part.images.max() < 255  # the trigger is white, and nothing of the tiny source is


@pytest.mark.parametrize("name", ["retrain", "finetune"])
def test_retraining_never_sees_forgotten_rows(
    name: str, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request(FORGET)
    seen: list[Tensor] = []
    original = Examples.batches

    def spied(self: Examples, *arguments: object, **options: object) -> object:
        seen.append(self.images)
        return original(self, *arguments, **options)

    monkeypatch.setattr(Examples, "batches", spied)
    # Rows to forget that would break the training if one of them were in a batch.
    blank = replace(request.forget, labels=torch.full_like(request.forget.labels, 99))
    unlearned(name, replace(request, forget=blank))
    assert [images is request.retain.images for images in seen] == [True]
