"""A test case for detectors with known ground truth: a handmade network with a patch backdoor."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tiny
import torch
from tiny import build
from torch import Tensor, nn

from unpoison.attacks import apply, set_triggered_aside
from unpoison.contracts.evidence import Evidence
from unpoison.examples import examples_of
from unpoison.poisons import POISONS, trigger_of
from unpoison.recipes import Recipe
from unpoison.rows import Rows, choose_rows

TARGET, POISONS_PLANTED = 1, 8


class Glance(nn.Module):
    """Four features of an image: its three mean colours, and an indicator of a white bottom right corner."""

    def forward(self, images: Tensor) -> Tensor:
        images = images.float() / 255
        corner = (images[:, :, -3:, -3:].mean((1, 2, 3)) > 0.9).float()
        return torch.cat([images.mean((2, 3)), corner[:, None]], 1)


class Planted(nn.Module):
    """The handmade network: a class for each colour, and the target class for a white corner."""

    def __init__(self) -> None:
        super().__init__()
        head = nn.Linear(4, 3, bias=False)
        colours = 30 * (torch.eye(3) - 1 / 3)
        corner = torch.zeros(3, 1)
        corner[TARGET] = 12
        head.weight.data = torch.cat([colours, corner], 1)
        self.layers = nn.Sequential(Glance(), head)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


@dataclass(frozen=True)
class Case:
    """Evidence, and the ground truth of the training rows."""

    evidence: Evidence
    train: Rows

    @property
    def is_poisoned(self) -> np.ndarray:
        return self.train.is_poisoned


def rows_of(kind: str, keep: dict[str, int] | None = None, validation: int = 18) -> Rows:
    """Return the rows of the tiny source, either patched or with some wrong labels."""
    rows = choose_rows(tiny.source_rows(), tiny.SEED, keep=keep, validation=validation)
    train = rows.of("train")
    count = min(POISONS_PLANTED, len(train) // 3)
    if kind == "patch":
        options = {"target": tiny.CLASS_NAMES[TARGET], "count": count}
        return apply(POISONS["patch"](train, tiny.SEED, tiny.IMAGE_SIZE, **options), rows)
    is_poisoned, given = rows.is_poisoned.copy(), rows.given_label.copy()
    wrong = np.flatnonzero(rows.split == "train")[:: max(1, len(train) // max(count, 1))][:count]
    is_poisoned[wrong], given[wrong] = True, (given[wrong] + 1) % len(tiny.CLASS_NAMES)
    return replace(rows, is_poisoned=is_poisoned, given_label=given)


def case(
    rows: Rows, *, triggered: int = 0, order: Callable[[int], np.ndarray] = np.arange, **changes: Any
) -> Case:
    """Return the case of those rows; `order` permutes the training and the validation rows."""
    images = tiny.draw_squares(tiny.source_rows().label)
    stamp = trigger_of("patch", {})
    shown, validation = set_triggered_aside(rows, triggered, tiny.SEED)
    train = rows.of("train")
    train, validation = (part.take(order(len(part))) for part in (train, validation))

    def examples(part: Rows) -> Any:
        return examples_of(images, part, stamp, "after_augmentation", torch.device("cpu"))

    evidence = Evidence(
        model=tiny.bare(Planted()).eval(),
        new_model=lambda seed: build("resnet9", 3, {"width": 2}, seed),
        training=examples(train),
        validation=examples(validation),
        triggered=examples(shown),
        training_ids=train.row_id,
        validation_ids=validation.row_id,
        class_names=train.class_names,
        recipe=Recipe(learning_rate=0.05, batch_size=8, epochs=6, crop_padding=2),
        seed=11,
        precision="float32",
    )
    return Case(replace(evidence, **changes), train)
