"""The data and the model of a command, as entries of a config."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unpoison.command.given_model import recipe_for, training_of
from unpoison.command.image_sizes import LARGEST, SMALLEST, chosen_size
from unpoison.command.paths import absolute
from unpoison.data_kinds import HUB, source_of
from unpoison.datasets import peek_source
from unpoison.errors import UserError, one_of
from unpoison.resizing import Resizing, check_size

# Names of the entries, which are also names of files in the results folder and values in its tables.
SOURCE, DATASET, POISON, TRAINING, RECIPE = "data", "data", "as_found", "model", "fit"
DEVICES = ("auto", "cpu", "cuda")


def entries_of(
    data: str,
    *,
    model: str | None = None,
    arguments: str | None = None,
    weights: str | None = None,
    mean: str | None = None,
    deviation: str | None = None,
    features: str | None = None,
    image_size: int | None = None,
    resize: str = "stretch",
    interpolation: str = "bicubic",
    test: str | None = None,
    trusted: str | None = None,
    triggered: str | None = None,
    target: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    tell: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Return the entries of a config for the data and the model, with absolute paths.

    Its keys: data_folder, device, sources, datasets, poisons, recipes, trainings, and threads if they are given.

    Args:
        data: a folder, a file, a glob or `hf:NAME`, distinguished by `source_of`.
        model: `FILE.py:CLASS`; None is a shipped network. arguments: the arguments of the class, as JSON.
        weights: a file with the weights of the model; None trains one.
        mean, deviation: three numbers with commas, on a scale where white is 1; None are those of CIFAR-10.
        features: name of the layer whose input detectors use; None is the last linear layer.
        image_size: height and width in pixels; None chooses them by the images. resize, interpolation: `Resizing`.
        test, trusted, triggered: further images, of the same kind as the data: folders of class folders, Parquet
            files, lists or .npz files; for a data set of the hub, names of splits.
        target: the class that the attack wants for triggered images.
        threads: of each job that runs a network.
        tell: is called with a sentence on each automatic choice.

    Raises:
        UserError: for the first invalid argument, before an image is decoded.
    """
    resizing = Resizing(resize, interpolation)
    if device not in DEVICES:
        raise one_of("device", device, DEVICES)
    further = {"test": test, "trusted": trusted, "triggered": triggered}
    kind, options = _source(data, further)
    counts = peek_source(kind, Path(), options).counts
    _check_classes(data, counts)
    if target is not None:
        _check_target(target, list(counts), triggered)
    if image_size is None:
        size = chosen_size(kind, options, tell)
    else:
        size = check_size("image_size", image_size, SMALLEST, LARGEST)
    how = {"resize": resizing.resize, "interpolation": resizing.interpolation}
    training = training_of(
        model, arguments=arguments, weights=weights, mean=mean, deviation=deviation, features=features
    )
    return {
        "data_folder": _folder_of(data),
        "device": device,
        **({} if threads is None else {"threads": threads}),
        "sources": {SOURCE: {"source": kind, "image_size": size, **how, **options}},
        "datasets": {DATASET: {"source": SOURCE}},
        "poisons": {POISON: {} if target is None else {"target": target}},
        "recipes": {RECIPE: recipe_for(sum(counts.values()), training["model"])},
        "trainings": {TRAINING: {**training, "recipe": RECIPE}},
    }


def _source(data: str, further: dict[str, str | None]) -> tuple[str, dict[str, Any]]:
    """Return the source that reads the data, and its options with absolute paths."""
    if data.startswith(HUB):
        return source_of(data, further)
    paths = {name: absolute(name, path) for name, path in further.items() if path is not None}
    kind, options = source_of(absolute("data", data), paths)
    takes_folders = kind in ("image_folder", "class_folders")
    for name, path in paths.items():
        if os.path.isdir(path) != takes_folders:  # noqa: PTH112 (is_dir raises where a name is too long)
            wanted = "a folder of class folders" if takes_folders else f"a file or glob of the kind {kind}"
            raise UserError(f"{name}: found {path}, allowed: {wanted}, as the data are")
    return kind, options


def _folder_of(data: str) -> str:
    """Return the folder that the data are or lie in; for a data set of the hub, the working folder."""
    place = Path.cwd() if data.startswith(HUB) else Path(absolute("data", data))
    return str(place if place.is_dir() else place.parent)


def _check_classes(data: str, counts: dict[str, int]) -> None:
    if len(counts) < 2:
        raise UserError(
            f"{data}: found the class {', '.join(counts) or '(none)'} alone, allowed: two classes or more"
        )
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise UserError(
            f"{data}: found no training image of the class {empty[0]} ({len(empty)} of {len(counts)} classes have "
            "none), allowed: classes with one or more"
        )


def _check_target(target: str, classes: list[str], triggered: str | None) -> None:
    if target not in classes:
        raise one_of("target class", target, classes)
    if triggered is None:
        raise UserError(f"target: found '{target}' without triggered images; give both or neither")
