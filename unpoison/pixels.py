"""Images on their way to a network: as stored, with the trigger stamped, cropped and mirrored."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from unpoison.devices import to_device
from unpoison.recipes import Recipe
from unpoison.rows import NONE
from unpoison.types import AugmentedImages, Images

StampTime = Literal["after_augmentation", "before_augmentation"]
Stamp = Callable[[Tensor, Tensor], Tensor]
EVALUATION_BATCH = 200  # fits the cache of a CPU: 1.7 times the images a second of 1,000


@dataclass(frozen=True)
class Pixels:
    """Images as stored, the trigger that each one carries (-1: none), and the function and time of its stamp.

    stored: images of a whole data set; places: the positions of these images in it, None for all in their order. So
    `stored` may be a memory-mapped file that is larger than memory: a selection is a list of places, and only a batch
    is copied. trigger_ids: always on the CPU, so that choosing the rows to stamp does not wait for a GPU.
    """

    stored: Images
    trigger_ids: Tensor
    stamp: Stamp
    stamp_time: StampTime = "after_augmentation"
    places: Tensor | None = None

    @property
    def images(self) -> Images:
        """Return a copy of these images."""
        return self._copied(slice(None))

    def take(self, places: Tensor) -> "Pixels":
        """Return the images at these places, in the order of the places."""
        chosen = to_device(places, self.stored.device)
        chosen = chosen if self.places is None else self.places[chosen]
        return replace(self, places=chosen, trigger_ids=self.trigger_ids[places.cpu()])

    def __add__(self, other: "Pixels") -> "Pixels":
        """Return these images followed by the other's, which are of the same data set."""
        trigger_ids = torch.cat([self.trigger_ids, other.trigger_ids])
        is_one = self.stored.shape == other.stored.shape and self.stored.data_ptr() == other.stored.data_ptr()
        if is_one and self.places is not None and other.places is not None:
            return replace(self, places=torch.cat([self.places, other.places]), trigger_ids=trigger_ids)
        images = torch.cat([self.images, other.images])
        return replace(self, stored=images, places=None, trigger_ids=trigger_ids)

    def stamped(self, part: slice) -> Images:
        """Return some of the images with their triggers stamped, not augmented."""
        return self._with_triggers(self._copied(part), self.trigger_ids[part])

    def augmented(self, recipe: Recipe) -> Callable[[Tensor, Generator], AugmentedImages]:
        """Return a function that gives the images at some places, augmented by the recipe and stamped.

        The places are on the CPU.
        """
        before = self.stamp_time == "before_augmentation"

        def batch_of(places: Tensor, generator: Generator) -> Tensor:
            trigger_ids = self.trigger_ids[places]
            images = self._copied(to_device(places, self.stored.device))
            images = self._with_triggers(images, trigger_ids) if before else images
            padded = pad(images, [recipe.crop_padding] * 4)
            batch = augment(padded, torch.arange(len(places)), recipe, generator)
            return batch if before else self._with_triggers(batch, trigger_ids)

        return batch_of

    def _with_triggers(self, images: Tensor, trigger_ids: Tensor) -> Tensor:
        """Return the images; those that carry a trigger are stamped in place."""
        carriers = (trigger_ids != NONE).nonzero()[:, 0]
        if len(carriers):
            places, carried = (to_device(part, images.device) for part in (carriers, trigger_ids[carriers]))
            images[places] = self.stamp(images[places], carried)
        return images

    def _copied(self, part: slice | Tensor) -> Images:
        """Return a copy of some of the images, channels last in memory."""
        in_lines = self.stored.permute(0, 2, 3, 1)
        if self.places is not None:
            part = self.places[part]
        chosen = in_lines[part].clone() if isinstance(part, slice) else in_lines.index_select(0, part)
        return chosen.permute(0, 3, 1, 2)


def augment(padded: Images, rows: Tensor, recipe: Recipe, generator: Generator) -> AugmentedImages:
    """Return random crops (half of them mirrored) of the chosen rows, for the whole batch at once."""
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
    chosen = crops[tuple(to_device(index, padded.device) for index in (rows, tops, lefts))]
    if recipe.flip:
        mirrored = (torch.rand(len(rows), generator=generator) < 0.5).nonzero()[:, 0]
        mirrored = to_device(mirrored, padded.device)
        chosen[mirrored] = chosen[mirrored].flip(2)
    return chosen.permute(0, 3, 1, 2)
