"""The library's public API: six calls on a user's own arrays and network, repeatable, nothing of the user's
changed."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from PIL import Image
from torch import nn

import unpoison
import unpoison.loading
from unpoison.attacks import apply
from unpoison.datasets import load_source
from unpoison.networks import Architecture
from unpoison.poisons import POISONS
from unpoison.rows import choose_rows
from unpoison.seeds import derive_seed
from unpoison.steps.setting import Setting
from unpoison.steps.training import train_model
from unpoison.training import train as fit

ROOT = Path(__file__).parents[1]
RECIPE = {"learning_rate": 0.05, "batch_size": 16, "epochs": 1, "crop_padding": 2}
LABELS = np.arange(45) % 3
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """Disable the tests' type checks, so that bad values reach the library's own checks."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def make_data(**changes: Any) -> unpoison.Data:
    images = tiny.draw_squares(LABELS)
    held_out = (tiny.draw_squares(LABELS[:12]), LABELS[:12])
    return unpoison.Data(
        **{"images": images, "labels": LABELS, "class_names": tiny.CLASS_NAMES, "test": held_out, **changes}
    )


def poisoned_data(**changes: Any) -> unpoison.Data:
    return unpoison.poison(make_data(**changes), "patch", target="dog", count=9)


class Net(nn.Module):
    """A user's own network with dropout; it counts its forward passes."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )
        self.drop, self.head = nn.Dropout(0.3), nn.Linear(16, classes)
        self.images_seen = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images_seen += len(images)
        return self.head(self.drop(self.body(images)))


def wrapped(**changes: Any) -> Any:
    return unpoison.wrap_model(
        **{"module": Net(), "class_names": tiny.CLASS_NAMES, "recipe": RECIPE, **changes}
    )


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def data() -> unpoison.Data:
    return make_data()


@pytest.fixture(scope="module")
def model(data: unpoison.Data) -> Any:
    return unpoison.train(data, width=2, recipe=RECIPE)


def refused(sentence: str, call: Callable[[], object]) -> None:
    """Assert that the call raises a one-line UserError that matches the sentence."""
    with pytest.raises(unpoison.UserError, match=sentence) as caught:
        call()
    assert len(str(caught.value)) < 900
    assert "\n" not in str(caught.value)


# -- results of the calls ----------------------------------------------------------------------------


def test_six_lines_repair_a_users_own_network() -> None:
    planted = poisoned_data()
    own = wrapped(new=Net)
    scores = unpoison.score(own, planted, "spectral_signatures")
    assert scores.values.shape == (45,)
    assert scores.flagged is not None
    repaired, cost = unpoison.repair(own, planted, scores.flagged, "retrain")
    table = unpoison.measure(repaired, planted, scores.flagged, cost)
    assert set(table.columns) == {"metric", "class_name", "value", "unit"}
    assert {"clean_accuracy", "attack_success_rate", "image_passes"} <= set(table.metric)
    assert not equal(weights(repaired), weights(own))


def test_of_data_as_found_only_what_needs_no_truth_is_measured(model: Any, data: unpoison.Data) -> None:
    without = make_data(test=None)
    assert set(unpoison.measure(model, without).metric) == {"given_label_agreement"}
    with_tests = {"given_label_agreement", "clean_accuracy", "worst_class_clean_accuracy"}
    assert set(unpoison.measure(model, data).metric) == with_tests
    assert data.rows.is_poisoned is None
    assert (data.rows.label[data.rows.split == "train"] == -1).all()


def test_measured_values_are_those_of_the_predictions(model: Any, data: unpoison.Data) -> None:
    table = unpoison.measure(model, data)
    of_test = data.rows.split == "test"
    with torch.no_grad():
        logits = model(torch.from_numpy(data.images[of_test]).permute(0, 3, 1, 2))
    hits = logits.argmax(1).numpy() == data.rows.label[of_test]
    value = table.value[(table.metric == "clean_accuracy") & table.class_name.isna()].item()
    assert value == pytest.approx(hits.mean())


def test_a_model_is_saved_and_loaded(model: Any, data: unpoison.Data, tmp_path: Path) -> None:
    unpoison.save_model(tmp_path / "model.safetensors", model)
    loaded = unpoison.load_model(tmp_path)
    pd.testing.assert_frame_equal(unpoison.measure(loaded, data), unpoison.measure(model, data))


def test_data_are_shown_in_one_line(data: unpoison.Data) -> None:
    assert repr(data) == "Data(45 train, 12 test rows, 16 x 16 pixels, 3 classes)"
    assert "9 trusted" in repr(make_data(trusted=(tiny.draw_squares(LABELS[:9]), LABELS[:9])))


def test_tensors_and_lists_are_taken_as_arrays_are(data: unpoison.Data) -> None:
    images = torch.from_numpy(tiny.draw_squares(LABELS))
    others = make_data(images=images, labels=LABELS.tolist())
    np.testing.assert_array_equal(others.images, data.images)


def test_the_data_are_a_copy_of_the_users_arrays() -> None:
    images = tiny.draw_squares(LABELS)
    made = make_data(images=images)
    images[:] = 0
    assert made.images[:45].any()


# -- the same weights, and nothing changed -----------------------------------------------------------


def test_the_same_training_gives_the_same_weights_and_another_seed_others(
    data: unpoison.Data, model: Any
) -> None:
    assert equal(weights(unpoison.train(data, width=2, recipe=RECIPE)), weights(model))
    assert not equal(weights(unpoison.train(data, width=2, recipe=RECIPE, seed=1)), weights(model))


def test_training_gives_the_weights_of_the_workflows_base_job() -> None:
    """The expected weights are composed as in `train_base.py`, with the seed derived from the same words."""
    planted, recipe = poisoned_data(), unpoison.Recipe(**RECIPE)
    found = weights(unpoison.train(planted, width=2, recipe=RECIPE, seed=4))
    architecture = Architecture("resnet9", {"width": 2}, planted.class_names, 16)
    of_job, _ = train_model(planted, architecture, recipe, Setting(4, CPU))
    by_hand = architecture.new(derive_seed("base", 4))
    fit(by_hand, planted.examples(planted.rows.of("train"), CPU), recipe, derive_seed("base", 4))
    assert equal(found, weights(of_job))
    assert equal(found, weights(by_hand))


@pytest.mark.parametrize("method", ["finetune", "salun"])
def test_a_network_with_dropout_is_repaired_alike_whatever_was_drawn_before(
    method: str, data: unpoison.Data
) -> None:
    own = wrapped()
    first = weights(unpoison.repair(own, data, [1, 2], method)[0])
    torch.rand(5)
    assert equal(first, weights(unpoison.repair(own, data, [1, 2], method)[0]))
    assert not equal(first, weights(unpoison.repair(own, data, [1, 2], method, seed=1)[0]))


def settings() -> tuple[object, ...]:
    fill = torch.utils.deterministic.fill_uninitialized_memory
    return (
        torch.get_deterministic_debug_mode(),
        torch.backends.cudnn.allow_tf32,
        fill,
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_rng_state().sum().item(),
        np.random.get_state()[1].sum(),
    )


def test_no_call_changes_a_setting_of_torch_or_the_users_model() -> None:
    own, planted = Net().train(), poisoned_data()
    own.head.eval()  # the user put this part into evaluation mode
    before = weights(own)
    modes = {name: part.training for name, part in own.named_modules()}
    strict = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        known = settings()
        model = unpoison.wrap_model(own, tiny.CLASS_NAMES, new=Net, recipe=RECIPE)
        for call in (
            lambda: unpoison.train(planted, width=2, recipe=RECIPE),
            lambda: unpoison.score(model, planted, "loss", early=True),
            lambda: unpoison.repair(model, planted, [0], "bad_teacher"),
            lambda: unpoison.measure(model, planted, [0]),
            lambda: refused("seed: found 'x'", lambda: unpoison.train(planted, seed="x")),
            lambda: refused(
                "finite", lambda: unpoison.train(planted, width=2, recipe={**RECIPE, "learning_rate": 1e15})
            ),
        ):
            call()
            assert settings() == known
    finally:
        torch.set_deterministic_debug_mode(strict)
        torch.utils.deterministic.fill_uninitialized_memory = False
    assert equal(weights(own), before)
    assert {name: part.training for name, part in own.named_modules()} == modes
    assert all(parameter.grad is None for parameter in own.parameters())


# -- refusals ----------------------------------------------------------------------------------------

IMAGES = tiny.draw_squares(LABELS)
BAD_DATA = {
    "float images": ({"images": IMAGES / 255}, r"images: found float64, allowed: uint8 .*\(255 \* images\)"),
    "channels first": (
        {"images": IMAGES.transpose(0, 3, 1, 2)},
        r"found the shape \(45, 3, 16, 16\).*move the channels",
    ),
    "grey": (
        {"images": IMAGES[..., 0]},
        r"images: found the shape \(45, 16, 16\), allowed: \(n, size, size, 3\)",
    ),
    "not square": ({"images": IMAGES[:, :8]}, "as high as wide"),
    "none": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "allowed: one image or more"),
    "uneven": ({"images": [IMAGES[0].tolist(), [[1]]]}, "images: found list of uneven parts"),
    "a text": ({"images": "photos"}, "images: found <U6, allowed: uint8"),
    "too few labels": (
        {"labels": LABELS[1:]},
        r"labels of images: found int64 of the shape \(44,\), allowed: integers \(45,\)",
    ),
    "float labels": ({"labels": LABELS / 1}, "labels of images: found float64"),
    "texts as labels": ({"labels": ["cat"] * 45, "class_names": None}, "labels of images: found <U3"),
    "no labels": ({"labels": None, "class_names": None}, "labels of images: found object"),
    "one-hot labels": (
        {"labels": np.eye(3, dtype=int)[LABELS]},
        r"labels of images: found int64 of the shape \(45, 3\)",
    ),
    "negative labels": (
        {"labels": LABELS - 1},
        "labels of images: found -1 to 1, allowed: 0 to 2, the classes",
    ),
    "large labels": ({"labels": LABELS + 1}, "labels of images: found 1 to 3, allowed: 0 to 2"),
    "huge labels": (
        {"labels": LABELS + 10**9, "class_names": None},
        "allowed without class_names: 0 to 65535",
    ),
    "one class": ({"labels": LABELS * 0}, "labels: found the class cat alone, allowed: two classes or more"),
    "one class without names": (
        {"labels": LABELS * 0, "class_names": None, "test": None},
        "found the class 0 alone",
    ),
    "names in a text": ({"class_names": "abc"}, "class_names: found 'abc', allowed: two names or more"),
    "a name twice": ({"class_names": ["a", "b", "a"]}, "found the class name 'a' twice"),
    "a name that is none": (
        {"class_names": ["a", "b", 3]},
        "found the class name 3, allowed: printable text",
    ),
    "test without labels": (
        {"test": IMAGES},
        r"test images: found ndarray, allowed: a pair \(images, labels\)",
    ),
    "test of another size": (
        {"test": (np.zeros((2, 8, 8, 3), np.uint8), [0, 1])},
        "all images must have one size",
    ),
    "test labels": ({"test": (IMAGES[:2], [0, 3])}, "labels of test images: found 0 to 3"),
    "trusted floats": ({"trusted": (IMAGES / 255, LABELS)}, "trusted images: found float64"),
    "too few ids": (
        {"row_ids": ["a", "b"]},
        "row_ids: found 2, 2 of them different, allowed: 45 different ones",
    ),
    "an id twice": ({"row_ids": ["a"] * 45}, "row_ids: found 45, 1 of them different"),
}


@pytest.mark.parametrize("case", list(BAD_DATA))
def test_bad_arrays_are_refused_in_a_line(case: str) -> None:
    changes, sentence = BAD_DATA[case]
    refused(sentence, lambda: make_data(**changes))


BAD_FLAGGED = {
    "none at all": (None, "flagged: found None, the result of a detector without a rule"),
    "nothing": ([], "flagged holds no row"),
    "an empty mask": (np.zeros(45, bool), "flagged holds no row"),
    "a short mask": (np.ones(44, bool), r"found a mask of the shape \(44,\), allowed: \(45,\)"),
    "negative": ([-1], "flagged: found -1 to -1, allowed: 0 to 44"),
    "out of range": ([0, 45], "flagged: found 0 to 45, allowed: 0 to 44"),
    "floats": ([0.0, 1.0], r"flagged: found float64 of the shape \(2,\), allowed: positions or a mask"),
    "texts": (["train/0"], "flagged: found <U7"),
    "one number": (3, r"flagged: found int64 of the shape \(\)"),
    "all": (np.arange(45), "flagged holds all 45 training rows"),
    "a mask of numbers": (LABELS // 2, "numbers that are all 0 or 1; a mask must be of booleans"),
    "uneven": ([[1], [1, 2]], "flagged: found list of uneven parts"),
    "scores": (unpoison.Scores(np.zeros(45), np.zeros(0)), "flagged: found Scores, allowed: its .flagged"),
}


@pytest.mark.parametrize("case", list(BAD_FLAGGED))
def test_bad_flagged_rows_are_refused_in_a_line(case: str, model: Any, data: unpoison.Data) -> None:
    flagged, sentence = BAD_FLAGGED[case]
    refused(sentence, lambda: unpoison.repair(model, data, flagged))


def test_flagged_rows_may_be_a_list_an_array_a_mask_a_series_or_a_tensor(
    model: Any, data: unpoison.Data
) -> None:
    mask = np.isin(np.arange(45), [3, 5])
    every = [
        [3, 5],
        [5, 3],
        np.array([3, 5], np.uint8),
        mask,
        pd.Series(mask),
        torch.from_numpy(mask),
        mask.tolist(),
    ]
    found = [weights(unpoison.repair(model, data, flagged, "finetune")[0]) for flagged in every]
    assert all(equal(found[0], other) for other in found[1:])


BAD_CALLS: dict[str, tuple[str, Callable[[Any, unpoison.Data], object]]] = {
    "unknown method": (
        "unknown unlearning method 'scurb'; choose from",
        lambda m, d: unpoison.repair(m, d, [0], "scurb"),
    ),
    "no name": ("unlearning method: found int, allowed: a name", lambda m, d: unpoison.repair(m, d, [0], 3)),
    "unknown option": (
        "unknown option in salun: 'shere'; choose from",
        lambda m, d: unpoison.repair(m, d, [0], "salun", shere=1),
    ),
    "out of range": (
        "salun.share: found 2, allowed: a number above 0, to 1",
        lambda m, d: unpoison.repair(m, d, [0], "salun", share=2),
    ),
    "NaN": (
        "scrub.temperature: found nan, allowed: a number above 0",
        lambda m, d: unpoison.repair(m, d, [0], "scrub", temperature=float("nan")),
    ),
    "infinite": (
        "allowed: a number above 0",
        lambda m, d: unpoison.repair(m, d, [0], "scrub", temperature=np.float32("inf")),
    ),
    "another type": (
        "finetune.length: found 'all', allowed",
        lambda m, d: unpoison.repair(m, d, [0], "finetune", length="all"),
    ),
    "bad seed": ("seed: found 0.5, allowed: an integer", lambda m, d: unpoison.repair(m, d, [0], seed=0.5)),
    "bad device": (
        "device: found 'gpu', allowed: auto, cpu, cuda",
        lambda m, d: unpoison.repair(m, d, [0], device="gpu"),
    ),
    "a device": ("device: found device", lambda m, d: unpoison.score(m, d, "loss", device=CPU)),
    "bad precision": (
        "precision: found 'float16', allowed: auto,",
        lambda m, d: unpoison.measure(m, d, precision="float16"),
    ),
    "trusted rows": (
        "the method anp works on trusted images, and the data has none",
        lambda m, d: unpoison.repair(m, d, [], "anp"),
    ),
    "trusted for scores": (
        "the detector strip works on trusted images",
        lambda m, d: unpoison.score(m, d, "strip"),
    ),
    "triggered examples": (
        "needs images that carry the trigger",
        lambda m, d: unpoison.score(m, d, "influence"),
    ),
    "none to stamp": (
        "3 triggered examples are asked for; 0 validation rows",
        lambda m, d: unpoison.score(m, d, "influence", triggered_examples=3),
    ),
    "needless examples": (
        "the detector loss looks at none",
        lambda m, d: unpoison.score(m, d, "loss", triggered_examples=3),
    ),
    "examples": (
        "triggered_examples: found -1",
        lambda m, d: unpoison.score(m, d, "influence", triggered_examples=-1),
    ),
    "one of two": (
        "ssd: found selection: 3 and share: 0.1, allowed: one of selection, share",
        lambda m, d: unpoison.repair(m, d, [0], "ssd", selection=3, share=0.1),
    ),
    "unknown detector": ("unknown detector 'los'; choose from", lambda m, d: unpoison.score(m, d, "los")),
    "unknown model": ("unknown model 'resnet'; choose from", lambda m, d: unpoison.train(d, "resnet")),
    "model option": (
        "resnet9.width: found 0, allowed: an integer above 0",
        lambda m, d: unpoison.train(d, width=0),
    ),
    "unknown recipe": (
        "unknown recipe 'slow'; choose from fast, published",
        lambda m, d: unpoison.train(d, recipe="slow"),
    ),
    "recipe key": (
        "unknown key of a recipe 'lr'; choose from",
        lambda m, d: unpoison.train(d, recipe={"lr": 1}),
    ),
    "recipe without": (
        "recipe: batch_size is missing; it takes an integer from 2 on",
        lambda m, d: unpoison.train(d, recipe={"learning_rate": 1, "epochs": 1}),
    ),
    "recipe value": (
        "recipe.learning_rate: found -1, allowed: a number above 0",
        lambda m, d: unpoison.train(d, recipe={**RECIPE, "learning_rate": -1}),
    ),
    "recipe length": (
        "a recipe takes either epochs or iterations",
        lambda m, d: unpoison.train(d, recipe={**RECIPE, "iterations": 3}),
    ),
    "no recipe": ("recipe: found int, allowed: a name", lambda m, d: unpoison.repair(m, d, [0], recipe=3)),
    "mean": ("mean: found 0.5, allowed: three numbers", lambda m, d: unpoison.train(d, mean=0.5)),
    "deviation": (
        "deviation: found .*, allowed: three numbers above 0",
        lambda m, d: unpoison.train(d, deviation=(0, 1, 1)),
    ),
    "network size": (
        "image_size of the network: found '32'",
        lambda m, d: unpoison.train(d, image_size="32"),
    ),
    "too small": (
        "the network fails on an image of 4 x 4 pixels",
        lambda m, d: unpoison.train(d, width=2, image_size=4),
    ),
    "features": (
        "features: found 'head', allowed: a layer of .*",
        lambda m, d: unpoison.train(d, width=2, features="head"),
    ),
    "no data": ("data: found ndarray, allowed: unpoison.Data", lambda m, d: unpoison.train(d.images)),
    "no model": ("model: found str, allowed: a model from train,", lambda m, d: unpoison.measure("model", d)),
    "a bare module": ("model: found Net, .* wrap it by wrap_model", lambda m, d: unpoison.measure(Net(), d)),
    "no cost": (
        "cost: found tuple, allowed: the cost that repair gives",
        lambda m, d: unpoison.measure(m, d, cost=(1, 2)),
    ),
    "other classes": (
        "the model's classes are cat, dog, ship, and those of the data ship, dog, cat",
        lambda m, d: unpoison.measure(m, make_data(class_names=("ship", "dog", "cat"))),
    ),
    "too few logits": (
        r"logits of the shape \(1, 2\), allowed: \(1, 3\), one for each class",
        lambda m, d: unpoison.score(wrapped(module=Net(2)), d, "loss"),
    ),
    "no new": (
        "this needs an untrained network, .* give wrap_model",
        lambda m, d: unpoison.repair(wrapped(), d, [0], "rem"),
    ),
    "no new for scores": (
        "needs an untrained network",
        lambda m, d: unpoison.score(wrapped(), d, "loss", early=True),
    ),
    "attack": ("unknown poison 'pach'; choose from", lambda m, d: unpoison.poison(d, "pach")),
    "attack option": ("patch.target is missing; it takes", lambda m, d: unpoison.poison(d, "patch")),
    "attack range": (
        "patch.count: found 0, allowed",
        lambda m, d: unpoison.poison(d, "patch", target="dog", count=0),
    ),
    "attack class": (
        "unknown target class 'cow'",
        lambda m, d: unpoison.poison(d, "patch", target="cow", count=3),
    ),
    "attack count": ("46 .*45", lambda m, d: unpoison.poison(d, "patch", target="dog", count=46)),
    "attack stamp": (
        "stamp: found 'late', allowed",
        lambda m, d: unpoison.poison(d, "patch", target="dog", count=3, stamp="late"),
    ),
    "attack twice": (
        "have an attack planted already",
        lambda m, d: unpoison.poison(poisoned_data(), "label_noise", count=3),
    ),
    "nothing planted": ("the attack as_found plants nothing", lambda m, d: unpoison.poison(d, "as_found")),
    "no surrogate": (
        "clean_label needs a network of the attacker.* give surrogate",
        lambda m, d: unpoison.poison(d, "clean_label", target="dog", count=3),
    ),
    "needless surrogate": (
        "patch needs no surrogate",
        lambda m, d: unpoison.poison(d, "patch", target="dog", count=3, surrogate=m),
    ),
    "parts": (
        r'several.parts: found \["patch"\]|several.parts: found .*, allowed: a list of \{"poison"',
        lambda m, d: unpoison.poison(d, "several", parts=["patch", "blend"]),
    ),
    "a part": (
        "patch.size: found 0",
        lambda m, d: unpoison.poison(
            d, "several", parts=[{"poison": "patch", "options": {"target": "dog", "size": 0}}] * 2
        ),
    ),
}


@pytest.mark.parametrize("case", list(BAD_CALLS))
def test_a_bad_argument_is_refused_in_a_line(case: str, model: Any, data: unpoison.Data) -> None:
    sentence, call = BAD_CALLS[case]
    refused(sentence, lambda: call(model, data))


@pytest.mark.parametrize("method", ["retrain", "finetune"])
def test_the_head_alone_is_trained_by_a_recipe_with_muon(method: str, data: unpoison.Data) -> None:
    """The last layer has no filters and no batch norm; the recipe is still accepted."""
    recipe = {**RECIPE, "filter_rate": 0.6}
    trained = unpoison.train(data, width=2, recipe=recipe)
    _, cost = unpoison.repair(trained, data, [0], method, last=1)
    assert cost.weights_changed is not None
    assert 0 < cost.weights_changed < 0.5


def test_a_refused_repair_sends_no_more_than_one_image_through_the_network(data: unpoison.Data) -> None:
    """REM needs an untrained network only in its second stage; it must ask for it before the first."""
    own = Net()
    copied = deepcopy(own)
    seen = SimpleNamespace(images=0)
    own.register_forward_hook(
        lambda module, inputs, output: setattr(seen, "images", seen.images + len(inputs[0]))
    )
    model = unpoison.wrap_model(own, tiny.CLASS_NAMES, recipe=RECIPE)
    refused("needs an untrained network", lambda: unpoison.repair(model, data, [0], "rem"))
    assert seen.images <= 1
    assert equal(weights(own), weights(copied))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(value: float, data: unpoison.Data) -> None:
    own = Net()
    own.head.weight.data[0, 0] = value
    model = wrapped(module=own)
    for call in (lambda: unpoison.measure(model, data), lambda: unpoison.repair(model, data, [0])):
        refused("the model's weights network.head.weight hold values that are not finite", call)


def pretrained() -> Net:
    """Return a network with the same weights for every seed, which is invalid as an untrained network."""
    net = Net()
    for parameter in net.parameters():
        parameter.data.fill_(0.1)
    return net


KEPT = Net()
BAD_MODELS = {
    "no module": ({"module": "resnet"}, "wrap_model takes a torch.nn.Module of your own; found str"),
    "no weights": ({"module": nn.Flatten()}, "Flatten has no weights that can be trained"),
    "names": ({"class_names": "abc"}, "class_names: found 'abc'"),
    "one name": ({"class_names": ["a"]}, r"class_names: found \['a'\], allowed: two names or more"),
    "features": (
        {"features": "fc"},
        "features: found 'fc', allowed: a layer of Net, whose linear layers are head",
    ),
    "new is none": ({"new": lambda: 3}, "new.. gives int, allowed: an untrained torch.nn.Module"),
    "new fails": ({"new": lambda: 1 / 0}, "new.. fails: ZeroDivisionError"),
    "new of another kind": ({"new": lambda: Net(5)}, "new.. gives a network of other weights than Net has"),
    "new is one": ({"new": lambda: KEPT}, "new.. gives the same network each time"),
    "new is the model": (
        {"module": KEPT, "new": lambda: deepcopy(KEPT)},
        "gives the weights of the wrapped network itself",
    ),
    "recipe": ({"recipe": {"lr": 1}}, "unknown key of a recipe 'lr'"),
}


@pytest.mark.parametrize("case", list(BAD_MODELS))
def test_what_is_no_network_is_refused_in_a_line(case: str) -> None:
    changes, sentence = BAD_MODELS[case]
    refused(sentence, lambda: wrapped(**changes))


def test_a_new_network_that_no_seed_changes_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="the same weights for every seed"):
        wrapped(new=pretrained)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrapped(new=Net)


def test_the_parts_of_several_attacks_are_planted(data: unpoison.Data) -> None:
    parts = [
        {"poison": "label_noise", "options": {"count": 4}},
        {"poison": "patch", "options": {"target": "dog", "count": 5}},
    ]
    planted = unpoison.poison(data, "several", parts=parts)
    assert planted.rows.is_poisoned.sum() == 9


def test_data_taken_for_clean_have_a_known_truth_and_no_attack(data: unpoison.Data, model: Any) -> None:
    clean = unpoison.poison(data, "unpoisoned")
    train = clean.rows.of("train")
    assert train.is_poisoned is not None
    assert not train.is_poisoned.any()
    assert train.label.tolist() == train.given_label.tolist()
    assert not clean.is_planted
    measured = set(unpoison.measure(model, clean)["metric"])
    assert "retained_accuracy" in measured
    assert not {"adversarial_accuracy", "attack_success_rate", "corrected_accuracy"} & measured
    assert unpoison.poison(clean, "patch", target="dog", count=3).rows.is_poisoned.sum() == 3


def test_an_attack_is_made_against_a_surrogate_that_stays_as_it_is(data: unpoison.Data, model: Any) -> None:
    before = weights(model)
    planted = unpoison.poison(data, "clean_label", target="dog", count=3, steps=2, surrogate=model)
    changed = (planted.images != data.images).any((1, 2, 3))
    np.testing.assert_array_equal(changed[: len(data)], planted.rows.of("train").is_poisoned)
    assert equal(weights(model), before)


def test_an_attacks_plan_refuses_before_a_row_is_drawn(
    data: unpoison.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(there: dict[str, int], image_size: int, **options: object) -> int:
        raise unpoison.UserError(f"{sum(there.values())} rows of {image_size} pixels")

    def drawn(*_: object, **__: object) -> None:
        pytest.fail("rows were drawn")

    module = unpoison.POISONS.module("patch")
    monkeypatch.setattr(module, "plan", plan)
    monkeypatch.setattr(module, "poison", drawn)
    refused("45 rows of 16 pixels", lambda: unpoison.poison(data, "patch", target="dog"))


def test_numbers_of_numpy_and_tuples_are_options_like_those_of_python(data: unpoison.Data) -> None:
    recipe = {**RECIPE, "batch_size": np.int64(16), "learning_rate": np.float32(0.05)}
    planted = unpoison.poison(
        data, "patch", target="dog", count=np.int64(3), victims=("cat", "ship"), seed=np.int64(1)
    )
    assert planted.rows.is_poisoned.sum() == 3
    unpoison.train(data, width=np.int64(2), recipe=recipe, mean=np.full(3, 0.5), image_size=np.int64(16))


# -- data from files ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Class folders `photos/<class>` and `held_out/<class>`, 16 pixels wide."""
    for name, count in (("photos", 4), ("held_out", 2)):
        labels = np.repeat(np.arange(3), count)
        for place, (label, pixels) in enumerate(
            zip(labels, tiny.draw_squares(np.roll(labels, count))[:, ::1], strict=True)
        ):
            path = tmp_path / name / tiny.CLASS_NAMES[label] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return tmp_path


def test_class_folders_are_loaded_as_found(folder: Path) -> None:
    held_out = folder / "held_out"
    loaded = unpoison.load_data(folder / "photos", image_size=16, test=str(held_out))
    assert repr(loaded) == "Data(12 train, 6 test rows, 16 x 16 pixels, 3 classes)"
    assert loaded.rows.is_poisoned is None
    train, test = loaded.rows.of("train"), loaded.rows.of("test")
    assert (train.label == -1).all()
    assert train.given_label.tolist() == np.repeat(np.arange(3), 4).tolist()
    np.testing.assert_array_equal(test.label, test.given_label)


def test_trusted_folders_are_what_repairs_by_trusted_rows_are_given(folder: Path) -> None:
    loaded = unpoison.load_data(folder / "photos", image_size=16, trusted=folder / "held_out")
    assert (loaded.rows.split == "validation").sum() == 6
    model = unpoison.train(loaded, width=2, recipe=RECIPE)
    unpoison.repair(model, loaded, [], "fine_pruning", epochs=1)
    refused(
        "repairs by trusted images alone, give", lambda: unpoison.repair(model, loaded, [0], "fine_pruning")
    )


def test_loaded_data_are_trained_to_the_weights_of_a_study_as_found(folder: Path) -> None:
    """The expected rows come from `prepare_source`, `choose_rows` and the poison `as_found`."""
    (folder / "photos").rename(folder / "train")
    (folder / "held_out").rename(folder / "test")
    images, listed = load_source("image_folder", folder, 16, {})
    rows = choose_rows(listed, seed=0)
    rows = apply(POISONS["as_found"](rows.of("train"), 0, 16), rows)
    study = unpoison.Data.of_rows(images, rows)
    architecture = Architecture("resnet9", {"width": 2}, study.class_names, 16)
    of_job, _ = train_model(study, architecture, unpoison.Recipe(**RECIPE), Setting(0, CPU))
    loaded = unpoison.load_data(folder, image_size=16)
    assert equal(weights(of_job), weights(unpoison.train(loaded, width=2, recipe=RECIPE)))


def test_what_is_left_out_is_warned_of(folder: Path) -> None:
    (folder / "photos/cat/notes.txt").write_text("x")
    with pytest.warns(UserWarning, match=r"files that are not read, by their endings: \.txt \(1\)") as caught:
        unpoison.load_data(folder / "photos", image_size=16)
    assert caught[0].filename != unpoison.loading.__file__


def test_a_csv_list_and_a_parquet_list_are_loaded(folder: Path) -> None:
    files = sorted((folder / "photos").rglob("*.png"))
    table = pd.DataFrame(
        {"path": [str(file.relative_to(folder)) for file in files], "label": [f.parent.name for f in files]}
    )
    table.to_csv(folder / "list.csv", index=False)
    table.to_parquet(folder / "list.parquet")
    loaded = [unpoison.load_data(folder / name, image_size=16) for name in ("list.csv", "list.parquet")]
    assert loaded[0].rows.row_id.tolist() == loaded[1].rows.row_id.tolist() == sorted(table.path)


def test_a_parquet_list_with_notes_beside_the_paths_is_a_list(folder: Path) -> None:
    files = sorted((folder / "photos").rglob("*.png"))
    table = pd.DataFrame({"path": [str(file.relative_to(folder)) for file in files]})
    table = table.assign(label=[file.parent.name for file in files], camera=[{"maker": "x"}] * len(files))
    table.to_parquet(folder / "list.parquet")
    assert len(unpoison.load_data(folder / "list.parquet", image_size=16)) == len(files)


def test_parquet_files_with_images_are_loaded_by_a_glob(folder: Path) -> None:
    files = sorted((folder / "photos").rglob("*.png"))
    images = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    table = pd.DataFrame({"image": images, "label": [file.parent.name for file in files]})
    for part in (0, 1):
        table[part::2].to_parquet(folder / f"part-{part}.parquet")
    assert len(unpoison.load_data(str(folder / "part-*.parquet"), image_size=16)) == 12


def test_listed_poisons_and_triggered_images_are_told_by_the_user(folder: Path, model: Any) -> None:
    (folder / "poisons.csv").write_text("row_id\ncat/0.png\n")
    loaded = unpoison.load_data(
        folder / "photos",
        image_size=16,
        triggered=folder / "held_out",
        target="dog",
        truth=folder / "poisons.csv",
    )
    assert loaded.rows.of("train").is_poisoned.sum() == 1
    assert {"attack_success_rate", "adversarial_accuracy"} <= set(unpoison.measure(model, loaded).metric)


@pytest.mark.parametrize(
    ("path", "options", "sentence"),
    [
        ("nowhere", {}, "no such folder, file or glob: .*nowhere"),
        ("none-*.parquet", {}, r"no such folder, file or glob: .*none-\*.parquet"),
        ("photos/cat/0.png", {}, "allowed: a folder, Parquet files"),
        ("photos", {"image_size": 8}, "image_size: found 8, allowed: an integer from 16 to 512"),
        ("photos", {"image_size": 16.0}, "image_size: found 16.0"),
        ("photos", {"tests": "held_out"}, "unknown option in class_folders: 'tests'; choose from"),
        ("photos", {"test": 3}, "test: found int, allowed: a path"),
        ("photos", {"test": "nowhere"}, "no such folder: nowhere"),
        ("photos/cat", {}, "is an image outside of a class folder"),
        ("photos", {"truth": "nowhere.csv"}, "nowhere.csv is no file"),
    ],
)
def test_bad_paths_are_refused_in_a_line(
    folder: Path, path: str, options: dict[str, Any], sentence: str
) -> None:
    refused(sentence, lambda: unpoison.load_data(folder / path, **options))


def test_a_test_folder_is_named_once(folder: Path) -> None:
    (folder / "photos").rename(folder / "train")
    loaded = unpoison.load_data(folder, image_size=16, test=folder / "held_out")
    assert (loaded.rows.split == "test").sum() == 6
    (folder / "test").mkdir()
    refused("holds a folder test/ too", lambda: unpoison.load_data(folder, test=folder / "held_out"))


def test_data_sets_of_torchvision_are_taken_as_pil_images(folder: Path) -> None:
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import ToTensor

    taken = unpoison.Data.from_torchvision(
        ImageFolder(folder / "photos"), test=ImageFolder(folder / "held_out")
    )
    assert repr(taken) == "Data(12 train, 6 test rows, 16 x 16 pixels, 3 classes)"
    tensors = ImageFolder(folder / "photos", transform=ToTensor())
    refused("must give PIL images; found Tensor", lambda: unpoison.Data.from_torchvision(tensors))
    refused("is empty", lambda: unpoison.Data.from_torchvision([]))


# -- the package from outside ------------------------------------------------------------------------


def test_importing_unpoison_imports_nothing_large() -> None:
    program = (
        "import sys, unpoison\n"
        "dir(unpoison), unpoison.__doc__\n"
        "large = {'torch', 'numpy', 'pandas', 'scipy', 'pyarrow', 'PIL', 'snakemake'} & set(sys.modules)\n"
        "assert not large, large\n"
        "assert 'show' not in dir(unpoison) and 'repair' in dir(unpoison)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    assert dir(unpoison) == sorted(unpoison.__all__)
    for name in unpoison.__all__:
        assert getattr(unpoison, name) is not None
        assert getattr(unpoison, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'repare'"):
        unpoison.repare  # noqa: B018


@pytest.mark.parametrize("name", ["METHODS", "DETECTORS", "POISONS", "MODELS", "METRICS", "PROBES"])
def test_a_registry_is_shown_as_a_table(name: str) -> None:
    registry = getattr(unpoison, name)
    head, *lines = repr(registry).splitlines()
    assert "what it is" in head
    assert [line.split()[0] for line in lines] == list(registry)
    assert "share=0.5" in repr(unpoison.METHODS)


def test_the_recipes_limits_are_those_of_the_config() -> None:
    from unpoison.recipes import LIMITS, recipe_of
    from unpoison.study.config import SCHEMA, validate

    schema = SCHEMA["properties"]["recipes"]["additionalProperties"]
    not_a_number = float("nan")
    good = {"learning_rate": 0.1, "batch_size": 8, "epochs": 1}
    assert set(schema["properties"]) == set(LIMITS)

    def is_taken(check: Callable[[], object]) -> bool:
        try:
            check()
        except unpoison.UserError:
            return False
        return True

    for key in LIMITS:
        for value in (-1, 0, 0.5, 1, 2, 64, 65, 1.5, True, False, "1", not_a_number):
            recipe = {**good, key: value}
            if key == "iterations":
                del recipe["epochs"]
            if value is not_a_number and key != "flip":  # configs refuse NaN before validation by the schema
                assert not is_taken(lambda recipe=recipe: recipe_of(recipe))
                continue
            of_config = is_taken(lambda recipe=recipe: validate(recipe, schema, ()))
            assert is_taken(lambda recipe=recipe: recipe_of(recipe)) == of_config, (key, value)
