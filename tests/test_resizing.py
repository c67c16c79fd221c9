"""Images of other sizes are made square in the requested way."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpoison.datasets import load_source
from unpoison.errors import UserError
from unpoison.resizing import FILTERS, WAYS, Resizing

WIDE = np.zeros((16, 32, 3), np.uint8)
WIDE[:, :8] = (200, 0, 0)  # a quarter on the left
WIDE[:, 8:24] = (0, 200, 0)
WIDE[:, 24:] = (0, 0, 200)


def square(image: np.ndarray, size: int, **how: str) -> np.ndarray:
    return np.asarray(Resizing(**how).square(Image.fromarray(image), size))


def test_stretching_keeps_every_part_of_the_image() -> None:
    found = square(WIDE, 16, interpolation="nearest")
    assert found[8, 2].tolist() == [200, 0, 0]
    assert found[8, 8].tolist() == [0, 200, 0]
    assert found[8, 14].tolist() == [0, 0, 200]


def test_cropping_keeps_the_middle_and_the_aspect_ratio() -> None:
    found = square(WIDE, 16, resize="crop")
    np.testing.assert_array_equal(found, WIDE[:, 8:24])


def test_padding_keeps_the_aspect_ratio_between_black_bars() -> None:
    found = square(WIDE, 32, resize="pad")
    np.testing.assert_array_equal(found[8:24], WIDE)
    assert not found[:8].any() and not found[24:].any()


@pytest.mark.parametrize("resize", WAYS)
@pytest.mark.parametrize("interpolation", FILTERS)
def test_an_image_of_the_size_stays_as_it_is(resize: str, interpolation: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(square(noise, 20, resize=resize, interpolation=interpolation), noise)


@pytest.mark.parametrize("resize", WAYS)
@pytest.mark.parametrize("shape", [(1, 4000), (4000, 1), (1, 1), (3, 2)])
def test_every_shape_becomes_a_square(resize: str, shape: tuple[int, int]) -> None:
    assert square(np.full((*shape, 3), 90, np.uint8), 32, resize=resize).shape == (32, 32, 3)


def test_the_filters_differ() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    found = {square(noise, 16, interpolation=name).tobytes() for name in FILTERS}
    assert len(found) == len(FILTERS)


@pytest.mark.parametrize("how", [{"resize": "squeeze"}, {"interpolation": "cubic"}])
def test_another_word_is_refused_with_the_choices(how: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"unknown (resize|interpolation) '.*'; choose from (bicubic|crop)"):
        Resizing(**how)


def test_a_source_is_resized_as_asked(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.fromarray(WIDE).save(tmp_path / "train" / name / "1.png")
    images, _ = load_source("image_folder", tmp_path, 16, {}, resizing=Resizing("crop"))
    np.testing.assert_array_equal(images[0], WIDE[:, 8:24])
