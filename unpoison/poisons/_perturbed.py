"""Images that an attacker changes by more than a stamp: made against a surrogate, laid over those of the source."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from unpoison.files import map_array
from unpoison.rows import NONE, Rows
from unpoison.types import Images, StoredImages

BATCH = 200


def before_attack(rows: Rows) -> Rows:
    """The rows with their true labels and no trigger: what a surrogate is trained on."""
    nothing = np.full(len(rows), NONE)
    untouched = np.zeros(len(rows), dtype=bool)
    return replace(rows, given_label=rows.label, trigger_id=nothing, target=nothing, is_poisoned=untouched)


def perturbed(
    perturb: Callable[..., Images], surrogate: Any, stored: StoredImages, poisoned: Rows, device: Any
) -> np.ndarray:
    """The images of the poisoned rows as the attacker makes them, stored in the order of the rows.

    They are made in the order of the row ids, so that another order of the rows changes nothing.
    """
    torch = import_module("torch")
    order = np.argsort(poisoned.row_id, kind="stable")
    made = np.array(stored[poisoned.row])
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        images = torch.from_numpy(made[part]).permute(0, 3, 1, 2).to(device)
        labels = torch.from_numpy(poisoned.label[part]).to(device)
        made[part] = perturb(surrogate, images, labels).permute(0, 2, 3, 1).cpu().numpy()
    return made


def open_images(source: str, rows: Rows, changed: str | None) -> StoredImages:
    """The source's images as the attacker left them; changed: the file of those of the poisoned rows, if any."""
    if not changed:
        return map_array(source)
    return lay_over(map_array(source, writable=True), rows, map_array(changed))


def lay_over(images: StoredImages, rows: Rows, made: np.ndarray) -> StoredImages:
    """The images with those of the poisoned rows replaced, in place."""
    train = rows.of("train")
    places = train.row[train.is_poisoned]
    assert len(places) == len(made), f"{len(places)} poisoned rows and {len(made)} images for them"
    images[places] = made
    return images
