"""Recipes, batches, augmentation, the loop and predictions."""

import ctypes
import math
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from arithmetic import PASS, assert_same, rounding
from torch import Tensor, nn

from unpoison import devices, training
from unpoison.contracts.request import Request
from unpoison.costs import Meter
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.files import read_columns
from unpoison.optimisers import SGD
from unpoison.pixels import augment
from unpoison.recipes import Recipe
from unpoison.rows import NONE
from unpoison.steps.repairing import run_method as run
from unpoison.training import Epoch, accuracy, predict, take_step, train

MakeExamples = Callable[..., Examples]
NewModel = Callable[[int], nn.Module]
PUBLISHED = Recipe(learning_rate=0.025, batch_size=512, iterations=4000)


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in model.state_dict().items()}


def trained_weights(new_model: NewModel, examples: Examples, recipe: Recipe, seed: int) -> dict[str, Tensor]:
    model = new_model(0)
    train(model, examples, recipe, seed, precision="float32")
    return weights(model)


# -- recipes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        # Warm-up: 1 % of 4,000 steps is 40, the first of them at a fortieth of the peak.
        (0, 0.025 / 40),
        (19, 0.0125),
        (39, 0.025),
        # Then a linear decay over 4,961 steps, which would reach zero at step 1.25 x 4,000 = 5,000.
        (40, 0.025 * 4960 / 4961),
        (1999, 0.025 * 3001 / 4961),
        (3999, 0.025 * 1001 / 4961),
    ],
)
def test_the_published_recipe_has_its_rate_at_each_step(step: int, rate: float) -> None:
    assert PUBLISHED.rate(step, 4000) == pytest.approx(rate, rel=1e-12)


def test_one_cycle_rises_to_the_peak_and_falls_to_nearly_nothing() -> None:
    recipe = Recipe(learning_rate=1.0, batch_size=1, epochs=1, warmup=0.4, decay_span=1.0)
    rates = [recipe.rate(step, 10) for step in range(10)]
    assert rates == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7])


@pytest.mark.parametrize("steps", [1, 2, 3, 17, 400])
@pytest.mark.parametrize("warmup", [0.0, 0.01, 0.2, 1.0])
def test_the_rate_is_positive_and_at_most_the_peak_which_it_reaches(steps: int, warmup: float) -> None:
    for span in (1.0, 1.25):
        recipe = Recipe(learning_rate=0.1, batch_size=8, epochs=1, warmup=warmup, decay_span=span)
        rates = [recipe.rate(step, steps) for step in range(steps)]
        assert min(rates) > 0
        assert max(rates) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("recipe", "rows", "length", "steps"),
    [
        (PUBLISHED, 50_000, 1.0, 4000),
        (PUBLISHED, 100, 0.25, 1000),
        (Recipe(learning_rate=0.1, batch_size=100, epochs=3), 300, 1.0, 9),
        (Recipe(learning_rate=0.1, batch_size=100, epochs=3), 301, 1.0, 12),
        (Recipe(learning_rate=0.1, batch_size=100, epochs=3), 301, 0.5, 6),
        (Recipe(learning_rate=0.1, batch_size=100, epochs=3), 7, 0.01, 1),
    ],
)
def test_a_recipe_takes_as_many_steps_as_its_epochs_or_iterations_say(
    recipe: Recipe, rows: int, length: float, steps: int
) -> None:
    assert recipe.steps(rows, length) == steps


@pytest.mark.parametrize("given", [{}, {"epochs": 3, "iterations": 4}])
def test_a_recipe_takes_either_epochs_or_iterations(given: dict[str, int]) -> None:
    with pytest.raises(UserError, match="either epochs or iterations"):
        Recipe(learning_rate=0.1, batch_size=8, **given)


# -- augmentation -----------------------------------------------------------------------------------


def one_at_a_time(
    images: Tensor, rows: Tensor, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pad, crop and flip one image at a time, with the random numbers that `augment` draws."""
    padding, (height, width) = recipe.crop_padding, images.shape[2:]
    tops = torch.randint(2 * padding + 1, (len(rows), 1), generator=generator)[:, 0].tolist()
    lefts = torch.randint(2 * padding + 1, (len(rows), 1), generator=generator)[:, 0].tolist()
    draws = torch.rand(len(rows), 1, generator=generator)[:, 0] if recipe.flip else torch.ones(len(rows))
    augmented = []
    for row, top, left, draw in zip(rows.tolist(), tops, lefts, draws.tolist(), strict=True):
        padded = np.zeros((3, height + 2 * padding, width + 2 * padding), np.uint8)
        padded[:, padding : padding + height, padding : padding + width] = images[row].numpy()
        crop = padded[:, top : top + height, left : left + width]
        augmented.append(torch.from_numpy((crop[:, :, ::-1] if draw < 0.5 else crop).copy()))
    return torch.stack(augmented), draws


@pytest.mark.parametrize("shape", [(16, 16), (12, 20)])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("flip", [True, False])
def test_augment_equals_padding_cropping_and_flipping_one_image_at_a_time(
    shape: tuple[int, int], padding: int, flip: bool
) -> None:
    recipe = replace(PUBLISHED, crop_padding=padding, flip=flip)
    images = torch.randint(0, 256, (20, 3, *shape), dtype=torch.uint8)
    rows = torch.tensor([5, 0, 19, 5, 7, 3, 2, 11, 12, 13])
    padded = nn.functional.pad(images, [padding] * 4)
    found = augment(padded, rows, recipe, torch.Generator().manual_seed(4))
    expected, draws = one_at_a_time(images, rows, recipe, torch.Generator().manual_seed(4))
    assert torch.equal(found, expected)
    assert not flip or 0 < (draws < 0.5).sum() < len(rows)


def test_augment_leaves_the_padded_images_as_they_are() -> None:
    padded = torch.randint(0, 256, (4, 3, 10, 10), dtype=torch.uint8)
    before = padded.clone()
    augment(padded, torch.arange(4), replace(PUBLISHED, crop_padding=1), torch.Generator())[:] = 0
    assert torch.equal(padded, before)


# -- batches ----------------------------------------------------------------------------------------


def numbered(examples: Examples) -> Examples:
    """Return the same examples with row numbers as labels, which identify the rows in a batch."""
    return replace(examples, labels=torch.arange(len(examples)))


def test_every_row_is_in_each_epoch_once_and_in_another_order(examples: MakeExamples, recipe: Recipe) -> None:
    batches = [labels for _, labels in numbered(examples()).batches(recipe, 0, steps=8)]
    assert [len(batch) for batch in batches] == [16, 16, 16, 6] * 2
    first, second = (torch.cat(epoch).tolist() for epoch in (batches[:4], batches[4:]))
    assert sorted(first) == sorted(second) == list(range(54))
    assert first != second
    assert first != sorted(first)


def test_a_training_may_end_within_an_epoch(examples: MakeExamples, recipe: Recipe) -> None:
    assert [len(labels) for _, labels in examples().batches(recipe, 0, steps=6)] == [16, 16, 16, 6, 16, 16]


def test_the_trigger_stamped_after_augmentation_sits_in_the_corner_of_every_poisoned_image(
    examples: MakeExamples, recipe: Recipe, patched: SimpleNamespace
) -> None:
    has_trigger = torch.from_numpy(patched.rows.of("train").trigger_id != NONE)
    seen = 0
    for images, numbers in numbered(examples()).batches(recipe, 0, steps=20):
        stamped = (images[:, :, -3:, -3:] == 255).all(dim=(1, 2, 3))
        assert torch.equal(stamped, has_trigger[numbers])
        assert (images[~stamped] < 255).all()
        seen += int(stamped.sum())
    assert seen == 5 * int(has_trigger.sum())


def test_the_trigger_stamped_before_augmentation_moves_with_the_image(
    examples: MakeExamples, recipe: Recipe, patched: SimpleNamespace
) -> None:
    has_trigger = torch.from_numpy(patched.rows.of("train").trigger_id != NONE)
    corners, places = set(), set()
    for images, numbers in numbered(examples(stamp_time="before_augmentation")).batches(recipe, 0, steps=40):
        for image in images[has_trigger[numbers]]:
            corners.add(bool((image[:, -3:, -3:] == 255).all()))
            white = (image == 255).all(dim=0).nonzero()
            assert 0 < len(white) <= 9  # the crop may cut a part of it off
            places.add(tuple(white[0].tolist()))
        assert (images[~has_trigger[numbers]] < 255).all()
    assert corners == {True, False}
    assert len(places) > 10


@pytest.mark.parametrize("stamp_time", ["after_augmentation", "before_augmentation"])
def test_reading_examples_leaves_their_images_unstamped(
    examples: MakeExamples, recipe: Recipe, stamp_time: str
) -> None:
    given = examples(stamp_time=stamp_time)
    before = given._pixels.stored.clone()
    list(given.batches(recipe, 0, steps=5))
    list(given.in_order())
    assert torch.equal(given._pixels.stored, before)


def test_in_order_gives_every_row_once_whatever_the_batch_size(examples: MakeExamples) -> None:
    given = examples()
    whole = next(given.in_order())
    parts = list(given.in_order(batch_size=7))
    assert len(parts) == 8
    for place in (0, 1):
        assert torch.equal(torch.cat([part[place] for part in parts]), whole[place])


def test_image_passes_are_metered_exactly_and_reading_in_order_costs_none(
    examples: MakeExamples, recipe: Recipe
) -> None:
    meter = Meter()
    given = examples().metered(meter)
    list(given.in_order())
    assert meter.image_passes == 0
    list(given.batches(recipe, 0, steps=6))
    assert meter.image_passes == 54 + 16 + 16


# -- the loop ---------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    first, second = (trained_weights(new_model, examples(), recipe, seed=0) for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_another_seed_gives_other_weights(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    first, second = (trained_weights(new_model, examples(), recipe, seed) for seed in (0, 1))
    assert not any(torch.equal(first[key], second[key]) for key in first if "weight" in key)


def test_the_global_random_state_neither_matters_nor_changes(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = trained_weights(new_model, examples(), recipe, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second = trained_weights(new_model, examples(), recipe, seed=0)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_validation_is_recorded_and_changes_nothing(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe, patched: SimpleNamespace
) -> None:
    first, second = new_model(0), new_model(0)
    train(first, examples(), recipe, 0, precision="float32")
    held_out = examples(patched.rows.of("validation"))
    history = train(second, examples(), recipe, 0, precision="float32", validation=held_out)
    assert all(torch.equal(first.state_dict()[key], second.state_dict()[key]) for key in first.state_dict())
    assert history[-1].validation_accuracy == accuracy(second, held_out, "float32")


def test_an_empty_validation_set_is_none(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe, patched: SimpleNamespace
) -> None:
    nobody = examples(patched.rows.take(patched.rows.split == "nothing"))
    history = train(new_model(0), examples(), recipe, 0, validation=nobody)
    assert [epoch.validation_accuracy for epoch in history] == [None, None]


@pytest.mark.parametrize(
    ("shortened", "images"),
    [
        (({"epochs": 3}, 1.0), [54, 54, 54]),
        (({"epochs": None, "iterations": 6}, 1.0), [54, 32]),
        (({"epochs": None, "iterations": 2}, 1.0), [32]),
        (({"epochs": 2}, 0.25), [32]),
        (({"epochs": 2}, 0.75), [54, 32]),
    ],
)
def test_the_history_has_a_line_for_each_epoch_with_its_images(
    new_model: NewModel,
    examples: MakeExamples,
    recipe: Recipe,
    shortened: tuple[dict[str, Any], float],
    images: list[int],
) -> None:
    changes, length = shortened
    meter, changed = Meter(), replace(recipe, **changes)
    history = train(new_model(0), examples().metered(meter), changed, 0, length=length)
    assert [epoch.epoch for epoch in history] == list(range(1, len(images) + 1))
    assert [epoch.images for epoch in history] == images
    assert meter.image_passes == sum(images)
    steps = changed.steps(54, length)
    assert history[-1].learning_rate == changed.rate(steps - 1, steps)
    assert all(epoch.seconds > 0 and math.isfinite(epoch.loss) for epoch in history)


def test_the_history_tells_the_mean_loss_and_accuracy_of_what_the_epoch_saw(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    still = replace(recipe, learning_rate=0.0, epochs=1, crop_padding=0, flip=False)
    model, given = new_model(0), examples()
    [epoch] = train(model, given, still, 0, precision="float32")
    losses, hits = 0.0, 0
    again = new_model(0).train()
    for images, labels in given.batches(still, 0, steps=4):
        logits = again(images)
        losses += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        hits += int((logits.argmax(1) == labels).sum())
    assert epoch.loss == pytest.approx(losses / 54, rel=rounding(PASS))
    assert epoch.train_accuracy == pytest.approx(hits / 54)


def test_a_written_history_has_every_field(tmp_path: Path) -> None:
    history = [Epoch(1, 0.1, 2.0, 0.5, None, 3.0, 54), Epoch(2, 0.05, 1.0, 0.75, 0.5, 3.5, 54)]
    training.write_history(tmp_path / "history.parquet", history)
    columns, _ = read_columns(tmp_path / "history.parquet")
    assert columns["loss"].tolist() == [2.0, 1.0]
    assert columns["images"].tolist() == [54, 54]
    assert np.isnan(columns["validation_accuracy"][0])
    assert list(columns) == list(vars(history[0]))


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_step_down_a_loss_that_is_not_finite_is_refused_and_not_taken(loss: float) -> None:
    model = nn.Linear(2, 2)
    before = weights(model)
    optimizer = SGD(model.parameters(), momentum=0.0, weight_decay=0.0)
    with pytest.raises(UserError, match=r"loss is not finite .*lower learning rate"):
        take_step(optimizer, (model.weight.sum() + model.bias.sum()) * loss, rate=1.0)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


def test_a_training_that_runs_away_stops_with_a_sentence(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    with pytest.raises(UserError, match="the training loss is not finite"):
        train(new_model(0), examples(), replace(recipe, learning_rate=1e30), 0, precision="float32")


def test_a_last_step_that_diverges_stops_the_job(
    new_model: NewModel, examples: MakeExamples, recipe: Recipe
) -> None:
    one_step = replace(recipe, learning_rate=1e39, epochs=None, iterations=1)
    with pytest.raises(
        UserError, match=r"the network diverged: network\.layers\.\S+ holds values that are not finite"
    ):
        train(new_model(0), examples(), one_step, 0, precision="float32")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_method_that_ends_on_weights_that_are_not_finite_stops_the_job(
    make_request: Callable[..., Request], value: float
) -> None:
    def unlearn(request: Request) -> nn.Module:
        model = deepcopy(request.model)
        with torch.no_grad():
            model.network.layers[-1].weight[0, 0] = value
        return model

    with pytest.raises(UserError, match="the network diverged"):
        run(unlearn, make_request(range(8)), {})


# -- predictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, 1e38])
def test_logits_that_are_not_finite_are_no_predictions(
    trained: nn.Module, examples: MakeExamples, value: float
) -> None:
    model = deepcopy(trained)
    with torch.no_grad():
        model.network.layers[-1].weight.fill_(value)
    for measure in (
        lambda: predict(model, examples()._pixels.images, "float32"),
        lambda: accuracy(model, examples()),
    ):
        with pytest.raises(UserError, match=r"its logits of \d+ of 54 images are not finite"):
            measure()


def test_predicting_in_batches_equals_predicting_in_one_go(
    trained: nn.Module, examples: MakeExamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = examples()._pixels.images
    whole = predict(trained, images, "float32")
    monkeypatch.setattr(training, "EVALUATION_BATCH", 7)
    assert len(whole) == 54
    assert_same(predict(trained, images, "float32"), whole, terms=PASS)


def test_predict_is_in_evaluation_mode_and_gives_float32(new_model: NewModel, examples: MakeExamples) -> None:
    model = new_model(0).train()
    before = weights(model)
    logits = predict(model, examples()._pixels.images, "bfloat16")
    assert logits.dtype == torch.float32
    assert not model.training
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


def test_predicting_no_images_gives_no_logits(trained: nn.Module, examples: MakeExamples) -> None:
    assert predict(trained, examples()._pixels.images[:0], "float32").shape == (0, 3)


def test_accuracy_is_the_share_of_given_labels_that_are_predicted(examples: MakeExamples) -> None:
    class AlwaysDog(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.tensor([0.0, 1.0, 0.0]))

        def forward(self, images: Tensor) -> Tensor:
            return self.bias.expand(len(images), 3)

    given = examples()
    assert accuracy(AlwaysDog(), given) == pytest.approx(float((given.labels == 1).float().mean()))


def test_the_tiny_poisoned_model_has_learnt_something(trained: nn.Module, examples: MakeExamples) -> None:
    assert accuracy(trained, examples(), "float32") > 0.4


# -- devices ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="mallopt is the GNU C library's")
def test_large_tensors_take_the_memory_of_freed_ones() -> None:
    program = (
        "import resource, torch\n"
        "from unpoison.devices import keep_freed_memory\n"
        "{call}\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(12): torch.ones(8 << 20)\n"  # the heap grows at first, then reuses blocks
        "before = faults()\n"
        "for _ in range(10): torch.ones(8 << 20)\n"
        "print(faults() - before)\n"
    )
    fresh, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", program.format(call=call)], capture_output=True, check=True
            ).stdout
        )
        for call in ("", "keep_freed_memory()")
    )
    if fresh < 10_000:
        pytest.skip("this system hands out large pages, and faults do not count them")
    assert kept < fresh / 3


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees no CUDA GPU"):
        devices.pick_device("cuda")
    assert devices.pick_device("auto") == devices.pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_precision_that_is_asked_for_is_used(precision: str, dtype: torch.dtype) -> None:
    with devices.autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.parametrize(
    ("instructions", "vendor", "expected"),
    [
        ("amx avx512_bf16", "GenuineIntel", True),
        ("avx512_bf16", "AuthenticAMD", True),
        ("avx512_bf16", "GenuineIntel", False),  # half the speed of float32
        ("", "AuthenticAMD", False),
    ],
)
def test_a_processor_computes_in_bfloat16_where_that_is_faster(
    instructions: str, vendor: str, expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
    monkeypatch.setattr(devices, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: "amx" in instructions)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: "avx512_bf16" in instructions)
    assert devices.in_bfloat16(torch.device("cpu"), "auto") == expected
