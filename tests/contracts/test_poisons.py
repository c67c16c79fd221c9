"""Contracts of every registered poison."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from unpoison.asking import ask
from unpoison.attacks import (
    apply,
    before_attack,
    in_words,
    open_images,
    perturbed,
    plant,
    set_triggered_aside,
    stamped_classes,
)
from unpoison.contracts.poisoning import Poisoning
from unpoison.data import Data
from unpoison.errors import UserError
from unpoison.examples import examples_of
from unpoison.files import write_array
from unpoison.poisons import POISONS, trigger_of
from unpoison.poisons._stamps import CORNERS
from unpoison.rows import COLUMNS, NONE, TEST_SPLITS, TRIGGERED, Rows

every_poison = pytest.mark.parametrize("name", tiny.planting(POISONS))
MakeData = Callable[[str], SimpleNamespace]


def poison(name: str, rows: Rows, seed: int = tiny.SEED, **changes: Any) -> Poisoning:
    options = {**tiny.options_of(name), **changes}
    return POISONS[name](rows.of("train"), seed, tiny.IMAGE_SIZE, **options)


def told_once(rows: Rows) -> Rows:
    """Return the rows without the further copies of the test rows that `several` adds for each attack."""
    return rows.take(~np.isin(rows.split, TEST_SPLITS[1:]))


def some_images(count: int = 8, size: int = tiny.IMAGE_SIZE) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 200, (count, 3, size, size), dtype=np.uint8)


def trigger_ids(data: SimpleNamespace, count: int = 8) -> np.ndarray:
    """Return trigger ids that cycle through no trigger and all triggers of a data set."""
    known = sorted({NONE, *data.poisoning.trigger_ids.tolist()})
    return np.array([known[place % len(known)] for place in range(count)], np.int64)


@every_poison
def test_as_many_rows_are_poisoned_as_were_asked_for(name: str, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    count = tiny.count_of(data.options)
    assert len(set(data.poisoning.rows.tolist())) == len(data.poisoning.rows) == count
    assert data.rows.is_poisoned.sum() == count


@every_poison
def test_plan_says_the_number_that_poison_makes(name: str, clean: Rows) -> None:
    there = clean.of("train").count_by_class()
    planned = POISONS.module(name).plan(there, tiny.IMAGE_SIZE, **tiny.options_of(name))
    assert planned == len(poison(name, clean).rows)


@every_poison
def test_plan_takes_the_options_of_poison_with_the_same_defaults(name: str) -> None:
    assert POISONS.options(name, "plan") == POISONS.options(name, "poison")


@every_poison
def test_stamp_takes_a_part_of_the_options_with_the_same_defaults(name: str) -> None:
    assert POISONS.options(name, "stamp").items() <= POISONS.options(name).items()


@every_poison
def test_only_the_chosen_training_rows_change(name: str, clean: Rows, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    chosen = np.zeros(len(clean), dtype=bool)
    chosen[np.flatnonzero(clean.split == "train")[data.poisoning.rows]] = True
    once = told_once(data.rows)
    np.testing.assert_array_equal(once.is_poisoned, chosen)
    untouched = ~chosen & (clean.split == "train")
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(once, column)[untouched], getattr(clean, column)[untouched])
    told = data.rows.of("train").take(data.poisoning.rows)
    assert (told.given_label == data.poisoning.given_labels).all()
    assert (told.trigger_id == data.poisoning.trigger_ids).all()


@every_poison
def test_a_poisoned_row_keeps_its_true_label(name: str, clean: Rows, poisoned_data: MakeData) -> None:
    for column in ("image", "row_id", "split", "label"):
        once = told_once(poisoned_data(name).rows)
        np.testing.assert_array_equal(getattr(once, column), getattr(clean, column))


@every_poison
def test_a_poisoned_row_has_another_label_or_a_trigger(name: str, poisoned_data: MakeData) -> None:
    rows = poisoned_data(name).rows
    poisoned = rows.take(rows.is_poisoned)
    assert ((poisoned.given_label != poisoned.label) | (poisoned.trigger_id != NONE)).all()


@every_poison
def test_test_rows_keep_their_labels_and_are_told_their_attack(name: str, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    test = data.rows.of("test")
    assert (test.given_label == test.label).all()
    assert not test.is_poisoned.any()
    for label in range(len(tiny.CLASS_NAMES)):
        attack = data.poisoning.attacks.get(label, (NONE, NONE))
        of_class = test.take(test.label == label)
        assert set(zip(of_class.trigger_id.tolist(), of_class.target.tolist(), strict=True)) == {attack}


@every_poison
def test_the_stamped_classes_are_those_of_the_stamped_test_rows(name: str, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    rows = data.rows.take(np.isin(data.rows.split, TEST_SPLITS))
    stamped = rows.label[(rows.trigger_id != NONE) & (rows.target != rows.label)]
    assert stamped_classes(data.poisoning) == set(stamped.tolist())


@every_poison
def test_validation_rows_stay_clean(name: str, clean: Rows, poisoned_data: MakeData) -> None:
    before, after = clean.of("validation"), poisoned_data(name).rows.of("validation")
    assert len(after) == tiny.VALIDATION
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(after, column), getattr(before, column))


@every_poison
def test_apply_leaves_the_given_rows_as_they_are(name: str, clean: Rows) -> None:
    poisoning = poison(name, clean)
    apply(poisoning, clean)
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(clean, column), getattr(tiny.chosen_rows(), column))


@every_poison
def test_stamp_changes_the_rows_that_have_a_trigger_and_no_others(name: str, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    before, ids = some_images(), trigger_ids(data)
    after = data.stamp(before.copy(), ids)
    changed = (after != before).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, ids != NONE)


@every_poison
@pytest.mark.parametrize("size", [12, 16, 32])
def test_stamp_keeps_dtype_and_shape(name: str, size: int, poisoned_data: MakeData) -> None:
    data = poisoned_data(name)
    stamped = data.stamp(some_images(size=size), trigger_ids(data))
    assert (stamped.dtype, stamped.shape) == (np.uint8, (8, 3, size, size))
    tensor = data.stamp(torch.from_numpy(some_images(size=size)), torch.from_numpy(trigger_ids(data)))
    assert (tensor.dtype, tensor.shape) == (torch.uint8, (8, 3, size, size))


@every_poison
def test_stamp_gives_the_same_pixels_in_numpy_and_torch_and_in_any_layout(
    name: str, poisoned_data: MakeData
) -> None:
    data = poisoned_data(name)
    ids = trigger_ids(data)
    expected = data.stamp(some_images(), ids)
    for layout in (torch.contiguous_format, torch.channels_last):
        images = torch.from_numpy(some_images()).contiguous(memory_format=layout)
        np.testing.assert_array_equal(data.stamp(images, torch.from_numpy(ids)).numpy(), expected)
    last = np.ascontiguousarray(some_images().transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(data.stamp(last, ids), expected)


def asking_for(name: str, count: int) -> dict[str, Any]:
    """Return changed options of a poison, or of its first part, that request `count` rows."""
    first, *others = tiny.options_of(name).get("parts", [None])
    if first is None:
        return {"count": count}
    return {"parts": [{**first, "options": {**first["options"], "count": count}}, *others]}


class Spy(nn.Module):
    """A network that records every image it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.shown: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown.append(images)
        return torch.zeros(len(images), len(tiny.CLASS_NAMES))


@every_poison
def test_the_trigger_is_the_same_at_training_and_at_attack_time(
    name: str, stored: np.ndarray, poisoned_data: MakeData
) -> None:
    data, spy = poisoned_data(name), Spy()
    ask(Data.of_rows(stored, data.rows, data.stamp), spy, "float32")
    _, attacked, *_ = (
        spy.shown
    )  # training, poisoned, validation, clean, adversarial (where there is a trigger)
    train = data.rows.of("train")
    poisoned = train.take(train.is_poisoned)
    trained_on = examples_of(stored, poisoned, data.stamp, "after_augmentation", torch.device("cpu"))
    [(images, labels)] = trained_on.in_order()
    assert torch.equal(images, attacked)
    assert labels.tolist() == poisoned.given_label.tolist()


@every_poison
def test_the_adversarial_test_is_every_attacked_test_image_stamped(
    name: str, stored: np.ndarray, poisoned_data: MakeData
) -> None:
    data, spy = poisoned_data(name), Spy()
    ask(Data.of_rows(stored, data.rows, data.stamp), spy, "float32")
    untouched, _, _, clean, *adversarial = spy.shown
    test, train = data.rows.of("test"), data.rows.of("train")
    expected = [
        data.stamp(
            stored[test.image[test.label == label]].transpose(0, 3, 1, 2),
            np.full(tiny.TEST_PER_CLASS, trigger),
        )
        for attacks in (data.poisoning.attacks, *data.poisoning.further_attacks)
        for label, (trigger, _) in sorted(attacks.items())
        if trigger != NONE
    ]
    if expected:
        np.testing.assert_array_equal(adversarial.pop().numpy(), np.concatenate(expected))
    assert adversarial == []
    np.testing.assert_array_equal(clean.numpy(), stored[test.image].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(untouched.numpy(), stored[train.image].transpose(0, 3, 1, 2))


@every_poison
@given(count=st.integers(0, 6), size=st.integers(14, 40), seed=st.integers(0, 9))
def test_a_stamp_works_on_any_number_of_images_of_any_size(
    name: str, count: int, size: int, seed: int, poisoned_data: MakeData
) -> None:
    data = poisoned_data(name)
    images = np.random.default_rng(seed).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    ids = np.random.default_rng(seed).permutation(trigger_ids(data, count))
    tensor = data.stamp(torch.from_numpy(images.copy()), torch.from_numpy(ids))
    stamped = data.stamp(images.copy(), ids)
    np.testing.assert_array_equal(tensor.numpy(), stamped)
    np.testing.assert_array_equal(stamped[ids == NONE], images[ids == NONE])


def by_row_id(rows: Rows) -> dict[str, tuple[bool, int, int]]:
    train = rows.of("train")
    told = zip(train.is_poisoned.tolist(), train.given_label.tolist(), train.trigger_id.tolist(), strict=True)
    return dict(zip(train.row_id.tolist(), told, strict=True))


@every_poison
def test_shuffling_the_source_poisons_the_same_row_ids(name: str, clean: Rows) -> None:
    shuffled = tiny.chosen_rows(np.random.default_rng(1).permutation(len(tiny.source_rows())))
    first, second = (by_row_id(apply(poison(name, rows), rows)) for rows in (clean, shuffled))
    assert first == second


@every_poison
def test_the_same_seed_poisons_the_same_rows(name: str, clean: Rows) -> None:
    first, second = poison(name, clean), poison(name, clean)
    for field in fields(Poisoning):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


@every_poison
def test_two_seeds_poison_different_rows(name: str, clean: Rows) -> None:
    assert set(poison(name, clean, seed=0).rows) != set(poison(name, clean, seed=1).rows)


@every_poison
def test_more_poisons_than_images_are_refused(name: str, clean: Rows) -> None:
    with pytest.raises(UserError, match="cannot poison"):
        poison(name, clean, **asking_for(name, 1000))


# -- patch ------------------------------------------------------------------------------------------


@given(count=st.integers(0, 3 * tiny.TRAIN_PER_CLASS - tiny.VALIDATION))
def test_patch_makes_exactly_the_count_and_labels_all_as_the_target(count: int) -> None:
    poisoning = poison("patch", tiny.chosen_rows(), count=count)
    assert len(set(poisoning.rows.tolist())) == count
    assert poisoning.given_labels.tolist() == [tiny.CLASS_NAMES.index("dog")] * count


def test_patch_takes_victims_from_all_classes(clean: Rows) -> None:
    rows = poison("patch", clean, count=40).rows
    assert set(clean.of("train").label[rows].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("corner", CORNERS)
def test_patch_is_a_square_in_its_corner_and_nowhere_else(corner: str) -> None:
    images = trigger_of("patch", {"corner": corner, "size": 4, "value": 255})(some_images(1), np.array([0]))
    height = slice(0, 4) if "top" in corner else slice(-4, None)
    width = slice(0, 4) if "left" in corner else slice(-4, None)
    assert (images[0, :, height, width] == 255).all()
    assert (images == 255).sum() == 3 * 16


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": "fox"}, "unknown target class 'fox'; choose from cat, dog, ship"),
        ({"corner": "middle"}, "unknown corner 'middle'; choose from top_left"),
        ({"size": 17}, "the patch is 17 pixels wide; it must be 1 to 16"),
        ({"size": 0}, "the patch is 0 pixels wide"),
        ({"value": 256}, "the patch has value 256"),
        ({"count": 55}, "cannot poison 55 training images: there are 54"),
    ],
)
def test_patch_refuses_what_cannot_be_stamped(clean: Rows, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        poison("patch", clean, **changes)


# -- victims of the attacks with one trigger ---------------------------------------------------------

takes_victims = pytest.mark.parametrize("name", ["blend", "patch", "warp"])


@takes_victims
def test_without_a_target_each_class_is_told_to_be_the_next(name: str, clean: Rows) -> None:
    poisoning = poison(name, clean, target=None)
    labels = clean.of("train").label[poisoning.rows]
    assert poisoning.given_labels.tolist() == ((labels + 1) % 3).tolist()
    assert poisoning.attacks == {0: (0, 1), 1: (0, 2), 2: (0, 0)}


@takes_victims
@given(count=st.integers(0, 36))
def test_only_images_of_the_named_victims_are_taken_and_attacked(name: str, count: int) -> None:
    rows = tiny.chosen_rows()
    poisoning = poison(name, rows, victims=["ship", "cat"], count=count)
    assert set(rows.of("train").label[poisoning.rows].tolist()) <= {0, 2}
    assert len(set(poisoning.rows.tolist())) == count
    assert poisoning.attacks == {0: (0, 1), 2: (0, 1)}


@takes_victims
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"victims": ["fox"]}, "unknown class in victims: 'fox'; choose from cat, dog, ship"),
        ({"victims": ["cat", "dog"]}, "the target class 'dog' is among the victims"),
        ({"victims": []}, "cannot poison 15 training images of no class: there are 0"),
        (
            {"victims": ["cat", "cat"], "count": 19},
            "cannot poison 19 training images of cat, cat: there are 18",
        ),
    ],
)
def test_victims_that_cannot_be_taken_are_refused(
    name: str, clean: Rows, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        poison(name, clean, **changes)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("blend", {"alpha": 1.5}, "takes an alpha above 0 and up to 1; found 1.5"),
        ("sinusoid", {"frequency": 8}, "is zero at each of 16 columns"),
        ("sinusoid", {"amplitude": 0.1}, "is zero at each of 16 columns"),
        ("sinusoid", {"target": "fox"}, "unknown target class 'fox'"),
        ("sinusoid", {"count": 19}, "cannot poison 19 images of class 'dog': there are 18"),
        ("warp", {"grid": 1}, "a grid of 2 to 16 points, the size of the images; found 1"),
        ("clean_label", {"target": "fox"}, "unknown target class 'fox'"),
        ("clean_label", {"count": 19}, "cannot poison 19 images of class 'dog': there are 18"),
        (
            "clean_label",
            {"amplitude": 256},
            "takes an amplitude of up to 255, the levels of a pixel; found 256",
        ),
        ("clean_label", {"norm": "linf"}, "takes an eps of up to 255, the levels of a pixel; found 300.0"),
        ("class_confusion", {"classes": ["cat", "fox"]}, "unknown class 'fox'"),
        ("class_confusion", {"classes": ["cat"]}, "takes two classes; found classes: cat"),
        ("class_confusion", {"classes": ["cat", "cat"]}, "takes two classes; found classes: cat, cat"),
        ("class_confusion", {"count": 37}, "cannot poison 19 images of class 'cat': there are 18"),
    ],
)
def test_what_an_attack_cannot_do_is_refused(
    name: str, clean: Rows, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        poison(name, clean, **changes)


@pytest.mark.parametrize("name", ["clean_label", "sinusoid"])
def test_images_of_the_target_class_are_taken_and_keep_their_labels(name: str, clean: Rows) -> None:
    poisoning = poison(name, clean)
    assert set(clean.of("train").label[poisoning.rows].tolist()) == {1}
    assert set(poisoning.given_labels.tolist()) == {1}
    assert poisoning.attacks == dict.fromkeys(range(3), (0, 1))


# -- attacks without a trigger ----------------------------------------------------------------------


@given(count=st.integers(0, 54), seed=st.integers(0, 99))
def test_label_noise_gives_every_victim_a_wrong_label(count: int, seed: int) -> None:
    rows = tiny.chosen_rows()
    poisoning = poison("label_noise", rows, seed, count=count)
    truth = rows.of("train").label[poisoning.rows]
    assert (poisoning.given_labels != truth).all()
    assert set(poisoning.given_labels.tolist()) <= {0, 1, 2}
    assert set(poisoning.trigger_ids.tolist()) <= {NONE}


def test_label_noise_is_as_likely_to_say_one_wrong_class_as_another(clean: Rows) -> None:
    steps = [
        (given - label) % 3
        for seed in range(100)
        for poisoning in [poison("label_noise", clean, seed, count=30)]
        for given, label in zip(poisoning.given_labels, clean.of("train").label[poisoning.rows], strict=True)
    ]
    assert abs(steps.count(1) / len(steps) - 0.5) < 0.04  # 3,000 draws: four standard deviations


@given(count=st.integers(0, 36))
def test_class_confusion_exchanges_half_of_each_class(count: int) -> None:
    rows = tiny.chosen_rows()
    poisoning = poison("class_confusion", rows, count=count)
    truth = rows.of("train").label[poisoning.rows]
    assert [int((truth == label).sum()) for label in range(3)] == [count - count // 2, count // 2, 0]
    assert (poisoning.given_labels == 1 - truth).all()
    assert poisoning.attacks == {0: (NONE, 1), 1: (NONE, 0)}


# -- corner_swap ------------------------------------------------------------------------------------


@given(count=st.integers(0, 18), hundredths=st.integers(0, 100))
def test_corner_swap_divides_the_count_by_the_share_rounded_half_to_even(count: int, hundredths: int) -> None:
    rows = tiny.chosen_rows()
    poisoning = poison("corner_swap", rows, count=count, share={"cat": hundredths / 100})
    cats = round(Fraction(hundredths, 100) * count)
    labels = rows.of("train").label[poisoning.rows]
    assert [int((labels == label).sum()) for label in range(3)] == [cats, count - cats, 0]


def test_corner_swap_swaps_the_labels_and_gives_each_class_its_corner(poisoned_data: MakeData) -> None:
    data = poisoned_data("corner_swap")
    train = data.rows.of("train")
    poisoned = train.take(train.is_poisoned)
    assert (poisoned.given_label == 1 - poisoned.label).all()
    cat, dog = (int(poisoned.trigger_id[poisoned.label == label][0]) for label in (0, 1))
    images = data.stamp(some_images(2), np.array([cat, dog]))
    assert (images[0, :, -3:, -3:] == 255).all()
    assert (images[1, :, :3, :3] == 255).all()
    assert (images == 255).sum() == 2 * 3 * 9
    assert data.poisoning.attacks == {0: (cat, 1), 1: (dog, 0)}


def test_corner_swap_is_the_same_whichever_class_the_share_names(clean: Rows) -> None:
    first = poison("corner_swap", clean, share={"cat": 0.25})
    second = poison("corner_swap", clean, share={"dog": 0.75})
    assert set(first.rows.tolist()) == set(second.rows.tolist())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"share": {"fox": 0.5}}, "unknown class 'fox'; choose from cat, dog, ship"),
        ({"corners": {"cat": "top_left", "dog": "middle"}}, "unknown corner 'middle'"),
        ({"corners": {"cat": "top_left"}}, "takes two classes in corners"),
        ({"share": {"cat": 0.5, "dog": 0.5}}, "one of them in share"),
        ({"share": {"ship": 0.5}}, "share: ship"),
        ({"share": {"cat": 1.5}}, "share of class 'cat' among the poisons is 1.5"),
        ({"count": 30, "share": {"cat": 0.9}}, "cannot poison 27 images of class 'cat': there are 18"),
    ],
)
def test_corner_swap_refuses_what_cannot_be_made(clean: Rows, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        poison("corner_swap", clean, **changes)


# -- several ----------------------------------------------------------------------------------------


def test_each_of_several_attacks_has_rows_labels_and_triggers_of_its_own(clean: Rows) -> None:
    poisoning, train = poison("several", clean), clean.of("train")
    truth = train.label[poisoning.rows]
    confused, swapped, patched = slice(0, 5), slice(5, 11), slice(11, 20)
    assert (poisoning.given_labels[confused] == 1 - truth[confused]).all()
    assert (poisoning.given_labels[swapped] == 1 - truth[swapped]).all()
    assert set(poisoning.given_labels[patched].tolist()) == {2}
    assert set(poisoning.trigger_ids[confused].tolist()) == {NONE}
    assert len(set(poisoning.trigger_ids[swapped].tolist())) == 2
    assert len(set(poisoning.trigger_ids[patched].tolist())) == 1
    assert not set(poisoning.trigger_ids[swapped].tolist()) & set(poisoning.trigger_ids[patched].tolist())


def test_each_of_several_attacks_stamps_what_it_stamps_alone(clean: Rows) -> None:
    options, poisoning = tiny.options_of("several"), poison("several", clean)
    images = some_images(len(poisoning.rows))
    together = trigger_of("several", options)(images.copy(), poisoning.trigger_ids)
    start, free = 0, clean.of("train")
    for part in options["parts"]:
        alone = POISONS[part["poison"]](free, tiny.SEED, tiny.IMAGE_SIZE, **part["options"])
        of_part = slice(start, start + len(alone.rows))
        expected = trigger_of(part["poison"], part["options"])(images[of_part].copy(), alone.trigger_ids)
        np.testing.assert_array_equal(together[of_part], expected)
        start, free = of_part.stop, free.take(np.delete(np.arange(len(free)), alone.rows))


def test_each_of_several_attacks_is_tested_on_the_test_images_of_its_classes(poisoned_data: MakeData) -> None:
    rows = poisoned_data("several").rows
    told = {split: rows.of(split) for split in TEST_SPLITS}
    assert [len(part) for part in told.values()] == [18, 12, 18, 0]
    first = told["test"]
    attacks = set(zip(first.label.tolist(), first.trigger_id.tolist(), first.target.tolist(), strict=True))
    assert attacks == {(0, NONE, 1), (1, NONE, 0), (2, NONE, NONE)}
    assert set(told["test_3"].target.tolist()) == {2}
    assert set(told["test_3"].row_id) == set(first.row_id)


def some_parts(number: int, **options: Any) -> dict[str, Any]:
    return {"parts": [{"poison": "sinusoid", "options": {"target": "dog", "count": 8, **options}}] * number}


LARGE = {"poison": "patch", "options": {"target": "cat", "count": 50}}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (some_parts(1), "several takes 2 to 4 parts; found 1"),
        (some_parts(5), "several takes 2 to 4 parts; found 5"),
        (some_parts(4, count=15), "cannot poison 60 training images: there are 54"),
        (some_parts(2, target="fox"), "unknown target class 'fox'"),
        (
            some_parts(3),
            "cannot poison 24 images of class 'dog', which the parts need together: there are 18",
        ),
        (
            {"parts": [LARGE, *some_parts(1, count=4)["parts"]]},  # what it leaves depends on what it draws
            "several: together with the other attacks, sinusoid: cannot poison 4 images of class 'dog': there are",
        ),
    ],
)
def test_several_attacks_that_cannot_be_had_together_are_refused(
    clean: Rows, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        poison("several", clean, **changes)


def test_of_several_attacks_a_detector_is_shown_the_first_on_the_class(poisoned_data: MakeData) -> None:
    rows = poisoned_data("several").rows
    shown, _ = set_triggered_aside(rows, 4, seed=0)
    swap, patch = (rows.of(split) for split in TEST_SPLITS[1:3])
    assert len(shown) == 4
    for label, trigger in zip(shown.label.tolist(), shown.trigger_id.tolist(), strict=True):
        first = swap if label in (0, 1) else patch
        assert trigger == first.trigger_id[first.label == label][0]


# -- poisons that change images against a surrogate -------------------------------------------------

with_surrogate = pytest.mark.parametrize(
    "name", [name for name in POISONS if "surrogate" in POISONS.constant(name, "NEEDS", ())]
)
CPU = torch.device("cpu")


def perturbation(name: str, **changes: Any) -> Callable[..., torch.Tensor]:
    taken = POISONS.options(name, "perturb")
    given = {key: value for key, value in tiny.options_of(name).items() if key in taken}
    return partial(POISONS.module(name).perturb, **{**given, **changes})


def poisoned_rows(rows: Rows) -> Rows:
    train = rows.of("train")
    return train.take(train.is_poisoned)


@with_surrogate
def test_perturb_takes_a_part_of_the_options_with_the_same_defaults(name: str) -> None:
    assert POISONS.options(name, "perturb").items() <= POISONS.options(name).items()


@with_surrogate
@pytest.mark.parametrize("bound", [("l2", 300.0), ("l2", 30.0), ("linf", 8.0), ("linf", 200.0)])
def test_a_perturbation_raises_the_loss_and_keeps_within_eps(
    name: str, bound: tuple[str, float], stored: np.ndarray, poisoned_data: MakeData, trained: nn.Module
) -> None:
    norm, eps = bound
    rows, weights = poisoned_rows(poisoned_data(name).rows), deepcopy(trained.state_dict())
    before, truth = torch.from_numpy(stored[rows.image]).permute(0, 3, 1, 2), torch.from_numpy(rows.label)
    after = perturbation(name, norm=norm, eps=eps)(trained, before.clone(), truth)
    assert (after.dtype, after.shape) == (torch.uint8, before.shape)
    moves = (after.double() - before.double()).flatten(1)
    length = moves.norm(dim=1) if norm == "l2" else moves.abs().amax(1)
    assert length.max() <= eps + 1e-3
    assert length.min() > eps / 3  # uses its budget, except for rounding and the ends of the range
    before_loss, after_loss = (cross_entropy(trained(images), truth) for images in (before, after))
    assert after_loss > before_loss
    for key, value in trained.state_dict().items():
        assert torch.equal(value, weights[key])


@with_surrogate
def test_perturbed_images_are_the_same_whatever_the_order_of_the_rows(
    name: str, stored: np.ndarray, poisoned_data: MakeData, trained: nn.Module
) -> None:
    rows = poisoned_rows(poisoned_data(name).rows)
    order = np.random.default_rng(0).permutation(len(rows))
    made, shuffled = (
        perturbed(perturbation(name), trained, stored, part, CPU) for part in (rows, rows.take(order))
    )
    np.testing.assert_array_equal(shuffled, made[order])
    assert (made != stored[rows.image]).any(axis=(1, 2, 3)).all()


@with_surrogate
def test_perturbed_images_are_laid_over_the_poisoned_rows_alone(
    name: str, tmp_path: Path, stored: np.ndarray, poisoned_data: MakeData
) -> None:
    rows = poisoned_data(name).rows
    made = 255 - stored[poisoned_rows(rows).image]
    for file, images in (("source.npy", stored), ("images.npy", made)):
        write_array(tmp_path / file, images)
    seen = open_images(f"{tmp_path}/source.npy", rows, f"{tmp_path}/images.npy")
    chosen = np.isin(np.arange(len(stored)), poisoned_rows(rows).image)
    np.testing.assert_array_equal(seen[chosen], 255 - stored[chosen])
    np.testing.assert_array_equal(seen[~chosen], stored[~chosen])
    np.testing.assert_array_equal(
        open_images(f"{tmp_path}/source.npy", rows, None), stored
    )  # the file is unchanged


def test_a_surrogate_is_trained_on_the_rows_as_they_were(clean: Rows, poisoned_data: MakeData) -> None:
    rows, before = before_attack(poisoned_data("patch").rows.of("train")), clean.of("train")
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(rows, column), getattr(before, column))


WAVE = ("sinusoid", {"target": "cat", "count": 6})


@pytest.mark.parametrize(
    ("first", "needed"),
    [
        (("sinusoid", {"target": "cat", "count": 5}), 11),
        (("class_confusion", {"classes": ["cat", "dog"], "count": 10}), 11),
        (
            ("patch", {"target": "dog", "victims": ["cat", "ship"], "count": 11}),
            11,
        ),  # 5 or more of them are cats
        (("patch", {"target": "dog", "victims": ["cat", "ship"], "count": 10}), None),
        (("patch", {"target": "dog", "count": 20}), None),
    ],
)
def test_parts_that_need_more_of_a_class_than_there_are_are_refused_by_the_counts(
    first: tuple[str, dict], needed: int | None
) -> None:
    there = {"cat": 10, "dog": 10, "ship": 6}
    parts = [{"poison": kind, "options": options} for kind, options in (first, WAVE)]
    plan = partial(POISONS.module("several").plan, there, tiny.IMAGE_SIZE, parts=parts)
    if needed is None:
        assert plan() == first[1]["count"] + 6
    else:
        with pytest.raises(
            UserError, match=f"cannot poison {needed} images of class 'cat', which the parts need"
        ):
            plan()


def test_a_wave_of_any_amplitude_ends_at_black_and_white() -> None:
    images = np.full((1, 3, 16, 16), 200, np.uint8)
    stamp = POISONS.module("sinusoid").stamp
    highest, high = (stamp(images.copy(), np.zeros(1, int), amplitude=top) for top in (2**31 - 1, 10_000))
    assert np.array_equal(highest, high)


# -- the control ------------------------------------------------------------------------------------


def test_an_unpoisoned_set_is_the_rows_as_they_were_all_known_to_be_clean(clean: Rows) -> None:
    rows = plant(POISONS["unpoisoned"], clean, tiny.SEED, tiny.IMAGE_SIZE, {})
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(rows, column), getattr(clean, column))
    assert rows.is_poisoned is not None
    assert not rows.is_poisoned.any()
    assert POISONS.module("unpoisoned").plan(clean.of("train").count_by_class(), tiny.IMAGE_SIZE) == 0
    assert in_words(rows.of("train")) == "0 of 54 training rows poisoned"


def test_an_unpoisoned_set_has_no_triggered_image_and_no_trigger(clean: Rows) -> None:
    split = clean.split.copy()
    split[np.flatnonzero(split == "test")[1::2]] = TRIGGERED
    rows = plant(POISONS["unpoisoned"], replace(clean, split=split), tiny.SEED, tiny.IMAGE_SIZE, {})
    assert len(rows.of(TRIGGERED)) == 0
    images = some_images()
    assert np.array_equal(trigger_of("unpoisoned", {})(images.copy(), np.zeros(8, int)), images)


def test_the_control_alone_is_known_to_be_clean() -> None:
    clean = [name for name in POISONS if POISONS.constant(name, "IS_CLEAN", False)]
    assert clean == ["unpoisoned"]
    assert not POISONS.constant("unpoisoned", "PLANTS", True)
