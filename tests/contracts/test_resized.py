"""Methods, detectors and attacks on a network that enlarges images from 16 to 24 pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import planted
import pytest
import tiny
import torch
from test_any_network import FEW

from unpoison.contracts.request import Request
from unpoison.detectors import DETECTORS
from unpoison.networks import Architecture, Classifier, Preprocessing
from unpoison.poisons import POISONS
from unpoison.steps.repairing import run_method
from unpoison.steps.scoring import run_detector
from unpoison.unlearning import METHODS, needs

SIDE = 24
KIND = Architecture(
    "preact_resnet18", {"width": 2}, tiny.CLASS_NAMES, tiny.IMAGE_SIZE, Preprocessing(input_size=SIDE)
)
BY_IMAGE = ("ibau", "strip")  # these change the images themselves


def chosen(names: Any) -> list[Any]:
    return [
        pytest.param(name, marks=[] if name in BY_IMAGE else [pytest.mark.hard]) for name in sorted(names)
    ]


def seen_by(model: Classifier) -> list[tuple[int, ...]]:
    """Return a list that collects the image sizes that the network is given from now on."""
    sizes: list[tuple[int, ...]] = []
    model.network.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[2:])))
    return sizes


@pytest.mark.parametrize("method", chosen(METHODS))
def test_a_method_works_on_images_of_the_networks_size(
    method: str, make_request: Callable[..., Request]
) -> None:
    model = KIND.new(1).eval()
    request = make_request(range(8), model=model, new_model=KIND.new)
    found, _ = run_method(METHODS[method], request, FEW.get(method, {}), needs=needs(method))
    sizes = seen_by(found)
    assert torch.isfinite(
        found(torch.zeros((2, 3, tiny.IMAGE_SIZE, tiny.IMAGE_SIZE), dtype=torch.uint8))
    ).all()
    assert sizes == [(SIDE, SIDE)]


def test_the_pattern_of_ibau_has_the_size_of_the_network(
    make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, sizes = METHODS.module("ibau"), set()
    climb = module.climb

    def watched(model: Classifier, pattern: torch.Tensor, *batch: torch.Tensor) -> torch.Tensor:
        sizes.add(tuple(pattern.shape))
        return climb(model, pattern, *batch)

    monkeypatch.setattr(module, "climb", watched)
    request = make_request(range(8), model=KIND.new(1).eval(), new_model=KIND.new)
    run_method(METHODS["ibau"], request, FEW["ibau"], needs=needs("ibau"))
    assert sizes == {(1, 3, SIDE, SIDE)}


@pytest.mark.parametrize("detector", chosen(DETECTORS))
def test_a_detector_looks_at_images_of_the_networks_size(detector: str) -> None:
    model = KIND.new(1).eval()
    sizes = seen_by(model)
    case = planted.case(planted.rows_of("patch"), triggered=4, model=model, new_model=KIND.new)
    options = {"confident_learning": {"folds": 2, "length": 0.2}, "strip": {"overlays": 3}}.get(detector, {})
    scores, _ = run_detector(DETECTORS[detector], case.evidence, options)
    assert np.isfinite(scores.training).all()
    assert set(sizes) <= {(SIDE, SIDE)}


def test_clean_label_changes_images_of_their_own_size_by_gradients_through_the_resize() -> None:
    surrogate = KIND.new(1).eval()
    images = torch.from_numpy(tiny.draw_squares(np.arange(6) % 3)).permute(0, 3, 1, 2)
    labels = torch.arange(6) % 3
    moved = POISONS.module("clean_label").perturb(surrogate, images, labels, norm="linf", eps=16.0, steps=3)
    assert moved.shape == images.shape
    assert moved.dtype == torch.uint8
    change = (moved.int() - images.int()).abs()
    assert 1 <= change.max() <= 16
    assert (change.amax((1, 2, 3)) > 0).all(), "each image is changed"
    with torch.no_grad():
        before, after = (
            torch.nn.functional.cross_entropy(surrogate(part), labels) for part in (images, moved)
        )
    assert after > before, "up the surrogate's loss"
