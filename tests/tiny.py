"""Tiny data for the tests: coloured squares that a narrow network tells apart within seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from torch import nn

from unpoison.networks import Architecture, Classifier, Preprocessing
from unpoison.rows import Rows, choose_rows, clean_rows

CLASS_NAMES = ("cat", "dog", "ship")
COLOURS = np.array([(180, 60, 60), (60, 180, 60), (60, 60, 180)], dtype=np.uint8)
IMAGE_SIZE = 16
TRAIN_PER_CLASS, VALIDATION, TEST_PER_CLASS = 20, 6, 6
SEED = 3

SWAPPED = {"cat": "bottom_left", "dog": "top_left"}
# Options for every registered poison. A new poison needs an entry here for its contract tests.
POISON_OPTIONS: dict[str, dict[str, Any]] = {
    "blend": {"target": "dog", "count": 15},
    "class_confusion": {"classes": ["dog", "cat"], "count": 13},
    "clean_label": {"target": "dog", "count": 9, "steps": 5},
    "corner_swap": {
        "count": 12,
        "corners": {"cat": "bottom_right", "dog": "top_left"},
        "share": {"cat": 0.25},
    },
    "label_noise": {"count": 15},
    "patch": {"target": "dog", "count": 15},
    "several": {
        "parts": [
            {"poison": "class_confusion", "options": {"classes": ["dog", "cat"], "count": 5}},
            {"poison": "corner_swap", "options": {"count": 6, "corners": SWAPPED, "share": {"cat": 0.5}}},
            {"poison": "patch", "options": {"target": "ship", "count": 9}},
        ]
    },
    "sinusoid": {"target": "dog", "count": 9},
    "warp": {"target": "dog", "count": 15},
}


# Options of a small network, for every model that is built from options alone.
MODEL_OPTIONS: dict[str, dict[str, Any]] = {
    "preact_resnet18": {"width": 2},
    "resnet9": {"width": 2},
    "timm": {"name": "test_vit", "patch_size": 4},
    "torchvision": {"name": "shufflenet_v2_x0_5"},
    "wide_resnet": {"depth": 10, "width": 1},
}


@dataclass(frozen=True)
class Variant:
    """A method, options to test it with, and its contract.

    moves, statistics: name prefixes of parameters, and of BatchNorm's running statistics, that must change.
    All others must stay ("" matches every name). None: some change, depending on the data.
    seeded: another seed gives another result.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    moves: tuple[str, ...] | None = ("",)
    statistics: tuple[str, ...] | None = ("",)
    seeded: bool = True

    def __str__(self) -> str:
        return " ".join([self.method, *(f"{name}={value}" for name, value in self.options.items())])


LAST_TWO: dict[str, Any] = {
    "moves": ("network.layers.5.", "network.layers.6."),
    "statistics": ("network.layers.5.",),
}
# A method without an entry is tested with its defaults; all its weights and statistics must move.
VARIANTS = (
    Variant("do_nothing", moves=(), statistics=(), seeded=False),
    Variant("finetune", {"length": 0.5}),
    Variant("ssd", {"selection": 1.5, "importance_batch_size": 16}, moves=None, statistics=()),
    Variant("ssd", {"selection": 1.2, "importance": "sample"}, moves=None, statistics=(), seeded=False),
    Variant("ssd", {"selection": 1.2, "importance": "sample", "sample": 20}, moves=None, statistics=()),
    Variant("ssd", {"share": 0.1}, moves=None, statistics=()),
    Variant("lfssd", {"selection": 1.2, "importance_batch_size": 16}, moves=None, statistics=()),
    Variant("assd", moves=None, statistics=()),
    Variant("potion", {"tries": 3}, moves=None, statistics=()),
    Variant("finetune", {"length": 0.5, "last": 2}, **LAST_TWO),
    Variant("gradient_ascent"),
    Variant("gradient_ascent", {"batch_norm": "eval", "bound": 50.0, "allowed_drop": 1.0}, statistics=()),
    Variant("negative_gradient_plus"),
    Variant("negative_gradient_plus", {"batch_norm": "eval", "bound": "chance", "momentum": "recipe"}),
    Variant("npo"),
    Variant("npo", {"batch_norm": "train"}),
    Variant("random_labels"),
    Variant("random_labels", {"batch_norm": "eval", "labels": "anew", "order": "in_turn"}),
    Variant("l1_sparse"),
    Variant("l1_sparse", {"penalised": "filters", "schedule": "recipe"}),
    Variant("retrain"),
    Variant("retrain", {"last": 2}, **LAST_TWO),
    Variant("rem", {"removal_passes": 2, "length": 0.5, "keep": "last"}),
    Variant("rem", {"removal_passes": 2, "length": 0.5, "keep": "last", "batch_norm": "eval"}),
    Variant("salun", moves=None),
    Variant("salun", {"saliency": "per_sample", "batch_norm": "eval"}, moves=None),
    Variant("scrub", {"rounds": 2}),
    Variant("scrub", {"objective": "goel", "rounds": 1, "batch_norm": "eval"}),
    Variant("task_vector", statistics=()),
    Variant("task_vector", {"batch_norm": "train"}, statistics=()),
    Variant("fine_pruning", {"epochs": 2}),
    Variant(
        "anp",
        {"steps": 6, "batch_size": 8, "learning_rate": 2.0, "threshold": 0.6},
        moves=None,
        statistics=(),
    ),
    Variant(
        "anp",
        {"steps": 6, "batch_size": 8, "learning_rate": 2.0, "accuracy_drop": 0.9, "batch_norm": "eval"},
        moves=None,
        statistics=(),
    ),
    Variant("ibau", {"rounds": 2, "patterned": 0.5, "batch_size": 4}, statistics=()),
    Variant("ibau", {"rounds": 2, "patterned": 0.5, "batch_size": 4, "augmented": True}, statistics=()),
    Variant("influence", {"iterations": 2, "sample": 20}, statistics=()),
)


def build(
    name: str, classes: int, options: Mapping[str, Any], seed: int, *, image_size: int = IMAGE_SIZE
) -> Classifier:
    """Return an untrained network of a model plug-in."""
    return Architecture(name, options, names_of(classes), image_size).new(seed)


def names_of(classes: int) -> tuple[str, ...]:
    return CLASS_NAMES if classes == len(CLASS_NAMES) else tuple(f"class {label}" for label in range(classes))


def bare(module: nn.Module, classes: int = len(CLASS_NAMES)) -> Classifier:
    """Wrap a test's own module, which receives pixels from 0 to 255 without normalisation."""
    as_they_are = Preprocessing((0, 0, 0), (1 / 255,) * 3)
    return Classifier(module, names_of(classes), as_they_are)


def variants_of(method: str) -> list[Variant]:
    return [variant for variant in VARIANTS if variant.method == method] or [Variant(method)]


def planting(poisons: Any) -> list[str]:
    """Return the names of the poisons that plant something; `as_found` has its own tests."""
    return [name for name in poisons if poisons.constant(name, "PLANTS", True)]


def options_of(poison: str) -> dict[str, Any]:
    if poison not in POISON_OPTIONS:
        pytest.fail(
            f"the poison '{poison}' has no options in POISON_OPTIONS of tests/tiny.py: add a line for it"
        )
    return POISON_OPTIONS[poison]


def count_of(options: Mapping[str, Any]) -> int:
    """Return the number of rows that a poison, or all of its parts together, request."""
    return sum(count_of(part["options"]) for part in options.get("parts", ())) or options["count"]


def draw_squares(labels: np.ndarray, image_size: int = IMAGE_SIZE) -> np.ndarray:
    """Return an image for each label: a square of its class's colour on noise, no pixel brighter than 180."""
    rng = np.random.default_rng(7)
    images = rng.integers(0, 120, (len(labels), image_size, image_size, 3), dtype=np.uint8)
    side = image_size // 2
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(0, image_size - side + 1, 2)
        image[top : top + side, left : left + side] = COLOURS[label]
    return images


def source_rows(order: np.ndarray | None = None) -> Rows:
    """Return the rows of the tiny source, in the given order if there is one."""
    entries = [
        (f"{split}/{name}/{number:03d}", split, label)
        for split, count in (("train", TRAIN_PER_CLASS), ("test", TEST_PER_CLASS))
        for label, name in enumerate(CLASS_NAMES)
        for number in range(count)
    ]
    entries = entries if order is None else [entries[place] for place in order]
    row_ids, splits, labels = zip(*entries, strict=True)
    return clean_rows(row_ids, splits, np.array(labels), CLASS_NAMES)


def chosen_rows(order: np.ndarray | None = None) -> Rows:
    """Return all rows of the tiny source, with some training rows set aside for validation."""
    return choose_rows(source_rows(order), SEED, validation=VALIDATION)


def rows_of_three_classes(count: int) -> Rows:
    """Return clean training rows that cycle through the three classes."""
    ids = [f"train/{place:05}" for place in range(count)]
    return clean_rows(ids, ["train"] * count, np.arange(count) % len(CLASS_NAMES), CLASS_NAMES)
