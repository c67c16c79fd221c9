"""Fast settings reach the accuracy of slow ones: bfloat16 against float32, one thread against two."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tiny
import torch
from tiny import build

from unpoison.devices import compute_repeatably
from unpoison.examples import Examples
from unpoison.pixels import Pixels
from unpoison.recipes import Recipe
from unpoison.training import accuracy, train

TOLERANCE = 0.03  # of accuracy on 300 test images; at 0.9 the binomial standard deviation is 0.017
RECIPE = Recipe(learning_rate=0.01, batch_size=32, epochs=8, warmup=0.2, decay_span=1.0)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Examples]:
    """Squares of three colours with 10 % wrong labels: 600 for training and 300 for testing."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 900)
    images = torch.from_numpy(tiny.draw_squares(labels)).permute(0, 3, 1, 2)
    given = torch.from_numpy(np.where(rng.random(900) < 0.1, (labels + 1) % 3, labels))
    none = torch.full((900,), -1)
    return {
        name: Examples(Pixels(images[part], none[part], lambda batch, _: batch), given[part])
        for name, part in (("train", slice(600)), ("test", slice(600, 900)))
    }


@pytest.fixture(scope="module")
def accuracy_of(drawn: dict[str, Examples]) -> Callable[..., float]:
    """A function that returns the test accuracy of a network trained with the given settings."""

    def measure(*, precision: str = "float32") -> float:
        model = build("resnet9", 3, {"width": 8}, seed=0)
        train(model, drawn["train"], RECIPE, 0, precision=precision)
        return accuracy(model, drawn["test"], precision)

    return measure


@pytest.fixture(scope="module")
def slow(accuracy_of: Callable[..., float]) -> float:
    """The test accuracy that one thread reaches in float32."""
    found = accuracy_of()
    assert found > 0.8
    return found


@pytest.fixture
def two_threads() -> Iterator[None]:
    compute_repeatably(2)
    yield
    compute_repeatably(1)


def test_bfloat16_reaches_the_accuracy_of_float32(slow: float, accuracy_of: Callable[..., float]) -> None:
    assert accuracy_of(precision="bfloat16") == pytest.approx(slow, abs=TOLERANCE)


@pytest.mark.usefixtures("two_threads")
def test_two_threads_reach_the_accuracy_of_one(slow: float, accuracy_of: Callable[..., float]) -> None:
    assert accuracy_of() == pytest.approx(slow, abs=TOLERANCE)
