"""A training step never waits for the GPU: tested on the meta device, whose tensors have no values.

Every read of a value, copy and mask that would wait for a GPU passes the dispatcher, where `Waits` counts it.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CLASS_NAMES, POISON_OPTIONS
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from unpoison import training
from unpoison.contracts.evidence import Evidence
from unpoison.contracts.request import Request
from unpoison.detectors.loss import early_network
from unpoison.errors import UserError
from unpoison.examples import Examples, examples_of
from unpoison.optimisers import SGD
from unpoison.pixels import Pixels, Stamp
from unpoison.recipes import Recipe
from unpoison.steps.repairing import run_method
from unpoison.training import check_losses, take_step, train
from unpoison.unlearning import METHODS

META = torch.device("meta")
SHORT, LONG = 24, 72  # rows of an epoch: 2 and 5 steps of 16 rows
ATEN = torch.ops.aten


class Waits(TorchDispatchMode):
    """Counts, by name, what would wait if the meta device were a GPU; continues with made-up values."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, op.overloadpacket.__name__
        if op is ATEN._fused_sgd_.default:  # not implemented for meta tensors; it reads no value
            return None
        if name == "_local_scalar_dense" and is_apart(args[0]):
            self.found[name] += 1
            return args[0].dtype.is_floating_point or args[0].dtype == torch.bool or 1
        if name == "nonzero" and is_apart(args[0]):
            self.found[name] += 1
            return torch.zeros((args[0].numel(), args[0].ndim), dtype=torch.int64, device=META)
        if name in ("index", "index_put", "index_put_") and is_apart(args[0]):
            args = (args[0], [self._index(index) for index in args[1]], *args[2:])
        if name == "_to_copy" and is_apart(args[0]) != (kwargs.get("device", args[0].device) == META):
            self.found[name] += is_apart(args[0]) or not kwargs.get("non_blocking", False)
            if is_apart(args[0]):
                return torch.zeros(args[0].shape, dtype=args[0].dtype)
        return op(*args, **kwargs)

    def _index(self, index: Tensor | None) -> Tensor | None:
        """Return a usable index and count its waits: a CPU index is copied, a mask is counted."""
        if index is None:
            return None
        self.found["an index on the CPU"] += not is_apart(index)
        if index.dtype == torch.bool:
            self.found["a mask"] += 1
            return torch.zeros(index.numel(), dtype=torch.int64, device=META)
        return index


def is_apart(tensor: Tensor) -> bool:
    return tensor.device == META


def on_gpu(rows: int, stamp: Stamp, triggers: Sequence[int], stamp_time: Any) -> Examples:
    """Return examples without values, every second one with a trigger."""
    carried = np.resize([-1, *triggers], rows) if triggers else np.full(rows, -1)
    pixels = Pixels(
        torch.zeros((rows, 16, 16, 3), dtype=torch.uint8, device=META).permute(0, 3, 1, 2),
        torch.from_numpy(carried),
        stamp,
        stamp_time,
    )
    return Examples(pixels, torch.zeros(rows, dtype=torch.int64, device=META))


def waits_of(
    model: nn.Module, examples: Examples, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> Counter[str]:
    """Return the counts of operations that one epoch of training waits for."""
    monkeypatch.setattr(training, "autocast", lambda *_: nullcontext())  # does not support the meta device
    model = model.to(META)
    with Waits() as waits:
        train(model, examples, replace(recipe, epochs=1), 0, precision="float32")
    return +waits.found


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the CPU as a GPU, whose losses are read only at the end of an epoch."""
    monkeypatch.setattr(training, "waits_to_read", lambda _: True)


# -- number of waits --------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp_time", ["after_augmentation", "before_augmentation"])
@pytest.mark.parametrize("poison", POISON_OPTIONS)
def test_a_longer_epoch_waits_for_a_gpu_no_more_often_than_a_short_one(
    poison: str,
    stamp_time: str,
    *,
    new_model: Callable[[int], nn.Module],
    poisoned_data: Callable[[str], Any],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = poisoned_data(poison)
    triggers = sorted(set(data.poisoning.trigger_ids.tolist()) - {-1})
    short, long = (
        waits_of(new_model(0), on_gpu(rows, data.stamp, triggers, stamp_time), recipe, monkeypatch)
        for rows in (SHORT, LONG)
    )
    assert short == long
    assert set(short) == {"_local_scalar_dense"}  # history and final finiteness check


@pytest.mark.parametrize("how", [{"filter_rate": 0.5}, {"adam_rate": 0.1}])
def test_muon_and_adam_wait_for_a_gpu_no_more_often_in_a_longer_epoch(
    how: dict[str, float],
    new_model: Callable[[int], nn.Module],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = replace(recipe, **how)
    short, long = (
        waits_of(
            new_model(0),
            on_gpu(rows, lambda images, _: images, (), "after_augmentation"),
            changed,
            monkeypatch,
        )
        for rows in (SHORT, LONG)
    )
    assert short == long


@pytest.mark.parametrize("stamp_time", ["after_augmentation", "before_augmentation"])
def test_rows_that_are_taken_anew_for_each_batch_are_taken_without_a_wait(
    stamp_time: Any, stored: np.ndarray, patched: Any, recipe: Recipe
) -> None:
    rows = examples_of(stored, patched.rows.of("train"), patched.stamp, stamp_time, META)
    with Waits() as waits:
        for step in range(3):
            drawn = rows.take(torch.arange(step, step + 16))
            [(images, labels)] = drawn.batches(recipe, step, steps=1)
            [(whole, _)] = (drawn + drawn).in_order()
    assert images.device == labels.device == whole.device == META
    assert (len(images), len(whole)) == (16, 32)
    assert not +waits.found


def by_mask(images: Tensor, trigger_ids: Tensor) -> Tensor:
    images[trigger_ids == 0] = images[trigger_ids == 0].flip(2)
    return images


def by_value(images: Tensor, trigger_ids: Tensor) -> Tensor:
    return images * int(trigger_ids.max())


def by_copy(images: Tensor, trigger_ids: Tensor) -> Tensor:
    return images + torch.ones(16, dtype=torch.uint8).to(images.device)


@pytest.mark.parametrize(
    ("stamp", "name"),
    [(by_mask, "a mask"), (by_value, "_local_scalar_dense"), (by_copy, "_to_copy")],
)
def test_a_stamp_that_waits_for_a_gpu_is_counted_at_each_step(
    stamp: Stamp,
    name: str,
    new_model: Callable[[int], nn.Module],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short, long = (
        waits_of(new_model(0), on_gpu(rows, stamp, (0,), "after_augmentation"), recipe, monkeypatch)[name]
        for rows in (SHORT, LONG)
    )
    assert long - short >= 3  # three more steps


# -- non-finite losses, checked later ---------------------------------------------------------------


def test_a_look_at_the_end_of_an_epoch_changes_no_weight(
    new_model: Callable[[int], nn.Module],
    examples: Callable[..., Examples],
    recipe: Recipe,
    request: pytest.FixtureRequest,
) -> None:
    models = []
    for fixture in (None, "apart"):
        if fixture:
            request.getfixturevalue(fixture)
        models.append(new_model(0))
        train(models[-1], examples(), recipe, 0, precision="float32")
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.usefixtures("apart")
def test_a_training_on_a_gpu_that_runs_away_stops_with_the_same_sentence(
    new_model: Callable[[int], nn.Module], examples: Callable[..., Examples], recipe: Recipe, capsys: Any
) -> None:
    with pytest.raises(UserError, match=r"the training loss is not finite \(found (nan|inf)\)"):
        train(new_model(0), examples(), replace(recipe, learning_rate=1e30), 0, precision="float32")
    assert "epoch 1/" not in capsys.readouterr().out


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_on_a_gpu_that_was_not_finite_is_not_forgotten_by_later_steps(loss: float) -> None:
    weights = nn.Parameter(torch.zeros(2))
    optimizer = SGD([weights], momentum=0.0, weight_decay=0.0)
    for added in (0.0, loss, 0.0, -loss, 0.0):
        take_step(optimizer, weights.sum() + added, rate=0.1)  # the gradient is always finite
    with pytest.raises(UserError, match=rf"the training loss is not finite \(found {loss}\)"):
        check_losses(optimizer)


def test_losses_that_are_finite_pass_the_look() -> None:
    weights = nn.Parameter(torch.zeros(2))
    optimizer = SGD([weights], momentum=0.0, weight_decay=0.0)
    check_losses(optimizer)
    take_step(optimizer, weights.sum(), rate=0.1)
    check_losses(optimizer)


STEPPING: dict[str, dict[str, Any]] = {  # methods with a training loop of their own
    "anp": {"steps": 3, "batch_size": 8},
    "fine_pruning": {"epochs": 1},
    "gradient_ascent": {"epochs": 1},
    "negative_learning": {},
    "npo": {},
    "rem": {"removal_passes": 1, "keep": "last", "learning_rate": 1e30},
}


@pytest.mark.parametrize("is_apart", [False, True])
@pytest.mark.parametrize("method", STEPPING)
def test_a_method_stops_on_a_loss_that_is_not_finite_wherever_it_is_computed(
    method: str,
    is_apart: bool,
    *,
    make_request: Callable[..., Request],
    recipe: Recipe,
    trained: nn.Module,
    new_model: Callable[[int], nn.Module],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "waits_to_read", lambda _: is_apart)
    asked = make_request(range(40), recipe=replace(recipe, learning_rate=1e30))
    with torch.no_grad():
        broken = new_model(0)
        broken.load_state_dict(trained.state_dict())
        broken.network.layers[-1].weight.fill_(math.nan)
    asked = asked if method in ("negative_learning", "rem") else replace(asked, model=broken)
    with pytest.raises(UserError, match="the training loss is not finite"):
        run_method(METHODS[method], asked, STEPPING[method])


@pytest.mark.parametrize("is_apart", [False, True])
def test_early_training_stops_on_a_loss_that_is_not_finite_wherever_it_is_computed(
    is_apart: bool,
    examples: Callable[..., Examples],
    new_model: Callable[[int], nn.Module],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "waits_to_read", lambda _: is_apart)
    rows, nobody, runaway = examples(), examples().take(torch.tensor([], dtype=torch.int64)), 1e30
    ids = np.arange(len(rows)).astype(str)
    shown = Evidence(
        *(new_model(0), new_model, rows, nobody, nobody, ids, ids[:0], CLASS_NAMES),
        replace(recipe, learning_rate=runaway),
        0,
        "float32",
    )
    with pytest.raises(UserError, match="the training loss is not finite"):
        early_network(shown, 1.0, 0.5)
