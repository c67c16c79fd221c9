"""Poisons: one file each, with `poison(clean, seed, image_size, *, ...)` and `stamp(images, trigger_ids, *, ...)`."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from unpoison.plugins import Plugins
from unpoison.types import Images

POISONS = Plugins(__name__, "poison", "poison")


def with_files(name: str, options: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """Return a poison's options, with those that name files (its constant `FILES`) as paths in a folder."""
    named = {key: options[key] for key in POISONS.constant(name, "FILES", ()) if options[key] is not None}
    return {**options, **{key: str(Path(folder) / file) for key, file in named.items()}}


def trigger_of(name: str, options: Mapping[str, Any]) -> Callable[[Images, Any], Images]:
    """Return the poison's `stamp` with its own options filled in: the same at training and at attack time."""
    taken = POISONS.options(name, "stamp")
    return partial(
        POISONS.module(name).stamp, **{key: value for key, value in options.items() if key in taken}
    )
