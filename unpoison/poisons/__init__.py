"""Poisons: one file each, with `poison(clean, seed, image_size, *, ...)` and `stamp(images, trigger_ids, *, ...)`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from unpoison.plugins import Plugins
from unpoison.types import Images

POISONS = Plugins(__name__, "poison", "poison")


def trigger_of(name: str, options: Mapping[str, Any]) -> Callable[[Images, Any], Images]:
    """The poison's `stamp` with its own options filled in: the same at training and at attack time."""
    taken = POISONS.options(name, "stamp")
    return partial(
        POISONS.module(name).stamp, **{key: value for key, value in options.items() if key in taken}
    )
