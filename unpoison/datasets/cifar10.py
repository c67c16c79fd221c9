"""CIFAR-10, downloaded once (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009)."""

from importlib import import_module
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image

from unpoison.contracts.source import Peek, Pictures, SourceImages
from unpoison.errors import UserError

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read(folder: Path, image_size: int, *, url: str | None = None) -> SourceImages:
    """Read CIFAR-10 from `folder`; download it there if it is missing or fails its checksum.

    Args:
        url: an address to download from instead of torchvision's; the checksum stays the same.

    Raises:
        UserError: if it is missing and cannot be downloaded.
    """
    dataset = import_module("torchvision.datasets").CIFAR10
    if url:
        dataset = type("CIFAR10", (dataset,), {"url": url})
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".cifar10.lock"):  # two sources of two image sizes share one download
        parts = {split: _load(dataset, folder, split == "train") for split in ("train", "test")}
    images = Pictures(
        sum(len(part.data) for part in parts.values()),
        lambda: (Image.fromarray(image) for part in parts.values() for image in part.data),
    )
    labels = np.concatenate([np.array(part.targets) for part in parts.values()])
    splits = [split for split, part in parts.items() for _ in part.targets]
    row_ids = [f"{split}/{index:05d}" for split, part in parts.items() for index in range(len(part.targets))]
    return SourceImages(images, row_ids, splits, labels, CLASS_NAMES)


def peek(folder: Path, *, url: str | None = None) -> Peek:
    """Return the published 5,000 training and 1,000 test images of each class; `read` checks the files'
    checksums."""
    return Peek(dict.fromkeys(CLASS_NAMES, 5000), dict.fromkeys(CLASS_NAMES, 1000))


def _load(dataset: type, folder: Path, train: bool):  # type: ignore[no-untyped-def]
    try:
        # Checks the MD5 of the files that are there, and downloads only when one is missing or wrong.
        return dataset(root=folder, train=train, download=True)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"CIFAR-10 is not in {folder} and cannot be downloaded from {dataset.url} ({error}); "  # type: ignore[attr-defined]
            "without a network use a source of kind parquet, image_folder or generated"
        ) from error
