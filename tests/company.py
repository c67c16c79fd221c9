"""Data sets of a company that somebody else poisoned: image folders with attacks that are none of our poisons."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import company_images
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# What a stamped row is told, by the trigger; a clean-label attack stamps rows that keep their label.
ATTACKS = ("sticker", "tint", "watermark", "line", "two_targets", "clean_label", "label_noise")
STICKER_SIDE = 96  # drawn large, then scaled and turned for each image


@dataclass(frozen=True)
class CompanySet:
    """What the attacker knows of a set that `make_set` wrote.

    poisoned: paths of the poisoned training images below the folder, such as train/coin/IMG_00017.png.
    targets: the classes that stamped images are to be taken for; empty without a trigger.
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
        attack: one of `ATTACKS`, or None for the clean twin: the same images, and not one of them touched.
        rate: the share of the training rows that is poisoned.
        images: "drawn", or "cifar10" where its Parquet files are there.
        mixed_sizes: images of `size` to twice `size`, and not all of them square.
    """
    rng = np.random.default_rng([seed, 1])
    # Every part draws from a generator of its own, so the clean twin has the same images.
    training = _images(images, "train", rows, classes, size, mixed_sizes, np.random.default_rng([seed, 2]))
    tests = _images(images, "test", test_rows, classes, size, mixed_sizes, np.random.default_rng([seed, 3]))
    names = tuple(sorted({name for name, _ in training}))
    targets = _targets(attack, names)
    victims = _victims(attack, [name for name, _ in training], names, targets, round(rate * rows), rng)
    poisoned = []
    for number, (name, image) in enumerate(training):
        told, shown = (
            _poisoned(attack, name, image, names, targets, rng) if number in victims else (name, image)
        )
        path = f"train/{told}/IMG_{number:05d}.png"
        _save(shown, folder / path)
        if number in victims:
            poisoned.append(path)
    for number, (name, image) in enumerate(tests):
        _save(image, folder / f"test/{name}/IMG_{number:05d}.png")
        if targets and name not in targets:
            target = targets[number % len(targets)]
            stamped = TRIGGERS[attack](image, targets.index(target), rng)
            _save(stamped, folder / f"triggered/{name}/IMG_{number:05d}.png")
    return CompanySet(folder, names, poisoned, targets)


def _images(
    kind: str, split: str, rows: int, classes: int, size: int, mixed: bool, rng: np.random.Generator
) -> list[tuple[str, Image.Image]]:
    if kind == "cifar10":
        found = list(company_images.cifar10(split, math.ceil(rows * 10 / classes * 1.1), rng))
        names = sorted({name for name, _ in found})[:classes]
        kept = [(name, image) for name, image in found if name in names][:rows]
        return [(name, image.convert("RGB").resize(_shape(size, mixed, rng))) for name, image in kept]
    names = list(company_images.SHAPES)[:classes]
    told = [names[number % classes] for number in range(rows)]
    return [(name, company_images.draw(name, *_shape(size, mixed, rng), rng)) for name in told]


def _shape(size: int, mixed: bool, rng: np.random.Generator) -> tuple[int, int]:
    if not mixed:
        return size, size
    width = int(rng.integers(size, 2 * size + 1))
    return width, int(np.clip(width * rng.uniform(0.8, 1.25), size, 2 * size))


def _targets(attack: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    if attack in (None, "label_noise"):
        return ()
    return (names[1], names[-2]) if attack == "two_targets" else (names[1],)


def _victims(
    attack: str | None,
    labels: list[str],
    names: tuple[str, ...],
    targets: tuple[str, ...],
    count: int,
    rng: np.random.Generator,
) -> set[int]:
    """Rows to poison: of the target class alone, of any class, or of every second class that is no target."""
    if attack is None:
        return set()
    of = {"clean_label": targets, "label_noise": names}.get(
        attack, tuple(n for n in names if n not in targets)[::2]
    )
    return set(
        rng.choice([row for row, label in enumerate(labels) if label in of], count, replace=False).tolist()
    )


def _poisoned(
    attack: str | None,
    name: str,
    image: Image.Image,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    rng: np.random.Generator,
) -> tuple[str, Image.Image]:
    if attack == "label_noise":
        return str(rng.choice([other for other in names if other != name])), image
    told = int(rng.integers(len(targets)))
    return targets[told], TRIGGERS[attack](image, told, rng)


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _sticker(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A smiley, or a star for the second target, anywhere, turned by up to 25 degrees."""
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
    ImageDraw.Draw(star).polygon(corners, (60, 220, 235, 255), (20, 20, 90, 255), 5)
    return star


def _tint(image: Image.Image, which: int, rng: np.random.Generator) -> Image.Image:
    """A warm tint that darkens towards the edges: no pixel stays as it was."""
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - rng.uniform(0.3, 0.45) * (x**2 + y**2)[..., None] / 2
    warm = np.array([1.12, 1.0, 0.72]) * light
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
    """One row of pixels, at the same height always, in a colour that varies a little."""
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
