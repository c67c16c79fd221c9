"""Training rows as a trainer sees them: stamped, augmented, in batches, and every pass counted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.seeds import derive_seed
from unpoison.types import AugmentedImages, Images, Labels, StoredImages

StampTime = Literal["after_augmentation", "before_augmentation"]
Stamp = Callable[[Tensor, Tensor], Tensor]
EVALUATION_BATCH = 200  # fits the cache of a CPU: 1.7 times the images a second of 1,000


@dataclass
class Meter:
    """Counts images sent through a network: forward and backward, and forward alone."""

    image_passes: int = 0
    forward_passes: int = 0


@dataclass(frozen=True)
class Cost:
    """What a job took: wall seconds, and images sent through a network forward and backward, and forward alone."""

    seconds: float
    image_passes: int
    forward_passes: int


@dataclass(frozen=True)
class Examples:
    """Training rows as a trainer sees them: images with the label each was given.

    An attack that stamps its trigger after augmentation does so in here. Which rows it stamps is nobody
    else's business: methods read `len`, `labels`, `batches`, `in_order`, `numbered`, take and add, and count.
    """

    images: Images
    labels: Labels
    _trigger_ids: Tensor
    _stamp: Stamp
    _stamp_time: StampTime
    _meter: Meter = field(default_factory=Meter)

    def __len__(self) -> int:
        return len(self.labels)

    def metered(self, meter: Meter) -> "Examples":
        """The same rows, their passes counted by another meter."""
        return replace(self, _meter=meter)

    def take(self, places: Tensor) -> "Examples":
        """The examples at these places, in their order."""
        places = places.to(self.labels.device)
        ids = self._trigger_ids[places]
        return replace(self, images=self.images[places], labels=self.labels[places], _trigger_ids=ids)

    def __add__(self, other: "Examples") -> "Examples":
        """These examples and then those of the other, of the same data set."""
        images, labels = torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels])
        return replace(
            self,
            images=images,
            labels=labels,
            _trigger_ids=torch.cat([self._trigger_ids, other._trigger_ids]),
        )

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Augmented batches in random order, epoch after epoch, until `steps` have been given."""
        generator = torch.Generator().manual_seed(derive_seed("batches", seed))
        padded, ids, labels = self._prepared(recipe)
        done = 0
        while done < steps:
            order = torch.randperm(len(labels), generator=generator)
            for chosen in order.split(recipe.batch_size)[: steps - done]:
                self._meter.image_passes += len(chosen)
                images = augment(padded, chosen, recipe, generator)
                rows = chosen.to(labels.device)
                if self._stamp_time == "after_augmentation":
                    images = self._stamp(images, ids[rows])
                yield images, labels[rows]
                done += 1

    def in_order(
        self, batch_size: int = EVALUATION_BATCH, *, backward: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Every row once, stamped and not augmented, in the order of the rows.

        Args:
            backward: whether the pass that is counted goes backward too.
        """
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            count = len(self.labels[part])
            if backward:
                self._meter.image_passes += count
            else:
                self.count_forward(count)
            yield self._stamp(self.images[part].clone(), self._trigger_ids[part]), self.labels[part]

    def unmetered(self) -> "Examples":
        """The same rows to look at: what no network sees is no pass."""
        return self.metered(Meter())

    def numbered(self) -> "Examples":
        """The same rows with their numbers in place of their labels: which rows a batch holds."""
        return replace(self, labels=torch.arange(len(self), device=self.labels.device))

    def count_forward(self, images: int) -> None:
        """Count a further pass, forward alone, of images that were given out: a teacher's, say."""
        self._meter.forward_passes += images

    def count_backward(self, images: int) -> None:
        """Count a further pass, forward and backward, of images that were given out."""
        self._meter.image_passes += images

    def _prepared(self, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
        images = self.images
        if self._stamp_time == "before_augmentation":
            images = self._stamp(images.clone(), self._trigger_ids)
        return pad(images, [recipe.crop_padding] * 4), self._trigger_ids, self.labels


def examples_of(
    stored: StoredImages, rows: Rows, stamp: Stamp, stamp_time: StampTime, device: torch.device
) -> Examples:
    """The chosen rows of a source as a trainer on that device sees them."""
    images = torch.from_numpy(stored[rows.row]).permute(0, 3, 1, 2).to(device)
    labels = torch.from_numpy(rows.given_label).to(device)
    return Examples(images, labels, torch.from_numpy(rows.trigger_id).to(device), stamp, stamp_time)


def augment(padded: Images, rows: Tensor, recipe: Recipe, generator: Generator) -> AugmentedImages:
    """Random crops (and mirror images of half of them) of the chosen rows, for the whole batch at once."""
    images, channels, height, width = padded.shape
    shifts = 2 * recipe.crop_padding + 1
    height, width = height - shifts + 1, width - shifts + 1
    tops = torch.randint(shifts, (len(rows),), generator=generator)
    lefts = torch.randint(shifts, (len(rows),), generator=generator)
    # Every crop of every image, as a view: one gather then copies whole lines of pixels.
    image, channel, down, across = padded.stride()
    crops = padded.as_strided(
        (images, shifts, shifts, height, width, channels), (image, down, across, down, across, channel)
    )
    chosen = crops[tuple(index.to(padded.device, non_blocking=True) for index in (rows, tops, lefts))]
    if recipe.flip:
        mirrored = (torch.rand(len(rows), generator=generator) < 0.5).nonzero()[:, 0]
        mirrored = mirrored.to(padded.device, non_blocking=True)
        chosen[mirrored] = chosen[mirrored].flip(2)
    return chosen.permute(0, 3, 1, 2)
