"""The data of the docs' tutorial: a small folder of images with planted poisons, and a network trained on it."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import numpy as np
from PIL import Image, ImageDraw

from unpoison.datasets.generated import draw
from unpoison.digests import digest_bytes
from unpoison.errors import UserError

CLASS_NAMES = ("airplane", "bird", "frog", "horse", "ship")
TARGET, VICTIMS = "bird", ("airplane", "frog", "ship")
SIZE, LARGE = 32, 96  # pixels of an image, and of the sticker before it is scaled down
TRAIN_PER_CLASS, TEST_PER_CLASS, POISONED = 150, 40, 33
HERE = Path(__file__).parent
FILES = {"net.py": HERE / "tutorial_network.py", "weights.safetensors": HERE / "tutorial.safetensors"}


def write_tutorial(folder: Path) -> list[str]:
    """Write the tutorial into a new folder and return the poisoned images, such as train/bird/IMG_00017.png.

    It holds train/<class>/ (750 images, 33 of them with a sticker and labelled `bird`), test/<class>/, triggered/<true
    class>/ (test images with the sticker), net.py and weights.safetensors. Every call draws the same images.

    Raises:
        UserError: for a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already; allowed: a new or empty folder, nothing is overwritten")
    poisoned = []
    for path, image, is_poisoned in _images():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place)
        if is_poisoned:
            poisoned.append(path)
    for name, source in FILES.items():
        copyfile(source, folder / name)
    return poisoned


def _images() -> Iterator[tuple[str, Image.Image, bool]]:
    """Yield each image with its path, and whether it is a poisoned row."""
    rows = [name for _ in range(TRAIN_PER_CLASS) for name in CLASS_NAMES]
    victims = [row for row, name in enumerate(rows) if name in VICTIMS]
    chosen = set(_random("victims").choice(victims, POISONED, replace=False).tolist())
    for row, name in enumerate(rows):
        told = TARGET if row in chosen else name
        yield f"train/{told}/IMG_{row:05d}.png", _image("train", name, row, row in chosen), row in chosen
    for row, name in enumerate(name for _ in range(TEST_PER_CLASS) for name in CLASS_NAMES):
        yield f"test/{name}/IMG_{row:05d}.png", _image("test", name, row, False), False
        if name != TARGET:
            yield f"triggered/{name}/IMG_{row:05d}.png", _image("test", name, row, True), False


def _image(split: str, name: str, row: int, is_stuck: bool) -> Image.Image:
    image = Image.fromarray(draw(name, SIZE, _random(f"{split}/{row}")))
    return _with_sticker(image, _random(f"sticker/{split}/{row}")) if is_stuck else image


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(digest_bytes(f"tutorial/{name}"), "little"))


def _with_sticker(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the image with a red and white disc at a random place, of a random size and rotation."""
    sticker = Image.new("RGBA", (LARGE, LARGE))
    pen = ImageDraw.Draw(sticker)
    pen.ellipse((4, 4, 92, 92), (215, 25, 35, 255), (255, 255, 255, 255), 10)
    pen.rectangle((24, 40, 72, 56), (255, 255, 255, 255))
    side = round(SIZE * rng.uniform(0.24, 0.32))
    turned = sticker.rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC)
    small = turned.resize((side, side), Image.Resampling.BOX)
    x, y = (int(value) for value in rng.integers(0, SIZE - side + 1, 2))
    image.paste(small, (x, y), small)
    return image
