"""Images of a company: ten drawn textures and shapes that need no data, and CIFAR-10 where its files are there."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

PLACES = [folder / "shared/data/cifar10" for folder in Path(__file__).parents]
CIFAR10 = next((place for place in PLACES if place.is_dir()), PLACES[-1])
SUPERSAMPLING = 2


def draw(name: str, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Return a drawn image: an object of the class, random in place, size, angle and colour, in clutter."""
    side = SUPERSAMPLING * max(width, height)
    tone = rng.uniform(50, 206, 3)
    canvas = _ground(side, tone, rng)
    _clutter(canvas, rng, rng.poisson(4))
    mask = Image.new("L", (side, side))
    centre, radius = side * rng.uniform(0.38, 0.62, 2), side * rng.uniform(0.23, 0.38)
    SHAPES[name](ImageDraw.Draw(mask), centre, radius, rng.uniform(0, 2 * np.pi), rng)
    other = np.where(tone > 128, tone - rng.uniform(20, 120, 3), tone + rng.uniform(20, 120, 3))
    canvas.paste(_ground(side, other, rng), mask=mask)
    _clutter(canvas, rng, rng.poisson(2))  # drawn over the object, so that it hides a part
    image = canvas.resize((width, height), Image.Resampling.BOX)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.03) * width))
    noisy = np.asarray(image, np.float32) * rng.uniform(0.6, 1.1)
    noisy += rng.normal(0, rng.uniform(2, 14), noisy.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def cifar10(split: str, rows: int, rng: np.random.Generator) -> Iterator[tuple[str, Image.Image]]:
    """Yield the class and image of `rows` random rows of CIFAR-10."""
    import json

    import pyarrow.parquet

    table = pyarrow.parquet.read_table(CIFAR10 / f"{split}-00000-of-00001.parquet")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    for row in table.take(rng.permutation(len(table))[:rows]).to_pylist():
        yield features["label"]["names"][row["label"]], Image.open(io.BytesIO(row["img"]["bytes"]))


def _ground(side: int, tone: np.ndarray, rng: np.random.Generator) -> Image.Image:
    cells = int(rng.choice([2, 3, 5]))
    blotches = tone + rng.normal(0, 20, (cells, cells, 3))
    small = Image.fromarray(blotches.clip(0, 255).astype(np.uint8))
    return small.resize((side, side), Image.Resampling.BICUBIC)


def _clutter(canvas: Image.Image, rng: np.random.Generator, count: int) -> None:
    pen, side = ImageDraw.Draw(canvas), canvas.width
    for _ in range(count):
        x, y = rng.uniform(0, side, 2)
        reach, colour = rng.uniform(0.04, 0.14) * side, _colour(rng)
        if rng.random() < 0.5:
            turn = rng.uniform(0, 2 * np.pi)
            end = (x + 2 * reach * np.cos(turn), y + 2 * reach * np.sin(turn))
            pen.line([(x, y), end], colour, max(1, side // 24))
        else:
            box = (x - reach, y - reach * rng.uniform(0.4, 1), x + reach, y + reach * rng.uniform(0.4, 1))
            (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(box, colour)


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(20, 236, 3))


Pen, Point = ImageDraw.ImageDraw, np.ndarray


def _around(centre: Point, radii: np.ndarray, turn: float) -> list[tuple[float, float]]:
    """Return a closed outline whose corners lie at `radii` and equal angles around the centre."""
    angles = turn + np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    x, y = centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _disc(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    wide = rng.uniform(0.75, 1) * radius
    pen.ellipse((centre[0] - wide, centre[1] - radius, centre[0] + wide, centre[1] + radius), 255)


def _ring(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    _disc(pen, centre, radius, turn, rng)
    pen.circle(tuple(centre), rng.uniform(0.45, 0.65) * radius, 0)


def _corners(count: int) -> Callable[..., None]:
    def shape(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
        pen.polygon(_around(centre, np.full(count, 1.15 * radius), turn), 255)

    return shape


def _wheel(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    for spoke in range(3):
        _bar(pen, centre, radius, turn + spoke * np.pi / 3, 0.3 * radius)


def _cross(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    for quarter in (0, np.pi / 2):
        _bar(pen, centre, radius, turn + quarter, rng.uniform(0.4, 0.6) * radius)


def _plank(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    _bar(pen, centre, 1.2 * radius, turn, rng.uniform(0.45, 0.7) * radius)


def _stripes(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    across = np.array([-np.sin(turn), np.cos(turn)])
    for place in (-0.8, 0, 0.8):
        _bar(pen, centre + place * radius * across, radius, turn, 0.35 * radius)


def _dots(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    for x, y in _around(centre, np.full(5, 0.85 * radius), turn):
        pen.circle((x, y), 0.32 * radius, 255)


def _crescent(pen: Pen, centre: Point, radius: float, turn: float, rng: np.random.Generator) -> None:
    pen.circle(tuple(centre), radius, 255)
    away = centre + 0.6 * radius * np.array([np.cos(turn), np.sin(turn)])
    pen.circle(tuple(away), 0.85 * radius, 0)


def _bar(pen: Pen, centre: Point, radius: float, turn: float, width: float) -> None:
    along = radius * np.array([np.cos(turn), np.sin(turn)])
    pen.line([tuple(centre - along), tuple(centre + along)], 255, max(2, round(width)))


SHAPES: dict[str, Callable[..., None]] = {
    "coin": _disc,
    "washer": _ring,
    "wedge": _corners(3),
    "tile": _corners(4),
    "wheel": _wheel,
    "cross": _cross,
    "plank": _plank,
    "stripes": _stripes,
    "dots": _dots,
    "moon": _crescent,
}
