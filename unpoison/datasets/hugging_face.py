"""A data set of the Hugging Face hub, read by the library `datasets`: `pip install unpoison[hf]`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unpoison.class_names import composed
from unpoison.contracts.source import Peek, Pictures, SourceImages
from unpoison.datasets._images import decode
from unpoison.errors import UserError, first_line, one_of
from unpoison.extras import missing_library
from unpoison.types import Labels

LABELS = ("label", "labels", "fine_label")
SPLITS = ("train", "test", "trusted", "triggered")


def read(
    folder: Path,
    image_size: int,
    *,
    name: str,
    config: str | None = None,
    train: str = "train",
    test: str = "test",
    trusted: str | None = None,
    triggered: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
) -> SourceImages:
    """Read splits of a data set from the cache of `datasets`, or from the hub if it is not cached.

    A row's id is its split and its position there, such as `train/0000017`. `folder` is not used.

    Args:
        name: on the hub, such as `user/birds`. config: the configuration, for a data set that has several.
        train, test: names of splits; a test split is optional.
        trusted: a split of clean images that the user vouches for.
        triggered: a split of test images that carry an attacker's trigger, with their TRUE labels.
        image_column: default: the only column of images.
        label_column: a column of class labels or texts; default: 'label', 'labels' or 'fine_label'.

    Raises:
        UserError: if `datasets` is not installed, for a data set that is neither in the cache nor on the hub,
            a missing split or column, labels without names, and an image that cannot be read.
    """
    chosen = {"train": train, "test": test, "trusted": trusted, "triggered": triggered}
    parts = _open(name, config, chosen, image_column, label_column)
    classes, labels = _classes(name, parts)
    return SourceImages(
        images=Pictures(sum(map(len, labels)), lambda: _pictures(parts)),
        row_ids=[f"{split}/{place:07}" for split, part in parts.items() for place in range(len(part))],
        splits=[split for split, part in parts.items() for _ in range(len(part))],
        labels=np.concatenate(labels),
        class_names=classes,
    )


def peek(
    folder: Path,
    *,
    name: str,
    config: str | None = None,
    train: str = "train",
    test: str = "test",
    trusted: str | None = None,
    triggered: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
) -> Peek:
    """Return class names and counts from the column of labels; the files are those of the cache."""
    chosen = {"train": train, "test": test, "trusted": trusted, "triggered": triggered}
    parts = _open(name, config, chosen, image_column, label_column)
    classes, labels = _classes(name, parts)
    there = {
        split: Counter(classes[label] for label in part) for split, part in zip(parts, labels, strict=True)
    }
    counts = {split: {label: there.get(split, Counter())[label] for label in classes} for split in SPLITS}
    files = dict.fromkeys(file["filename"] for part in parts.values() for file in part.cache_files)
    return Peek(counts["train"], counts["test"], tuple(files), counts["trusted"], counts["triggered"])


def _open(
    name: str,
    config: str | None,
    chosen: Mapping[str, str | None],
    image_column: str | None,
    label_column: str | None,
) -> dict[str, Any]:
    """Return each split with two columns, `image` (bytes and path) and `label`."""
    library, there = _library(), _load(name, config)
    opened = {}
    for split, asked in chosen.items():
        if asked is None or (split == "test" and asked == "test" and asked not in there):
            continue
        if asked not in there:
            raise one_of(f"split in {name}:", asked, there)
        part = there[asked]
        images = [key for key, feature in part.features.items() if isinstance(feature, library.Image)]
        image = _column(name, "images", images if image_column is None else [image_column], images)
        wanted = LABELS if label_column is None else [label_column]
        label = _column(name, "labels", [key for key in wanted if key in part.features], part.features)
        part = part.select_columns([image, label]).cast_column(image, library.Image(decode=False))
        opened[split] = part.rename_columns({image: "image", label: "label"})
    return opened


def _column(name: str, what: str, found: list[str], there: Any) -> str:
    if len(found) != 1 or found[0] not in there:
        raise UserError(
            f"{name}: found {len(found)} columns of {what} ({', '.join(found)}), allowed: one of "
            f"{', '.join(there) or '(none)'}; choose it by the option {what.removesuffix('s')}_column"
        )
    return found[0]


def _library() -> Any:
    try:
        return import_module("datasets")
    except ImportError as error:
        raise missing_library("datasets") from error


def _load(name: str, config: str | None) -> Mapping[str, Any]:
    try:
        return dict(_library().load_dataset(name, config))
    except Exception as error:  # several libraries are involved, each with its own errors
        raise UserError(
            f"the data set {name}{f' ({config})' if config else ''} is not in the cache of datasets and "
            f"cannot be loaded from the hub ({first_line(error)})"
        ) from error


def _classes(name: str, parts: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Labels]]:
    """Return the names of the classes, and each split's labels as positions among them."""
    told = {split: _named(name, part) for split, part in parts.items()}
    own = getattr(parts["train"].features["label"], "names", None)
    classes = tuple(map(composed, own)) if own else tuple(sorted(set(told["train"])))
    places = {label: place for place, label in enumerate(classes)}
    for split, labels in told.items():
        unknown = [row for row, label in enumerate(labels) if label not in places]
        if unknown:
            raise UserError(
                f"{name}, {split}, row {unknown[0]}: label {labels[unknown[0]]!r} is none of the classes "
                f"{', '.join(classes)}"
            )
    return classes, [np.array([places[label] for label in labels], np.int64) for labels in told.values()]


def _named(name: str, part: Any) -> list[str]:
    """Return the labels of a split as names."""
    values, names = list(part["label"]), getattr(part.features["label"], "names", None)
    for row, value in enumerate(values):
        is_integer = isinstance(value, int) and 0 <= value < (len(names) if names else 2**31)
        if not (isinstance(value, str) or is_integer):
            raise UserError(f"{name}, row {row}: found the label {value!r}, allowed: a class label or a text")
    if names:
        return [composed(value if isinstance(value, str) else names[value]) for value in values]
    if any(isinstance(value, int) for value in values):
        raise UserError(f"{name}: its labels are integers without names, allowed: class labels or texts")
    return [composed(value) for value in values]


def _pictures(parts: Mapping[str, Any]) -> Iterator[Image.Image]:
    for split, part in parts.items():
        for place, row in enumerate(part):
            image = row["image"] or {}
            where = f"{split}/{place:07}"
            data = image.get("bytes")
            if data is None and image.get("path"):
                try:
                    data = Path(image["path"]).read_bytes()
                except OSError as error:
                    raise UserError(f"image {image['path']} cannot be read ({error.strerror})") from error
            if data is None:
                raise UserError(f"{where}: there is no image")
            yield decode(data, where)
