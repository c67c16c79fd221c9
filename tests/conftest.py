"""Fixtures: a tiny source, a tiny poisoned data set for each poison, a tiny poisoned model, requests."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import settings
from tiny import build
from torch import nn
from wheels import installed_once

from unpoison.attacks import apply
from unpoison.contracts.request import Request
from unpoison.devices import compute_repeatably
from unpoison.examples import Examples, examples_of
from unpoison.poisons import POISONS, trigger_of
from unpoison.recipes import Recipe
from unpoison.registration import register
from unpoison.rows import Rows
from unpoison.training import train

settings.register_profile("tiny", max_examples=25, deadline=None, derandomize=True, database=None)
settings.load_profile("tiny")

if os.environ.get("UNPOISON_PLUGINS"):  # a user's plug-ins, tested by the same contracts as the shipped ones
    register(os.environ["UNPOISON_PLUGINS"])

# Programs that tests start import the code of this checkout, even from another checkout's environment.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = installed_once(tmp_path_factory).glob("*.whl")
    return built


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site folder that the wheel is installed in, for use as an import path."""
    return installed_once(tmp_path_factory) / "site"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Set up repeatable computation with one thread, as every job does first."""
    compute_repeatably(1)


@pytest.fixture(scope="session")
def stored() -> np.ndarray:
    """The image array of the tiny source, read-only as the memory map of a real source is."""
    images = tiny.draw_squares(tiny.source_rows().label)
    images.setflags(write=False)
    return images


@pytest.fixture
def clean() -> Rows:
    """The rows of the tiny data set before poisoning."""
    return tiny.chosen_rows()


@pytest.fixture(scope="session")
def poisoned_data() -> Callable[[str], SimpleNamespace]:
    """A poisoned data set by the name of its poison: rows, poisoning, stamp, options."""

    def make(name: str) -> SimpleNamespace:
        options, rows = tiny.options_of(name), tiny.chosen_rows()
        poisoning = POISONS[name](rows.of("train"), tiny.SEED, tiny.IMAGE_SIZE, **options)
        return SimpleNamespace(
            rows=apply(poisoning, rows), poisoning=poisoning, stamp=trigger_of(name, options), options=options
        )

    return make


@pytest.fixture(scope="session")
def patched(poisoned_data: Callable[[str], SimpleNamespace]) -> SimpleNamespace:
    return poisoned_data("patch")


@pytest.fixture(scope="session")
def examples(stored: np.ndarray, patched: SimpleNamespace) -> Callable[..., Examples]:
    """Examples of the chosen rows of the patched data set (all training rows)."""

    def make(rows: Rows | None = None, stamp_time: str = "after_augmentation") -> Examples:
        rows = patched.rows.of("train") if rows is None else rows
        return examples_of(stored, rows, patched.stamp, stamp_time, CPU)

    return make


def new_network(seed: int) -> nn.Module:
    return build("resnet9", len(tiny.CLASS_NAMES), {"width": 4}, seed)


@pytest.fixture(scope="session")
def new_model() -> Callable[[int], nn.Module]:
    """Untrained networks by their seed."""
    return new_network


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(learning_rate=0.05, batch_size=16, epochs=2, crop_padding=2)


@pytest.fixture(scope="session")
def trained(examples: Callable[..., Examples], recipe: Recipe) -> nn.Module:
    """The poisoned model; tests that want to change it take a copy."""
    model = new_network(seed=1)
    train(model, examples(), recipe, seed=1, precision="float32")
    return model.eval()


@pytest.fixture
def make_request(
    trained: nn.Module, examples: Callable[..., Examples], patched: SimpleNamespace, recipe: Recipe
) -> Callable[..., Request]:
    """A function from positions of training rows to the request to forget them."""

    def make(forget: Any, **changes: Any) -> Request:
        rows = patched.rows.of("train")
        chosen = np.isin(np.arange(len(rows)), forget)
        given = {
            "model": trained,
            "new_model": new_network,
            "retain": examples(rows.take(~chosen)),
            "forget": examples(rows.take(chosen)),
            "validation": examples(patched.rows.of("validation")),
            "recipe": recipe,
            "seed": 5,
            "precision": "float32",
        }
        return Request(**{**given, **changes})

    return make


LONGEST = ("test_you_were_poisoned.py", "test_scan_command.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, so that no worker is idle at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
