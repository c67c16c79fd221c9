"""Contracts of every registered unlearning method."""

import ast
from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.options import accepts
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.steps.repairing import run_method as run
from unpoison.unlearning import METHODS, needs

every_method = pytest.mark.parametrize("name", list(METHODS))
every_variant = pytest.mark.parametrize(
    "variant", [variant for name in METHODS for variant in tiny.variants_of(name)], ids=str
)
MakeRequest = Callable[..., Request]
FORGET = range(8)


def unlearned(variant: tiny.Variant, request: Request) -> nn.Module:
    return METHODS[variant.method](request, **variant.options)


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in model.state_dict().items()}


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@every_variant
def test_what_is_given_is_left_untouched(variant: tiny.Variant, make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    request = replace(request, model=deepcopy(request.model).train(variant.seeded))  # both modes occur
    before, was_training = weights(request.model), request.model.training
    trainable = [parameter.requires_grad for parameter in request.model.parameters()]
    parts = (request.retain, request.forget, request.validation)
    images = [part._pixels.images.clone() for part in parts]
    labels = [part.labels.clone() for part in parts]
    result = unlearned(variant, request)
    assert equal(weights(request.model), before)  # weights and BatchNorm's running statistics
    assert request.model.training == was_training
    assert [parameter.requires_grad for parameter in request.model.parameters()] == trainable
    shared = {tensor.data_ptr() for tensor in request.model.state_dict().values()}
    assert not shared & {tensor.data_ptr() for tensor in result.state_dict().values()}
    for part, image, label in zip(parts, images, labels, strict=True):
        assert torch.equal(part._pixels.images, image)
        assert torch.equal(part.labels, label)


@every_variant
def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    first = weights(unlearned(variant, make_request(FORGET)))
    torch.rand(3)  # no method may draw from the global generators
    np.random.default_rng().random()
    assert equal(first, weights(unlearned(variant, make_request(FORGET))))


@every_variant
def test_another_seed_gives_other_weights_where_the_method_draws(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    first, second = (weights(unlearned(variant, make_request(FORGET, seed=seed))) for seed in (5, 6))
    assert equal(first, second) == (not variant.seeded)


@every_variant
def test_what_the_method_says_moves_and_nothing_else(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    request = make_request(FORGET)
    request = replace(
        request, model=deepcopy(request.model).train()
    )  # the mode of the given model must not matter
    before, model = weights(request.model), unlearned(variant, request)
    after = weights(model)
    assert list(after) == list(before)  # the result can be saved and loaded as any other model
    parameters = [name for name, _ in model.named_parameters()]
    statistics = [name for name, _ in model.named_buffers() if "running" in name]
    for expected, names in ((variant.moves, parameters), (variant.statistics, statistics)):
        moved = [name for name in names if not torch.equal(before[name], after[name])]
        if expected is None:
            assert moved
        else:
            assert moved == [name for name in names if name.startswith(expected)]


@every_variant
def test_the_result_is_finite_whole_and_in_evaluation_mode(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    model = unlearned(variant, make_request(FORGET, precision="bfloat16"))
    assert not any(module.training for module in model.modules())
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in model.state_dict().values())


@every_variant
@pytest.mark.parametrize("forget", [[17], range(45)], ids=["one row", "more than are retained"])
def test_a_deletion_set_of_any_size_can_be_forgotten(
    variant: tiny.Variant, forget: Any, make_request: MakeRequest
) -> None:
    request = make_request(forget)
    assert len(request.forget) == 1 or len(request.forget) > len(request.retain)
    model, _ = run(METHODS[variant.method], request, variant.options)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@every_variant
def test_with_nothing_to_forget_every_method_does_nothing(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    request = make_request([])
    model, cost = run(METHODS[variant.method], request, variant.options)
    assert model is not request.model
    assert equal(weights(model), weights(request.model))
    assert not model.training
    assert cost.image_passes == cost.forward_passes == 0


@every_method
def test_the_defaults_are_allowed_by_their_annotations(name: str) -> None:
    for option, described in METHODS.options(name).items():
        assert accepts(described.annotation, described.default), option


@every_method
def test_the_space_to_tune_in_is_made_of_values_that_the_options_take(name: str) -> None:
    options = METHODS.options(name)
    for option, range_ in METHODS.constant(name, "SPACE").items():
        values = range_.get("choices") or [range_["low"], range_["high"]]
        assert set(range_) <= ({"choices"} if "choices" in range_ else {"low", "high", "log"}), option
        assert all(accepts(options[option].annotation, value) for value in values), option
        assert len(set(values)) > 1, option
        if "low" in range_:
            assert range_["low"] < range_["high"], option
            assert not range_.get("log") or range_["low"] > 0, option


# 46 rows to retain and 8 to forget in batches of 16: epochs of 16 + 16 + 14 and of 8 rows, two in the recipe.
@pytest.mark.parametrize(
    ("name", "options", "passes", "forward"),
    [
        ("do_nothing", {}, 0, 0),
        ("retrain", {}, 2 * 46, 0),
        ("retrain", {"last": 2, "length": 1.0}, 2 * 46, 0),
        ("finetune", {"length": 1.0}, 2 * 46, 0),
        ("finetune", {"length": 0.5}, 46, 0),
        # 0.25 of six steps is 1.5, rounded half to even: two full batches.
        ("finetune", {"length": 0.25}, 2 * 16, 0),
        ("gradient_ascent", {"epochs": 2}, 2 * 8, 0),
        # The six validation rows are read before and after each pass.
        ("gradient_ascent", {"epochs": 2, "bound": 50.0, "allowed_drop": 1.0}, 2 * 8, 3 * 6),
        # The loss is at its bound already, so there is only a first pass.
        ("gradient_ascent", {"bound": 0.001, "allowed_drop": 0.05}, 8, 2 * 6),
        ("negative_gradient_plus", {"length": 1.0}, 2 * 46 + 6 * 8, 0),
        ("npo", {"length": 1.0}, 2 * 46 + 6 * 8, 6 * 8),
        ("npo", {"length": 1.0, "retain_weight": 0.0}, 6 * 8, 6 * 8),
        ("random_labels", {"length": 1.0}, 2 * (46 + 8), 0),
        ("random_labels", {"length": 1.0, "order": "in_turn"}, 2 * (46 + 8), 0),
        ("salun", {"length": 1.0}, 2 * (46 + 8) + 8, 0),
        ("salun", {"length": 1.0, "saliency": "per_sample"}, 2 * (46 + 8) + 8, 0),
        ("l1_sparse", {"length": 1.0}, 2 * 46, 0),
        # All 54 rows mixed, 16 + 16 + 16 + 6, and as many forward passes through one of the two teachers.
        ("bad_teacher", {"length": 1.0}, 2 * 54, 2 * 54),
        ("scrub", {}, 3 * 46 + 2 * 8, 3 * 46 + 2 * 8),
        ("scrub", {"objective": "goel", "rounds": 1}, 46 + 8, 46 + 8),
        ("task_vector", {"epochs": 3}, 3 * 8, 0),
    ],
)
def test_the_cost_counts_every_image_pass(
    make_request: MakeRequest, name: str, options: dict[str, float], passes: int, forward: int
) -> None:
    _, cost = run(METHODS[name], make_request(FORGET), options)
    assert (cost.image_passes, cost.forward_passes) == (passes, forward)
    assert cost.seconds > 0


@pytest.mark.parametrize(
    ("name", "options", "spent"),
    [("finetune", {"length": 1.0, "last": 2}, (2 * 46, 46)), ("npo", {"length": 1.0}, (2 * 46 + 6 * 8, 8))],
)
def test_what_is_computed_once_is_counted_once(
    make_request: MakeRequest, recipe: Recipe, name: str, options: dict[str, float], spent: tuple[int, int]
) -> None:
    plain = replace(recipe, crop_padding=0, flip=False)
    _, cost = run(METHODS[name], make_request(FORGET, recipe=plain), options)
    assert (cost.image_passes, cost.forward_passes) == spent


def test_salience_of_each_row_counts_per_sample_gradients(make_request: MakeRequest) -> None:
    options = {"length": 1.0, "saliency": "per_sample"}
    _, cost = run(METHODS["salun"], make_request(FORGET), options)
    assert (cost.gradient_passes, cost.curvature_passes) == (8, 0)
    assert cost.weighted_passes == 3 * (cost.image_passes - 8) + 10 * 8


def test_the_cost_of_retrain_is_steps_times_batch_rows(make_request: MakeRequest) -> None:
    recipe = Recipe(learning_rate=0.05, batch_size=23, iterations=5)
    _, cost = run(METHODS["retrain"], make_request(FORGET, recipe=recipe), {})
    assert cost.image_passes == 5 * 23  # 46 rows are two whole batches


def test_two_runs_on_the_same_request_are_counted_apart(make_request: MakeRequest) -> None:
    request = make_request(FORGET)
    costs = [run(METHODS["retrain"], request, {})[1].image_passes for _ in range(2)]
    assert costs == [2 * 46, 2 * 46]


# -- information hidden from methods -----------------------------------------------------------------

HIDDEN = {"_pixels", "_meter"}

GROUND_TRUTH = {"is_poisoned", "label", "true_label", "trigger_id", "trigger_ids", "target", "rows", "row_id"}


def public_parts(value: object, path: str = "request") -> list[tuple[str, str, object]]:
    """Return every part of a record that is reachable without a leading underscore: path, name and value."""
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


@pytest.mark.parametrize("path", sorted(METHODS.folder.glob("*.py")), ids=lambda path: path.stem)
def test_no_method_reaches_behind_the_underscores_of_examples(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & HIDDEN


def test_examples_show_given_labels_and_hide_the_rest() -> None:
    assert {field.name for field in fields(Examples) if not field.name.startswith("_")} == {"labels"}


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
        assert part._pixels.images.max() < 255  # the trigger is white, and no pixel of the tiny source is


@pytest.mark.parametrize("variant", [*tiny.variants_of("retrain"), *tiny.variants_of("finetune")], ids=str)
def test_retraining_never_sees_forgotten_rows(
    variant: tiny.Variant, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request(FORGET)
    seen: list[Tensor] = []
    original = Examples.batches

    def spied(self: Examples, *arguments: object, **options: object) -> object:
        seen.append(self._pixels.stored)
        return original(self, *arguments, **options)

    monkeypatch.setattr(Examples, "batches", spied)
    # Labels of the rows to forget are invalid, so a batch with one of these rows would fail.
    blank = replace(request.forget, labels=torch.full_like(request.forget.labels, 99))
    unlearned(variant, replace(request, forget=blank))
    assert [images is request.retain._pixels.stored for images in seen] == [True]


# -- repairs by trusted rows alone -------------------------------------------------------------------

every_repair = pytest.mark.parametrize(
    "variant",
    [variant for name in METHODS if "forget" not in needs(name) for variant in tiny.variants_of(name)],
    ids=str,
)


@every_repair
def test_a_repair_sees_the_trusted_rows_and_no_others(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    request = make_request([])
    before = weights(request.model)
    repaired, _ = run(METHODS[variant.method], request, variant.options, needs=("validation",))
    assert not equal(before, weights(repaired))
    blank = replace(request.retain, labels=torch.full_like(request.retain.labels, 99))
    blind = METHODS[variant.method](replace(request, retain=blank, forget=blank), **variant.options)
    assert equal(weights(repaired), weights(blind))


@every_repair
def test_a_repair_does_nothing_without_trusted_rows_and_works_with_one(
    variant: tiny.Variant, make_request: MakeRequest
) -> None:
    request = make_request([])
    for rows in (0, 1):
        few = replace(request, validation=request.validation.take(torch.arange(rows)))
        model, cost = run(METHODS[variant.method], few, variant.options, needs=("validation",))
        assert equal(weights(model), weights(request.model)) == (rows == 0)
        assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
        assert (cost.image_passes > 0) == (rows > 0)
