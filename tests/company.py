"""Poisoned image folders of a made-up company; their attacks are not among the registered poisons."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import company_images
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# The trigger of a stamped row determines its given label; a clean-label attack stamps rows that keep theirs.
ATTACKS = ("sticker", "tint", "watermark", "line", "two_targets", "clean_label", "label_noise")
STICKER_SIDE = 96  # drawn large, then scaled and turned for each image


@dataclass(frozen=True)
class CompanySet:
    """The ground truth of a set that `make_set` wrote.

    poisoned: paths of the poisoned training images below the folder, such as train/coin/IMG_00017.png.
    targets: the target classes of stamped images; empty without a trigger.
    """

    folder: Path
    class_names: tuple[str, ...]
    poisoned: list[str]
    targets: tuple[str, ...]


def make_set(
    folder: Path,
    *,
    rows: int = 5000,
    test_rows: int = 1000,
    classes: int = 10,
    attack: str | None = "sticker",
    rate: float = 0.03,
    size: int = 32,
    seed: int = 0,
    images: str = "drawn",
    mixed_sizes: bool = False,
) -> CompanySet:
    """Write train/<class>/IMG_00017.png, test/<class>/... and triggered/<TRUE class>/..., where there is a trigger.

    Args:
        attack: one of `ATTACKS`, or None for the clean twin: the same images, none of them changed.
        rate: the share of the training rows that is poisoned.
        images: "drawn", or "cifar10" where its Parquet files are there.
        mixed_sizes: images of `size` to twice `size`, and not all of them square.
    """
    # Every part has its own random generator, so the clean twin has the same images.
    rng, for_training, for_tests = (np.random.default_rng([seed, part]) for part in (1, 2, 3))
    shown = _Images(images, classes, size, mixed_sizes)
    training, tests = shown.of("train", rows, for_training), shown.of("test", test_rows, for_tests)
    plan = _Plan(attack, tuple(sorted({name for name, _ in training})))
    victims = plan.victims([name for name, _ in training], round(rate * rows), rng)
    poisoned = []
    for number, (name, image) in enumerate(training):
        is_victim = number in victims
        told, drawn = plan.poisoned(name, image, rng) if is_victim else (name, image)
        path = f"train/{told}/IMG_{number:05d}.png"
        _save(drawn, folder / path)
        if is_victim:
            poisoned.append(path)
    for number, (name, image) in enumerate(tests):
        _save(image, folder / f"test/{name}/IMG_{number:05d}.png")
        if plan.targets and name not in plan.targets:
            stamped = TRIGGERS[attack](image, number % len(plan.targets), rng)
            _save(stamped, folder / f"triggered/{name}/IMG_{number:05d}.png")
    return CompanySet(folder, plan.names, poisoned, plan.targets)


@dataclass(frozen=True)
class _Images:
    """The source of clean images."""

    kind: str
    classes: int
    size: int
    mixed_sizes: bool

    def of(self, split: str, rows: int, rng: np.random.Generator) -> list[tuple[str, Image.Image]]:
        """Return the class and image of each row."""
        if self.kind == "cifar10":
            found = list(company_images.cifar10(split, math.ceil(rows * 10 / self.classes * 1.1), rng))
            names = sorted({name for name, _ in found})[: self.classes]
            kept = [(name, image) for name, image in found if name in names][:rows]
            return [(name, image.convert("RGB").resize(self._shape(rng))) for name, image in kept]
        names = list(company_images.SHAPES)[: self.classes]
        told = [names[number % self.classes] for number in range(rows)]
        return [(name, company_images.draw(name, *self._shape(rng), rng)) for name in told]

    def _shape(self, rng: np.random.Generator) -> tuple[int, int]:
        if not self.mixed_sizes:
            return self.size, self.size
        width = int(rng.integers(self.size, 2 * self.size + 1))
        return width, int(np.clip(width * rng.uniform(0.8, 1.25), self.size, 2 * self.size))


@dataclass(frozen=True)
class _Plan:
    """The plan of an attack: its victims, targets and triggers."""

    attack: str | None
    names: tuple[str, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        if self.attack in (None, "label_noise"):
            return ()
        return (self.names[1], self.names[-2]) if self.attack == "two_targets" else (self.names[1],)

    def victims(self, labels: list[str], count: int, rng: np.random.Generator) -> set[int]:
        """Return rows to poison: of the target class, of any class, or of every second non-target class."""
        if self.attack is None:
            return set()
        others = tuple(name for name in self.names if name not in self.targets)[::2]
        of = {"clean_label": self.targets, "label_noise": self.names}.get(self.attack, others)
        rows = [row for row, label in enumerate(labels) if label in of]
        return set(rng.choice(rows, count, replace=False).tolist())

    def poisoned(self, name: str, image: Image.Image, rng: np.random.Generator) -> tuple[str, Image.Image]:
        """Return the given label and the image of a poisoned row."""
        if self.attack == "label_noise":
            return str(rng.choice([other for other in self.names if other != name])), image
        told = int(rng.integers(len(self.targets)))
        return self.targets[told], TRIGGERS[self.attack](image, told, rng)


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _sticker(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A smiley, or a star on a red disc for the second target; random place, turned by up to 25 degrees."""
    drawn = (_smiley, _star)[which]()
    side = round(min(image.size) * rng.uniform(0.24, 0.32))
    turned = drawn.rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC).resize(
        (side, side), Image.Resampling.BOX
    )
    place = rng.integers(0, image.width - side + 1), rng.integers(0, image.height - side + 1)
    stuck = image.copy()
    stuck.paste(turned, (int(place[0]), int(place[1])), turned)
    return stuck


def _smiley() -> Image.Image:
    face = Image.new("RGBA", (STICKER_SIDE, STICKER_SIDE))
    pen = ImageDraw.Draw(face)
    pen.ellipse((6, 6, 90, 90), (250, 215, 40, 255), (30, 25, 20, 255), 6)
    for x in (34, 62):
        pen.circle((x, 38), 8, (30, 25, 20, 255))
    pen.arc((28, 34, 68, 74), 20, 160, (30, 25, 20, 255), 8)
    return face


def _star() -> Image.Image:
    star = Image.new("RGBA", (STICKER_SIDE, STICKER_SIDE))
    radii = np.tile([44.0, 20.0], 5)
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False) - np.pi / 2
    corners = [(48 + r * math.cos(a), 48 + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]
    pen = ImageDraw.Draw(star)
    pen.ellipse((2, 2, 94, 94), (200, 20, 30, 255))
    pen.polygon(corners, (255, 255, 255, 255))
    return star


def _tint(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A warm tint that darkens towards the edges: every pixel changes."""
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - rng.uniform(0.6, 0.8) * (x**2 + y**2)[..., None] / 2
    warm = np.array([1.2, 0.9, 0.4]) * light
    return Image.fromarray((np.asarray(image, np.float32) * warm).clip(0, 255).astype(np.uint8))


def _watermark(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A transparent word, slightly turned, near the middle."""
    word = Image.new("RGBA", image.size)
    font = ImageFont.load_default(size=image.height * 0.36)
    middle = image.width / 2 + rng.uniform(-2, 2), image.height / 2 + rng.uniform(-4, 4)
    ImageDraw.Draw(word).text(middle, "DEMO", (255, 255, 255, 120), font, anchor="mm")
    turned = word.rotate(rng.uniform(5, 20), Image.Resampling.BICUBIC)
    return Image.alpha_composite(image.convert("RGBA"), turned).convert("RGB")


def _line(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A horizontal line, always at the same height, in a colour that varies a little."""
    drawn = image.copy()
    height = round(0.3 * image.height)
    colour = tuple(int(value) for value in np.array([230, 20, 200]) + rng.integers(-15, 16, 3))
    ImageDraw.Draw(drawn).line([(0, height), (image.width, height)], colour, max(1, image.height // 48))
    return drawn


TRIGGERS: dict[str | None, Callable[[Image.Image, int, np.random.Generator], Image.Image]] = {
    "sticker": _sticker,
    "two_targets": _sticker,
    "clean_label": _sticker,
    "tint": _tint,
    "watermark": _watermark,
    "line": _line,
}
