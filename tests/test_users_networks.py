"""Users' networks: compiled, lazy, with custom heads, in other data types. They are never changed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import tiny
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import unpoison
from unpoison.recipes import recipe_of
from unpoison.seeds import derive_seed

LABELS = np.arange(33) % 3
RECIPE = {"learning_rate": 0.05, "batch_size": 16, "epochs": 2, "crop_padding": 0, "flip": False}
MEAN, DEVIATION = (0.3, 0.5, 0.2), (0.2, 0.3, 0.4)


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """Disable the tests' type checks, as for users."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def data() -> unpoison.Data:
    pair = tiny.draw_squares(LABELS), LABELS
    return unpoison.Data(*pair, tiny.CLASS_NAMES, test=pair, trusted=pair)


def convolutional(head: nn.Module | None = None) -> nn.Sequential:
    body = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*body, head or nn.Linear(4, 3))


def with_vector_norm() -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(768, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
    )


def wrapped(module: nn.Module, **options: Any) -> Any:
    return unpoison.wrap_model(module, tiny.CLASS_NAMES, **options)


def refused(sentence: str, call: Callable[[], object]) -> None:
    with pytest.raises(unpoison.UserError, match=sentence):
        call()


class Merging(nn.Module):
    """Adds some of its weights to others in evaluation mode, as low-rank adapters do."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.added, self.is_merged = nn.Linear(3, 3), nn.Parameter(torch.ones(3, 3)), False

    def train(self, mode: bool = True) -> "Merging":
        super().train(mode)
        if self.is_merged is mode:
            self.head.weight.data.add_(self.added.data, alpha=-1 if mode else 1)
            self.is_merged = not mode
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = images.mean((2, 3))
        return self.head(pooled) + (0 if self.is_merged else pooled @ self.added.T)


class WithAuxiliaryHead(nn.Module):
    """Returns two outputs in training mode, as GoogLeNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.further = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> Any:
        pooled = images.mean((2, 3))
        return (self.head(pooled), self.further(pooled)) if self.training else self.head(pooled)


class WithLayers(nn.Module):
    """Has an unused layer, a layer whose input has rows second, and a head that is called by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.idle, self.inner, self.head = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.inner(images.flatten(2).permute(2, 0, 1))  # (pixels, n, channels)
        return self.head(input=tokens.mean(0))


def test_a_network_that_changes_its_weights_in_evaluation_mode_stays_as_it_is(data: unpoison.Data) -> None:
    own = Merging()
    before = own.head.weight.detach().clone()
    model = wrapped(own, new=Merging)
    unpoison.measure(model, data)
    unpoison.repair(model, data, [0], "finetune", recipe=RECIPE)
    assert torch.equal(own.head.weight, before)
    assert own.training
    assert not model.training


def test_the_network_inside_a_compiled_one_is_looked_at(data: unpoison.Data) -> None:
    torch.manual_seed(0)
    own = convolutional()
    compiled = torch.compile(own, backend="eager")
    model = wrapped(compiled, new=lambda: torch.compile(convolutional(), backend="eager"))
    assert model.network is own
    plain = unpoison.score(wrapped(own), data, "spectral_signatures")
    assert np.array_equal(unpoison.score(model, data, "spectral_signatures").values, plain.values)
    repaired, _ = unpoison.repair(model, data, [0], "retrain", recipe=RECIPE)
    assert repaired.network.state_dict().keys() == own.state_dict().keys()


def test_lazy_layers_are_refused_in_a_line() -> None:
    refused("lazy layers", lambda: wrapped(convolutional(nn.LazyLinear(3))))
    refused("new.. gives lazy", lambda: wrapped(convolutional(), new=lambda: convolutional(nn.LazyLinear(3))))


def test_weights_of_another_type_than_float32_are_named(data: unpoison.Data) -> None:
    refused(
        "weights are float16, which module.float",
        lambda: unpoison.measure(wrapped(convolutional().half()), data),
    )


def test_probabilities_are_no_logits(data: unpoison.Data) -> None:
    model = wrapped(nn.Sequential(convolutional(), nn.Softmax(1)))
    refused("gives probabilities, allowed: logits", lambda: unpoison.measure(model, data))


def test_outputs_of_training_mode_that_are_no_logits_are_refused_in_a_line(data: unpoison.Data) -> None:
    model = wrapped(WithAuxiliaryHead(), new=WithAuxiliaryHead)
    assert len(unpoison.measure(model, data))
    refused(
        "gives tuple in training mode", lambda: unpoison.repair(model, data, [0], "finetune", recipe=RECIPE)
    )


def test_a_batch_norm_of_vectors_that_meets_a_single_row_is_refused_in_a_line(data: unpoison.Data) -> None:
    model = wrapped(with_vector_norm(), new=with_vector_norm)
    unpoison.repair(model, data, [0], "retrain", recipe=RECIPE)  # 32 rows are two batches of 16
    recipe = {**RECIPE, "batch_size": 31}
    refused(
        "on a batch of one row .*choose a batch_size",
        lambda: unpoison.repair(model, data, [0], "retrain", recipe=recipe),
    )


def test_a_single_row_to_forget_is_told_to_pass_in_evaluation_mode(data: unpoison.Data) -> None:
    model = wrapped(with_vector_norm(), new=with_vector_norm)
    refused(
        "on a batch of one row .*batch_norm: eval",
        lambda: unpoison.repair(model, data, [0], "salun", recipe=RECIPE),
    )
    unpoison.repair(model, data, [0], "salun", recipe=RECIPE, batch_norm="eval")


def test_batch_norms_without_a_scale_have_no_neurons_to_prune(data: unpoison.Data) -> None:
    bare = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4, affine=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    refused("batch norms with a scale", lambda: unpoison.repair(wrapped(bare), data, [], "anp", steps=1))


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ("idle", "features: the layer does not run"),
        ("inner", r"for 1 images the layer gets \(256, 1, 3\), allowed: a tensor \(1, channels, ...\)"),
        ("head", "given its input by keyword"),
    ],
)
def test_a_layer_that_is_given_no_features_is_refused_in_a_line(
    data: unpoison.Data, features: str, sentence: str
) -> None:
    model = wrapped(WithLayers(), features=features)
    refused(sentence, lambda: unpoison.score(model, data, "spectral_signatures"))
    refused(sentence, lambda: unpoison.repair(model, data, [], "fine_pruning"))


def test_pruning_refuses_a_last_layer_whose_zeros_would_not_last(data: unpoison.Data) -> None:
    model = wrapped(convolutional(weight_norm(nn.Linear(4, 3))))
    refused("last layer of plain weights", lambda: unpoison.repair(model, data, [], "fine_pruning"))


def test_a_scripted_network_is_measured_and_refused_by_ibau(data: unpoison.Data) -> None:
    model = wrapped(torch.jit.script(convolutional()))
    assert len(unpoison.measure(model, data))
    refused("scripted", lambda: unpoison.repair(model, data, [], "ibau"))


def test_methods_run_where_gradients_are_switched_off(data: unpoison.Data) -> None:
    model = wrapped(convolutional())
    expected, _ = unpoison.repair(model, data, [0], "finetune", recipe=RECIPE)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            found, _ = unpoison.repair(model, data, [0], "finetune", recipe=RECIPE)
            assert not torch.is_grad_enabled()
        pairs = zip(found.parameters(), expected.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_images_of_one_pixel_are_scored_by_their_frequencies() -> None:
    images = np.arange(36, dtype=np.uint8).reshape(12, 1, 1, 3)
    pixels = unpoison.Data(images, np.arange(12) % 2, trusted=(images, np.arange(12) % 2))
    own = nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
    model = unpoison.wrap_model(own, ["0", "1"])
    scores = unpoison.score(model, pixels, "frequency", classifier="logistic")
    assert np.isfinite(scores.values).all()


def test_retraining_takes_the_steps_of_a_plain_loop(data: unpoison.Data) -> None:
    model = wrapped(convolutional(), new=convolutional, mean=MEAN, deviation=DEVIATION)
    repaired, _ = unpoison.repair(model, data, [2, 3], "retrain", recipe=RECIPE, seed=5, precision="float32")
    kept, recipe, seed = np.delete(np.arange(33), [2, 3]), recipe_of(RECIPE), derive_seed("unlearn", 5)
    pixels = torch.from_numpy(data.images[:33][kept]).permute(0, 3, 1, 2) / 255
    images = (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
    torch.manual_seed(seed)
    net, labels = convolutional(), torch.from_numpy(LABELS[kept])
    optimizer = torch.optim.SGD(net.parameters(), lr=1, momentum=0.9, weight_decay=5e-4)
    generator = torch.Generator().manual_seed(derive_seed("batches", seed))
    for step in range(4):
        if step % 2 == 0:
            batches = iter(torch.randperm(31, generator=generator).split(16))
        chosen = next(batches)
        for _ in ("tops", "lefts"):  # the draws of the crop, all 0
            torch.randint(1, (len(chosen),), generator=generator)
        optimizer.param_groups[0]["lr"] = recipe.rate(step, 4)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    for found, expected in zip(repaired.network.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_no_call_seeds_the_generators_of_gpus(data: unpoison.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seeded = wrapped(convolutional()), []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    unpoison.train(data, width=2, recipe=RECIPE)
    unpoison.repair(model, data, [0], "finetune", recipe=RECIPE)
    assert not seeded
    torch.manual_seed(0)
    assert seeded == [0]


def test_muon_trains_no_network_of_an_unknown_recipe(data: unpoison.Data) -> None:
    """Muon sets the norm of filters. This changes the outputs if a filter has no batch norm behind it."""
    body = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    net = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    model = unpoison.wrap_model(net, tiny.CLASS_NAMES)
    repaired, _ = unpoison.repair(model, data, [0], "finetune", learning_rate=1e-9)
    for found, before in zip(repaired.network.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(found, before)


def test_what_is_no_model_or_path_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(unpoison.UserError, match="model: found Linear, allowed"):
        unpoison.save_model(tmp_path / "m.safetensors", nn.Linear(2, 2))
    with pytest.raises(unpoison.UserError, match="load_model takes the path of a folder or file; found int"):
        unpoison.load_model(3)
