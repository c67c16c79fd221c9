"""The output of a source of images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from unpoison.types import Labels, StoredImages


@dataclass(frozen=True)
class Pictures:
    """Images that are read one after the other, so that they need not fit into memory.

    count: how many there are; each: starts anew and gives them in the order of the row ids, each as a PIL image in RGB,
    of any size.
    """

    count: int
    each: Callable[[], Iterator[Any]]

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True)
class SourceImages:
    """All images of a source, in any order.

    images: (n, height, width, 3) uint8 of the size asked for, or `Pictures`, which are then resized;
    row_ids: unique and stable, they order everything random; splits: "train", "test", "trusted" or "triggered" per row;
    labels: (n,) index into class_names; notes: sentences about what the source holds and does not use, for the job's
    log.
    """

    images: StoredImages | Pictures
    row_ids: list[str]
    splits: list[str]
    labels: Labels
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peek:
    """What is known of a source while the DAG is built.

    counts: training images of each class; tests: test images of each class; trusted, triggered: clean images that
    the user vouches for and test images that carry an attacker's trigger, of each class that has any;
    files: what the source reads. Another content of them makes the source anew. None where the source has
    a fixed content, such as one that is checked against a published checksum.
    """

    counts: dict[str, int]
    tests: dict[str, int]
    files: tuple[str, ...] = ()
    trusted: dict[str, int] = field(default_factory=dict)
    triggered: dict[str, int] = field(default_factory=dict)
