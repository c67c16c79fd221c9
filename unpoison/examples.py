"""Rows as a method sees them: images with their given labels, in batches, with every pass counted."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from unpoison.costs import Meter
from unpoison.devices import to_device
from unpoison.pixels import EVALUATION_BATCH, Pixels, Stamp, StampTime
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.seeds import derive_seed
from unpoison.types import Labels, StoredImages

COPIED_AT_ONCE = 10_000  # images copied to a GPU in one piece, so that the host's memory need not hold all


@dataclass(frozen=True)
class Examples:
    """Rows as a method sees them: images with their given labels.

    Triggers are hidden from methods. Methods use `len`, `labels`, `batches`, `in_order`, `numbered`, take and add,
    count, and note.
    """

    _pixels: Pixels
    labels: Labels
    _meter: Meter = field(default_factory=Meter)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        return self.labels.device

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return the channels, height and width."""
        channels, height, width = self._pixels.stored.shape[1:]
        return channels, height, width

    def metered(self, meter: Meter) -> "Examples":
        """Return the same rows, with passes counted by another meter."""
        return replace(self, _meter=meter)

    def take(self, places: Tensor) -> "Examples":
        """Return the examples at these places, in the order of the places."""
        labels = self.labels[to_device(places, self.device)]
        return replace(self, _pixels=self._pixels.take(places), labels=labels)

    def __add__(self, other: "Examples") -> "Examples":
        """Return these examples followed by the other's, which are of the same data set."""
        return replace(
            self, _pixels=self._pixels + other._pixels, labels=torch.cat([self.labels, other.labels])
        )

    def batches(self, recipe: Recipe, seed: int, *, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `steps` augmented batches in random order, epoch after epoch."""
        generator = torch.Generator().manual_seed(derive_seed("batches", seed))
        augmented = self._pixels.augmented(recipe)
        done = 0
        while done < steps:
            order = torch.randperm(len(self), generator=generator)
            for chosen in order.split(recipe.batch_size)[: steps - done]:
                self._meter.image_passes += len(chosen)
                yield augmented(chosen, generator), self.labels[to_device(chosen, self.device)]
                done += 1

    def in_order(
        self, batch_size: int = EVALUATION_BATCH, *, backward: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every row once, stamped and not augmented, in the order of the rows.

        Args:
            backward: whether the pass is counted as forward and backward.
        """
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            count = len(self.labels[part])
            if backward:
                self.count_backward(count)
            else:
                self.count_forward(count)
            yield self._pixels.stamped(part), self.labels[part]

    def unmetered(self) -> "Examples":
        """Return the same rows without counting passes, for images that no network sees."""
        return self.metered(Meter())

    def numbered(self) -> "Examples":
        """Return the same rows with their positions as labels, which tell the rows of a batch."""
        return replace(self, labels=torch.arange(len(self), device=self.device))

    def count_forward(self, images: int) -> None:
        """Count another forward pass of images that were already yielded, such as a teacher's."""
        self._meter.forward_passes += images

    def count_backward(self, images: int) -> None:
        """Count another forward and backward pass of images that were already yielded."""
        self._meter.image_passes += images

    def note_each(self, images: int) -> None:
        """Note per-sample gradients for images whose backward pass is already counted."""
        self._meter.gradient_passes += images

    def note_curved(self, images: int) -> None:
        """Note a product with second derivatives for images whose backward pass is already counted."""
        self._meter.curvature_passes += images


def examples_of(
    stored: StoredImages, rows: Rows, stamp: Stamp, stamp_time: StampTime, device: torch.device
) -> Examples:
    """Return the chosen rows of a source as a trainer on that device sees them.

    On the CPU the images stay where they are stored, in memory or in a file; to a GPU the chosen ones are copied.
    """
    labels, trigger_ids = torch.from_numpy(rows.given_label).to(device), torch.from_numpy(rows.trigger_id)
    if device.type == "cpu":
        pixels = Pixels(_as_tensor(stored), trigger_ids, stamp, stamp_time, torch.from_numpy(rows.image))
        return Examples(pixels, labels)
    images = torch.empty((len(rows), *stored.shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(rows), COPIED_AT_ONCE):
        part = slice(start, start + COPIED_AT_ONCE)
        images[part] = torch.from_numpy(stored[rows.image[part]]).to(device)
    return Examples(Pixels(images.permute(0, 3, 1, 2), trigger_ids, stamp, stamp_time), labels)


def _as_tensor(stored: StoredImages) -> Tensor:
    with warnings.catch_warnings():
        # The warning is about read-only memory maps; nothing here writes to the tensor.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(stored).permute(0, 3, 1, 2)
