"""The output of a source of images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from unpoison.types import Labels, StoredImages


@dataclass(frozen=True)
class Pictures:
    """Images that are read one at a time, so that they need not fit into memory.

    count: number of images; each: returns a new iterator over them in the order of the row ids, each a PIL image in RGB
    of any size.
    """

    count: int
    each: Callable[[], Iterator[Any]]

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True)
class SourceImages:
    """All images of a source, in any order.

    images: (n, height, width, 3) uint8 of the requested size, or `Pictures`, which are then resized; row_ids: unique
    and stable, since all random draws depend on their order; splits: "train", "test", "trusted" or "triggered" for each
    row; labels: (n,) index into class_names; notes: sentences for the job's log on content that is not used.
    """

    images: StoredImages | Pictures
    row_ids: list[str]
    splits: list[str]
    labels: Labels
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peek:
    """The facts on a source that are known while the DAG is built.

    counts, tests: numbers of training and of test images by class. trusted, triggered: numbers of clean images that the
    user vouches for, and of test images with an attacker's trigger, by class; classes without any are left out. files:
    the files that the source reads; it is prepared again if their content changes. They are empty for a source with
    fixed content, such as one that is checked against a published checksum.
    """

    counts: dict[str, int]
    tests: dict[str, int]
    files: tuple[str, ...] = ()
    trusted: dict[str, int] = field(default_factory=dict)
    triggered: dict[str, int] = field(default_factory=dict)
