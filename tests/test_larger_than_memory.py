"""A data set larger than memory: images stay in their file, and only batches are copied."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from unpoison.detectors import _groups
from unpoison.examples import examples_of
from unpoison.files import map_array, new_array, write_array
from unpoison.outputs import Outputs
from unpoison.recipes import Recipe
from unpoison.rows import clean_rows

CPU = torch.device("cpu")
RECIPE = Recipe(learning_rate=0.1, batch_size=16, epochs=1)
# Reads a set of 600 MB in a process limited to 250 MB beyond its libraries. Mapped files do not count.
READS = """
import resource, sys
import numpy as np, torch
from unpoison.examples import examples_of
from unpoison.recipes import Recipe
from unpoison.rows import clean_rows

torch.set_num_threads(1)
stored = np.load(sys.argv[1], mmap_mode="r")
count = len(stored)
rows = clean_rows([str(n) for n in range(count)], ["train"] * count, np.arange(count) % 2, ("a", "b"))
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + 250_000_000, -1))
examples = examples_of(stored, rows, lambda images, _: images, "after_augmentation", torch.device("cpu"))
parts = examples.take(torch.arange(count).flip(0)) + examples.take(torch.arange(3))
for images, _ in parts.batches(Recipe(learning_rate=0.1, batch_size=128, epochs=1), 0, steps=20):
    assert images.shape[1:] == (3, 64, 64)
for images, _ in parts.in_order():
    pass
print("read")
"""

# Reads the outputs of 100,000 rows in a process limited to 600 MB beyond libraries. Features are 410 MB.
READS_OUTPUTS = """
import resource, sys
import numpy as np
from unpoison.outputs import read_outputs
from unpoison.rows import clean_rows

count = 100_000
rows = clean_rows([f"{n:06}" for n in range(count)], ["train"] * count, np.arange(count) % 2, ("a", "b"))
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + 600_000_000, -1))
training, trusted = read_outputs(sys.argv[1], rows)
in_order = training.take(np.arange(count))
assert in_order.features.shape == (count, 512) and len(trusted.labels) == 0
print("read")
"""


def rows_of(count: int):
    return clean_rows([f"{n:05}" for n in range(count)], ["train"] * count, np.arange(count) % 2, ("a", "b"))


def no_stamp(images: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return images


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
def test_a_set_is_trained_on_and_looked_at_without_a_copy_in_memory(tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (50_000, 64, 64, 3)).flush()
    done = subprocess.run(
        [sys.executable, "-c", READS, str(tmp_path / "images.npy")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "read\n", done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
def test_the_features_of_many_rows_are_in_memory_once(tmp_path: Path) -> None:
    kinds = [("row", np.int32), ("logits", np.float32, 2), ("features", np.float32, 512)]
    table = np.zeros(100_000, kinds)
    table["row"] = np.arange(len(table))
    write_array(tmp_path / "outputs.npy", table)
    done = subprocess.run(
        [sys.executable, "-c", READS_OUTPUTS, str(tmp_path / "outputs.npy")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "read\n", done.stderr


@pytest.mark.parametrize("stamp_time", ["after_augmentation", "before_augmentation"])
def test_a_mapped_file_gives_the_batches_of_an_array(tmp_path: Path, stamp_time: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    write_array(tmp_path / "images.npy", images)
    order = torch.arange(40).flip(0)
    batches = [
        [
            (part.clone(), labels)
            for part, labels in examples_of(stored, rows_of(40), no_stamp, stamp_time, CPU)  # type: ignore[arg-type]
            .take(order)
            .batches(RECIPE, 3, steps=5)
        ]
        for stored in (images, map_array(tmp_path / "images.npy"))
    ]
    for (first, first_labels), (second, second_labels) in zip(*batches, strict=True):
        assert torch.equal(first, second)
        assert torch.equal(first_labels, second_labels)


def test_a_sum_of_parts_of_one_set_is_no_copy_of_their_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    first, second = (examples_of(images, rows_of(40), no_stamp, "after_augmentation", CPU) for _ in range(2))
    both = second.take(torch.tensor([5, 3])) + first.take(torch.tensor([3]))
    assert both._pixels.stored.data_ptr() == images.ctypes.data
    found = both._pixels.images.permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(found, images[[5, 3, 3]])


def test_a_new_array_is_there_when_its_block_ends_well_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    with pytest.raises(ZeroDivisionError), new_array(path) as room:
        room((2, 3))[:] = 1
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    with new_array(path) as room:
        room((2, 3))[:] = 7
        assert not path.exists()
    np.testing.assert_array_equal(map_array(path), np.full((2, 3), 7, np.uint8))


# -- groups of rows in large classes -----------------------------------------------------------------


def class_with_a_group() -> tuple[np.ndarray, np.ndarray]:
    """Return the features of 600 rows of a class, and a mask of the 60 that lie apart."""
    is_apart = np.arange(600) < 60
    return np.random.default_rng(0).normal(size=(600, 8)) + 4.0 * is_apart[:, None], is_apart


def test_the_group_of_a_class_is_found_from_a_part_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    places, is_apart = class_with_a_group()
    monkeypatch.setattr(_groups, "FITTED", 200)
    assert (_groups.suspected(places, 0.4, seed=1) >= is_apart).all()
    like = _groups.group_like(places, is_apart & (np.arange(600) % 2 == 0), seed=1)
    np.testing.assert_array_equal(like.chance > 0.5, is_apart)


def test_the_metric_of_the_features_is_that_of_all_rows_however_many_are_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places, is_apart = class_with_a_group()
    outputs = Outputs(places, places[:, :2], is_apart.astype(np.int64))
    whole = _groups.places_of(outputs)
    monkeypatch.setattr(_groups, "AT_ONCE", 70)
    np.testing.assert_allclose(np.abs(_groups.places_of(outputs)), np.abs(whole), rtol=1e-6)
