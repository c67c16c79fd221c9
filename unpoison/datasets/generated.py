"""The embedded data set: ten classes of small figures, drawn by a seeded program, no download."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from unpoison.contracts.source import Peek, SourceImages
from unpoison.digests import digest_bytes
from unpoison.types import PositiveInt

Colour = tuple[int, ...]
Points = Sequence[Any] | np.ndarray
SUPERSAMPLING = 3
ANGLES = np.linspace(0, 2 * np.pi, 20)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)  # (points, 2)
# Every class takes its colours from here, so that colour alone tells little about the class.
COLOURS = np.array([
    *((130, 85, 50), (185, 145, 100), (120, 120, 125), (55, 50, 55), (205, 200, 190)),
    *((200, 125, 60), (90, 145, 70), (70, 110, 170), (180, 65, 60), (205, 180, 80)),
])  # fmt: skip
SKY, SEA, GRASS = (130, 170, 205), (60, 105, 150), (100, 145, 75)
INK, PAPER, BEAK, STEEL = (30, 26, 32), (225, 222, 215), (215, 150, 50), (150, 150, 155)


def read(
    folder: Path,
    image_size: int,
    *,
    train_per_class: PositiveInt = 1000,
    test_per_class: PositiveInt = 200,
    seed: int = 0,
) -> SourceImages:
    """Draw all images; `folder` is not used, because nothing is read."""
    rows = [
        (split, label, f"{split}/{name}/{number:05d}")
        for split, count in (("train", train_per_class), ("test", test_per_class))
        for label, name in enumerate(FIGURES)
        for number in range(count)
    ]
    class_names = tuple(FIGURES)
    images = np.empty((len(rows), image_size, image_size, 3), np.uint8)
    for image, (_, label, row_id) in zip(images, rows, strict=True):
        image[:] = draw(class_names[label], image_size, _generator(seed, row_id))
    return SourceImages(
        images=images,
        row_ids=[row_id for _, _, row_id in rows],
        splits=[split for split, _, _ in rows],
        labels=np.array([label for _, label, _ in rows], np.int64),
        class_names=class_names,
    )


def peek(
    folder: Path, *, train_per_class: PositiveInt = 1000, test_per_class: PositiveInt = 200, seed: int = 0
) -> Peek:
    """Count the images without drawing one; `folder` is not used."""
    return Peek(dict.fromkeys(FIGURES, train_per_class), dict.fromkeys(FIGURES, test_per_class))


def draw(name: str, image_size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one figure of a class, in a random pose, scene and light: (height, width, 3) uint8."""
    hardness = rng.random() ** 3  # most are clear, so that a small network learns in minutes
    canvas = _background(SUPERSAMPLING * image_size, hardness, rng)
    pen = _Pen(canvas, hardness, rng)
    _distract(pen, rng.poisson(3 * hardness))
    FIGURES[name](pen)
    _distract(pen, rng.poisson(2.5 * hardness))  # over the figure: hides a part of it
    image = canvas.resize((image_size, image_size), Image.Resampling.BOX)
    if rng.random() < hardness:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.03) * image_size))
    return _light(np.asarray(image, np.float32), hardness, rng)


def _generator(seed: int, row_id: str) -> np.random.Generator:
    # One generator per row: an image does not depend on the number of images that are drawn.
    return np.random.default_rng(int.from_bytes(digest_bytes(f"{seed}/{row_id}"), "little"))


class _Pen:
    """Draws in figure coordinates, x to the right and y down, both from about -1 to 1."""

    def __init__(self, canvas: Image.Image, hardness: float, rng: np.random.Generator) -> None:
        self.draw, self.rng, self.side = ImageDraw.Draw(canvas), rng, canvas.width
        self.size = rng.uniform(0.36 - 0.08 * hardness, 0.42) * self.side
        self.centre = (0.5 + rng.uniform(-0.12, 0.12, 2)) * self.side
        stretch = rng.uniform(0.85, 1.12, (2, 1)) * [[rng.choice((-1, 1))], [1]]
        self.pose = self.size * stretch * _turn(rng.normal(0, 0.08 + 0.2 * hardness))
        self.coat, self.trim = _vary(rng), _vary(rng)
        self.dark, self.pale = _mix(self.coat, INK, 0.5), _mix(self.coat, PAPER, 0.5)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def shape(self, points: Points, colour: Colour, edge: float = 0.05) -> None:
        self.draw.polygon(self._place(points), colour)
        if edge:
            self.line(np.vstack([points, np.asarray(points)[:1]]), _mix(colour, INK, 0.55), edge)

    def oval(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.shape(CIRCLE * (width, height) + (x, y), colour)

    def patch(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.shape(CIRCLE * (width, height) + (x, y), colour, edge=0.0)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.draw.circle(self._place((x, y)), radius * self.size, colour)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        self.draw.line(self._place(points), colour, max(1, round(width * self.size)))

    def _place(self, points: Points) -> list[float]:
        return list((np.asarray(points) @ self.pose + self.centre).ravel())


def _background(side: int, hardness: float, rng: np.random.Generator) -> Image.Image:
    """Return blotches or a gradient; in half of the images sky above sea or grass."""
    is_outdoors, cells = rng.random() < 0.5, rng.choice([2, 2, 4, 7])
    tones = rng.normal(SKY if is_outdoors else _vary(rng), 3 + 12 * hardness, (cells, cells, 3))
    tones += rng.normal(0, 5 + 20 * hardness, (cells, cells, 1))
    tiles = Image.fromarray(np.clip(tones, 20, 210).astype(np.uint8))
    canvas = tiles.resize((side, side), Image.Resampling.BILINEAR)
    if is_outdoors:
        ground = rng.normal(SEA if rng.random() < 0.5 else GRASS, 15).astype(int).tolist()
        canvas.paste(tuple(ground), (0, int(rng.uniform(0.45, 0.8) * side), side, side))
    return canvas


def _distract(pen: _Pen, count: int) -> None:
    """Put small shapes anywhere."""
    for _ in range(count):
        x, y = pen.rng.uniform(-0.1, 0.9, 2) * pen.side
        width, height = pen.rng.uniform(0.06, 0.3, 2) * pen.side
        shape = pen.draw.ellipse if pen.rng.random() < 0.5 else pen.draw.rectangle
        shape((x, y, x + width, y + height), _vary(pen.rng))


def _light(pixels: np.ndarray, hardness: float, rng: np.random.Generator) -> np.ndarray:
    """Change brightness and contrast, light one side more than the other, and add noise."""
    ramp = np.linspace(-1, 1, len(pixels), dtype=np.float32)[:, None]
    bright, across, down = rng.uniform((0.75, -0.17, -0.17), (1.1, 0.17, 0.17)).astype(np.float32)
    light = bright + across * ramp.T + down * ramp
    contrast = 1.1 - 0.7 * hardness * rng.random()
    noise = rng.standard_normal(pixels.shape, np.float32) * (2 + 12 * hardness)
    lit = ((pixels - 115) * contrast + 115) * light[:, :, None] + noise
    # No pixel is pure white, so that a white patch in a corner stays unusual.
    return np.asarray(np.clip(lit, 0, 240), np.uint8)


def _vary(rng: np.random.Generator) -> Colour:
    return tuple((COLOURS[rng.integers(len(COLOURS))] + rng.integers(-25, 26, 3)).tolist())


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    return tuple(int(a + share * (b - a)) for a, b in zip(first, second, strict=True))


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _airplane(pen: _Pen) -> None:
    sweep, near, far = pen.between(0.1, 0.5), pen.between(0.3, 0.95), pen.between(0.0, 0.9)
    pen.shape([(-0.5, 0), (-0.85, -0.55), (-1.05, -0.55), (-0.9, 0)], pen.trim)
    pen.shape([(0.25, 0), (-sweep, -far), (-sweep - 0.2, -far), (-0.2, 0)], pen.dark)
    pen.oval(0.0, 0.0, 1.0, pen.between(0.14, 0.25), pen.coat)
    pen.shape([(0.3, 0.05), (-sweep, near), (-sweep - 0.25, near), (-0.2, 0.05)], pen.trim)
    for x in (-0.3, -0.05, 0.2, 0.45, 0.7):
        pen.dot(x, -0.05, 0.05, INK)


def _automobile(pen: _Pen) -> None:
    roof, front, back = pen.between(-0.6, -0.3), pen.between(0.1, 0.5), pen.between(-0.8, -0.3)
    cabin = [(back - 0.2, -0.05), (back, roof), (front - 0.15, roof), (front + 0.2, -0.05)]
    pen.shape(cabin, pen.coat)
    pen.shape(np.array(cabin) * (0.75, 0.7) + (0, -0.05), SKY)
    pen.line([(0, roof), (0, 0)], pen.dark, 0.1)
    pen.shape([(-1, -0.1), (0.7, -0.1), (1, 0.05), (1, 0.35), (-1, 0.35)], pen.coat)
    _wheels_and_lamp(pen, (-0.58, 0.55))


def _truck(pen: _Pen) -> None:
    """Draw a truck: from a pick-up, which resembles an automobile, to a high load."""
    top, roof, split = pen.between(-0.75, -0.05), pen.between(-0.5, -0.3), pen.between(0.0, 0.4)
    pen.shape([(-1, top), (split, top), (split, 0.35), (-1, 0.35)], pen.trim)
    pen.shape([(split, roof), (0.7, roof), (1, 0), (1, 0.35), (split, 0.35)], pen.coat)
    pen.shape([(split + 0.1, roof + 0.1), (0.65, roof + 0.1), (0.85, 0), (split + 0.1, 0)], SKY)
    _wheels_and_lamp(pen, (-0.75, -0.35, 0.65) if pen.rng.random() < 0.5 else (-0.6, 0.6))


def _wheels_and_lamp(pen: _Pen, places: tuple[float, ...]) -> None:
    pen.dot(0.91, 0.14, 0.08, PAPER)
    radius = pen.between(0.18, 0.25)
    for x in places:
        pen.dot(x, 0.38, radius, INK)
        pen.dot(x, 0.38, radius / 2, STEEL)


def _ship(pen: _Pen) -> None:
    """Draw a sailing ship or a steamer."""
    top = pen.between(-1.0, -0.7)
    if pen.rng.random() < 0.5:
        pen.line([(0, 0.2), (0, top)], INK, 0.07)
        pen.shape([(0.08, top), (pen.between(0.4, 0.8), 0), (0.08, 0)], PAPER)
        pen.shape([(-0.08, 0.9 * top), (-0.6, 0), (-0.08, 0)], pen.trim)
    else:
        pen.shape([(-0.1, -0.2), (-0.1, top), (0.2, top), (0.2, -0.2)], pen.trim)
        pen.shape([(-0.6, 0.2), (-0.6, -0.3), (pen.between(0.2, 0.5), -0.3), (0.5, 0.2)], PAPER)
        for x in (-0.4, -0.1, 0.2):
            pen.dot(x, -0.13, 0.06, INK)
    pen.shape([(-0.95, 0.1), (pen.between(0.8, 1.05), 0), (0.65, 0.6), (-0.7, 0.6)], pen.coat)


def _bird(pen: _Pen) -> None:
    lift, tail = pen.between(-0.9, 0.35), pen.between(-0.2, 0.3)
    pen.line([(-0.05, 0.85), (-0.05, 0.3), (0.15, 0.3), (0.15, 0.85), (0.3, 0.85)], INK, 0.06)
    pen.shape([(-0.4, -0.05), (-1.1, tail), (-1, tail + 0.25), (-0.3, 0.3)], pen.dark)
    pen.shape([(0.75, -0.55), (1.1, -0.4), (0.75, -0.3)], BEAK)
    pen.oval(0.0, 0.1, 0.6, pen.between(0.3, 0.46), pen.coat)
    pen.oval(0.52, -0.42, 0.31, 0.31, pen.coat)
    pen.patch(0.2, 0.22, 0.3, 0.2, pen.pale)
    pen.shape([(0.2, 0), (-0.15, lift), (-0.65, lift + 0.1), (-0.35, 0.15)], pen.trim)
    pen.dot(0.6, -0.48, 0.09, INK)


def _horse(pen: _Pen) -> None:
    """Draw head and neck from the side."""
    drop, back = pen.between(-0.1, 0.25), pen.between(-0.8, -0.4)
    pen.shape([(-0.15, -0.8), (back, -0.6), (back - 0.3, 0.8), (-0.5, 0.9), (0, -0.3)], pen.trim)
    pen.shape([(0.1, -0.75), (-0.35, -0.35), (-0.65, 1), (0.4, 1), (0.3, 0.2)], pen.coat)
    pen.shape([(-0.05, -0.6), (0, -1.05), (0.25, -0.7)], pen.coat)
    muzzle = [(0.95, 0.1 + drop), (0.9, 0.4 + drop), (0.65, 0.45 + drop)]
    pen.shape([(0, -0.75), (0.35, -0.7), *muzzle, (0.25, 0.2), (-0.1, -0.1)], pen.coat)
    pen.patch(0.78, 0.28 + drop, 0.17, 0.17, pen.pale)
    pen.dot(0.3, -0.4, 0.09, INK)


def _deer(pen: _Pen) -> None:
    spread, top, jaw = pen.between(0.4, 0.8), pen.between(-1.1, -0.75), pen.between(0.2, 0.35)
    for side in (-1, 1):
        pen.line([(0.15 * side, -0.4), (spread * side, -0.65), (spread * side, top)], pen.trim, 0.1)
        pen.line([(0.6 * spread * side, -0.6), (0.3 * side, top)], pen.trim, 0.1)
        pen.oval(0.62 * side, -0.26, 0.34, 0.17, pen.dark)
    pen.shape([(-0.45, -0.3), (0, -0.5), (0.45, -0.3), (jaw, 0.8), (0, 1), (-jaw, 0.8)], pen.coat)
    pen.patch(0.0, 0.65, jaw, 0.28, pen.pale)
    _eyes(pen, 0.3, -0.05, 0.1)
    pen.patch(0.0, 0.78, 0.14, 0.1, INK)


def _frog(pen: _Pen) -> None:
    apart, bulge, smile = pen.between(0.4, 0.6), pen.between(0.24, 0.34), pen.between(0.25, 0.45)
    for side in (-1, 1):
        pen.oval(apart * side, -0.45, bulge, bulge, pen.coat)
    pen.oval(0.0, 0.15, pen.between(0.8, 1.0), pen.between(0.5, 0.7), pen.coat)
    pen.patch(0.0, 0.45, 0.7, 0.25, pen.pale)
    for side in (-1, 1):
        pen.dot(apart * side, -0.48, 0.65 * bulge, PAPER)
        pen.dot(apart * side, -0.48, 0.3 * bulge, INK)
    pen.line([(-0.75, 0.2), (-0.4, smile), (0.4, smile), (0.75, 0.2)], INK, 0.07)


def _cat(pen: _Pen) -> None:
    _pet(pen, droop=pen.rng.beta(0.8, 3.1), muzzle=pen.between(0.2, 0.36))


def _dog(pen: _Pen) -> None:
    _pet(pen, droop=pen.rng.beta(3.1, 0.8), muzzle=pen.between(0.27, 0.42))


def _pet(pen: _Pen, droop: float, muzzle: float) -> None:
    """Draw a face with ears from pointed and upright (droop 0) to round and hanging (droop 1)."""
    wide, tall = pen.between(0.64, 0.8), pen.between(0.58, 0.72)
    ear_colour = pen.coat if pen.rng.random() < 0.5 else pen.trim
    pen.oval(0.0, 0.15, wide, tall, pen.coat)
    for side in (-1, 1):
        _ear(pen, side, wide, np.clip(droop + pen.rng.normal(0, 0.05), 0, 1), ear_colour)
    pen.patch(0.0, 0.45, muzzle, 0.75 * muzzle, pen.pale)
    _eyes(pen, pen.between(0.24, 0.32), 0.02, pen.between(0.09, 0.13))
    pen.shape(np.array([(-0.5, 0), (0.5, 0), (0, 0.5)]) * muzzle + (0, 0.3), INK, edge=0.0)
    pen.line([(-0.2, 0.62), (0, 0.54), (0.2, 0.62)], INK, 0.05)


def _ear(pen: _Pen, side: int, wide: float, droop: float, colour: Colour) -> None:
    along = np.linspace(0, 1, 6)
    half = (1 - droop) * 0.34 * (1 - along) + droop * 0.26 * np.sqrt(1.02 - along**2)
    outline = np.stack([np.r_[along, along[::-1]], np.r_[half, -half[::-1]]], axis=1)
    leaf = (outline * (0.75 + 0.2 * droop, 1)) @ _turn(np.deg2rad(-75 + 165 * droop))
    pen.shape((leaf + np.array([(0.65 + 0.25 * droop) * wide, -0.25])) * (side, 1), colour)


def _eyes(pen: _Pen, apart: float, y: float, radius: float) -> None:
    for side in (-1, 1):
        pen.dot(apart * side, y, radius, INK)
        pen.dot(apart * side + 0.03, y - 0.03, radius / 3, PAPER)


FIGURES = {
    figure.__name__[1:]: figure
    for figure in (_airplane, _automobile, _bird, _cat, _deer, _dog, _frog, _horse, _ship, _truck)
}
