"""Every method and detector on networks that are not ResNet-9: a PreAct-ResNet, a WideResNet and a ViT."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import planted
import pytest
import tiny
import torch

from unpoison.contracts.request import Request
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.networks import Classifier
from unpoison.steps.repairing import run_method
from unpoison.steps.scoring import run_detector
from unpoison.unlearning import METHODS, needs

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "preact_resnet18": ("preact_resnet18", {"width": 2}),
    "wide_resnet": ("wide_resnet", {"depth": 10, "width": 1}),
    "vit": ("timm", {"name": "test_vit", "patch_size": 8}),
}
REFUSED = {  # (method, network) pairs that are refused, with words of the error
    ("anp", "vit"): "batch norm",
}
FEW = {
    "anp": {"steps": 2, "batch_size": 8},
    "fine_pruning": {"epochs": 1},
    "gradient_ascent": {"epochs": 1},
    "ibau": {"rounds": 1, "fixed_point_steps": 1},
    "influence": {"iterations": 2, "sample": 20},
    "potion": {"tries": 2},
    "rem": {"removal_passes": 2},
    "task_vector": {"epochs": 1},
}


def pairs(names: list[str]) -> list[Any]:
    """Return all pairs of name and network; `make test` runs one for each name, `make test-hard` all."""
    return [
        pytest.param(name, network, marks=[] if number % len(NETWORKS) == place else [pytest.mark.hard])
        for number, name in enumerate(sorted(names))
        for place, network in enumerate(NETWORKS)
    ]


def new_network(network: str) -> Callable[[int], Classifier]:
    name, options = NETWORKS[network]
    return lambda seed: tiny.build(name, len(tiny.CLASS_NAMES), options, seed)


@pytest.mark.parametrize(("method", "network"), pairs(list(METHODS)))
def test_a_method_runs_on_any_network_or_says_in_a_line_why_not(
    method: str, network: str, make_request: Callable[..., Request]
) -> None:
    new = new_network(network)
    model = new(1).eval()
    before = deepcopy(model.state_dict())
    request = make_request(range(8), model=model, new_model=new)
    options = FEW.get(method, {})
    if reason := REFUSED.get((method, network)):
        with pytest.raises(UserError, match=reason):
            run_method(METHODS[method], request, options, needs=needs(method))
        return
    found, cost = run_method(METHODS[method], request, options, needs=needs(method))
    images = torch.zeros((2, 3, tiny.IMAGE_SIZE, tiny.IMAGE_SIZE), dtype=torch.uint8)
    assert torch.isfinite(found(images)).all()
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())
    assert cost.image_passes + cost.forward_passes > 0 or method == "do_nothing"


@pytest.mark.parametrize(("detector", "network"), pairs(list(DETECTORS)))
def test_a_detector_looks_at_any_network(detector: str, network: str) -> None:
    new = new_network(network)
    rows = planted.rows_of("patch")
    case = planted.case(rows, triggered=4, model=new(1).eval(), new_model=new)
    options = {"confident_learning": {"folds": 2, "length": 0.2}, "strip": {"overlays": 3}}.get(detector, {})
    scores, _ = run_detector(DETECTORS[detector], case.evidence, options)
    assert scores.training.shape == (len(case.train),)
    assert np.isfinite(scores.training).all()
