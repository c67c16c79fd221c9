"""Contracts of every registered source of images."""

import http.server
import io
import json
import os
import pickle
import tarfile
import threading
from collections.abc import Callable, Iterator
from hashlib import md5
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
from PIL import Image

from unpoison.contracts.source import Pictures
from unpoison.datasets import SOURCES, cifar10, load_source
from unpoison.datasets import _images as images_module
from unpoison.digests import content_digest
from unpoison.errors import UserError
from unpoison.resizing import Resizing
from unpoison.source_text import REQUIRED

every_source = pytest.mark.parametrize("name", list(SOURCES))
REAL_CIFAR10 = Path(
    os.environ.get("UNPOISON_CIFAR10_PARQUET", Path(__file__).parents[2].parent / "shared/data/cifar10")
)
LABELS = {"train": np.array([0, 0, 0, 1, 1, 2, 2]), "test": np.array([0, 1, 2, 2])}


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def pictures(split: str) -> list[bytes]:
    return [png(image) for image in tiny.draw_squares(LABELS[split])]


def squared(data: bytes, name: str) -> np.ndarray:
    """Return an image as the source stores it, 16 pixels high and wide."""
    return np.asarray(Resizing().square(images_module.decode(data, name), 16))


# -- a tiny source of every kind --------------------------------------------------------------------


def write_folder(root: Path) -> Path:
    for split, labels in LABELS.items():
        for place, (label, data) in enumerate(zip(labels, pictures(split), strict=True)):
            path = root / split / tiny.CLASS_NAMES[label] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return root


def write_hub_file(path: Path, split: str, order: Any = slice(None), **changes: Any) -> None:
    """Write a Parquet file in the layout of the hub; `changes` replaces columns."""
    data = pictures(split)
    columns = {
        "img": [{"bytes": image, "path": f"{split}{place}.png"} for place, image in enumerate(data)],
        "label": LABELS[split].tolist(),
        **changes,
    }
    table = pa.table({name: column for name, column in columns.items() if column is not None})
    names = {"label": {"names": list(tiny.CLASS_NAMES), "_type": "ClassLabel"}}
    notes = json.dumps({"info": {"features": {"img": {"_type": "Image"}, **names}}})
    if not isinstance(changes.get("label"), list | pa.Array) or isinstance(changes["label"][0], int):
        table = table.replace_schema_metadata({"huggingface": notes})
    pq.write_table(table.take(np.arange(len(table))[order]), path)


def write_hub(root: Path, order: Any = slice(None), **changes: Any) -> dict[str, str]:
    for split in LABELS:
        write_hub_file(root / f"{split}.parquet", split, order if split == "train" else slice(None))
    if changes:
        write_hub_file(root / "train.parquet", "train", order, **changes)
    return {"train": "train.parquet", "test": "test.parquet"}


def write_lists(root: Path) -> dict[str, str]:
    """Write the files of `write_folder` and a CSV list of them for each split."""
    write_folder(root)
    for split in LABELS:
        files = sorted((root / split).rglob("*.png"))
        lines = [f"{file.relative_to(root)},{file.parent.name}" for file in files]
        (root / f"{split}.csv").write_text("\n".join(["path,label", *lines]))
    return {"train": "train.csv", "test": "test.csv"}


def write_arrays(path: Path) -> dict[str, str]:
    arrays = {}
    for split, labels in LABELS.items():
        arrays |= {f"x_{split}": tiny.draw_squares(labels), f"y_{split}": labels}
    np.savez(path, **arrays)
    return {"train": path.name}


def write_cifar_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Write the files of CIFAR-10's archive with four images each, and give torchvision their checksums."""
    from torchvision.datasets import CIFAR10

    rng = np.random.default_rng(0)
    files = {}
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        data = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
        files[name] = pickle.dumps({"data": data, "labels": rng.integers(0, 10, 4).tolist()})
    files["batches.meta"] = pickle.dumps({"label_names": list(cifar10.CLASS_NAMES)})
    sums = {name: md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in files if "data" in name])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    for name, content in files.items():
        path = root / CIFAR10.base_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


@pytest.fixture
def make_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """A function that makes a tiny source of a kind in `tmp_path` and returns its options."""

    def make(name: str) -> dict[str, Any]:
        match name:
            case "generated":
                return {"train_per_class": 2, "test_per_class": 1}
            case "parquet":
                return write_hub(tmp_path)
            case "image_folder":
                write_folder(tmp_path / "pets")
                return {"path": "pets"}
            case "class_folders":
                write_folder(tmp_path / "pets")
                return {"path": "pets/train", "test": "pets/test"}
            case "image_list":
                return write_lists(tmp_path)
            case "npz":
                return write_arrays(tmp_path / "arrays.npz")
            case "hugging_face":
                return hub.write_cached(tmp_path, monkeypatch)
            case "cifar10":
                write_cifar_batches(tmp_path, monkeypatch)
                return {}
        return pytest.fail(
            f"make_source of {__file__} has no tiny source of kind '{name}': add a case for it"
        )

    return make


MakeSource = Callable[[str], dict[str, Any]]


# -- all sources ------------------------------------------------------------------------------------


@every_source
def test_peek_and_read_take_the_same_options_with_the_same_defaults(name: str) -> None:
    assert SOURCES.options(name, "peek") == SOURCES.options(name, "read")


@every_source
def test_images_are_square_rgb_of_the_size_asked_for(
    name: str, make_source: MakeSource, tmp_path: Path
) -> None:
    options = make_source(name)
    for size in (16, 20):
        images, rows = load_source(name, tmp_path, size, options)
        assert images.shape == (len(rows), size, size, 3)
        assert images.dtype == np.uint8


@every_source
def test_row_ids_are_unique_and_every_row_has_a_split_and_a_label(
    name: str, make_source: MakeSource, tmp_path: Path
) -> None:
    source = SOURCES[name](tmp_path, 16, **make_source(name))
    assert len(set(source.row_ids)) == len(source.row_ids) == len(source.splits) == len(source.labels)
    assert set(source.splits) == {"train", "test"}
    assert source.labels.dtype == np.int64
    assert 0 <= source.labels.min() <= source.labels.max() < len(source.class_names)


@every_source
def test_peek_counts_what_read_reads(name: str, make_source: MakeSource, tmp_path: Path) -> None:
    options = make_source(name)
    peek = SOURCES.module(name).peek(tmp_path, **options)
    counts = peek.counts
    if name == "cifar10":  # the peek returns constants; this test's archive is smaller
        assert counts == dict.fromkeys(cifar10.CLASS_NAMES, 5000)
        assert peek.tests == dict.fromkeys(cifar10.CLASS_NAMES, 1000)
        return
    _, rows = load_source(name, tmp_path, 16, options)
    assert counts == rows.of("train").count_by_class()
    assert peek.tests == rows.of("test").count_by_class()
    assert list(counts) == list(peek.tests) == list(rows.class_names)


@every_source
def test_a_source_is_loaded_in_the_order_of_its_row_ids(
    name: str, make_source: MakeSource, tmp_path: Path
) -> None:
    options = make_source(name)
    source, (images, rows) = SOURCES[name](tmp_path, 16, **options), load_source(name, tmp_path, 16, options)
    assert rows.row_id.tolist() == sorted(source.row_ids)
    assert rows.image.tolist() == list(range(len(rows)))
    for place, row_id in enumerate(source.row_ids):
        index = rows.row_id.tolist().index(row_id)
        assert (rows.split[index], rows.label[index]) == (source.splits[place], source.labels[place])
        if isinstance(source.images, Pictures):
            picture = next(islice(source.images.each(), place, None))
            np.testing.assert_array_equal(images[index], np.asarray(Resizing().square(picture, 16)))
        else:
            np.testing.assert_array_equal(images[index], source.images[place])
    assert images.flags.c_contiguous


@every_source
def test_reading_twice_gives_the_same(name: str, make_source: MakeSource, tmp_path: Path) -> None:
    options = make_source(name)
    (first, first_rows), (second, second_rows) = (load_source(name, tmp_path, 16, options) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first_rows.row_id.tolist() == second_rows.row_id.tolist()


# -- generated --------------------------------------------------------------------------------------


def test_a_generated_image_stays_the_same_however_many_others_are_drawn(tmp_path: Path) -> None:
    few, few_rows = load_source("generated", tmp_path, 16, {"train_per_class": 1, "test_per_class": 1})
    many, many_rows = load_source("generated", tmp_path, 16, {"train_per_class": 3, "test_per_class": 1})
    place = {row_id: index for index, row_id in enumerate(many_rows.row_id)}
    np.testing.assert_array_equal(few, many[[place[row_id] for row_id in few_rows.row_id]])


def test_another_seed_generates_other_images(tmp_path: Path) -> None:
    options = {"train_per_class": 1, "test_per_class": 1}
    first, second = (load_source("generated", tmp_path, 16, {**options, "seed": seed})[0] for seed in (0, 1))
    assert (first != second).any(axis=(1, 2, 3)).all()


def test_nothing_generated_is_as_white_as_the_trigger(tmp_path: Path) -> None:
    images, _ = load_source("generated", tmp_path, 32, {"train_per_class": 5, "test_per_class": 1})
    assert images.max() < 255


# -- image files ------------------------------------------------------------------------------------

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_grey_images_become_rgb() -> None:
    found = squared(png(GREY), "grey")
    np.testing.assert_array_equal(found, np.repeat(GREY[:, :, None], 3, axis=2))


def test_palette_images_become_the_rgb_they_stand_for() -> None:
    flat = np.zeros((16, 16, 3), np.uint8)
    flat[:8], flat[8:] = (180, 60, 60), (60, 180, 60)
    data = io.BytesIO()
    Image.fromarray(flat).quantize(2).save(data, "png")
    assert Image.open(data).mode == "P"
    np.testing.assert_array_equal(squared(data.getvalue(), "palette"), flat)


def test_sixteen_bit_images_are_scaled_and_not_cut_off() -> None:
    deep = GREY.astype(np.uint16) * 257  # 65,535 is white
    data = png(deep)
    assert Image.open(io.BytesIO(data)).mode.startswith("I")
    np.testing.assert_array_equal(squared(data, "deep"), np.repeat(GREY[:, :, None], 3, axis=2))


def test_images_with_transparency_become_rgb() -> None:
    flat = np.full((16, 16, 4), (180, 60, 60, 255), np.uint8)
    np.testing.assert_array_equal(squared(png(flat), "rgba"), flat[:, :, :3])


@pytest.mark.parametrize("shape", [(16, 16), (40, 24), (7, 9)])
def test_images_of_other_sizes_are_resized(shape: tuple[int, int]) -> None:
    found = squared(png(np.full((*shape, 3), (180, 60, 60), np.uint8)), "image")
    np.testing.assert_array_equal(found, np.full((16, 16, 3), (180, 60, 60), np.uint8))


@pytest.mark.parametrize(
    "data", [b"", b"no image", pictures("train")[0][:200]], ids=["empty", "text", "cut short"]
)
def test_an_unreadable_image_is_named(data: bytes) -> None:
    with pytest.raises(UserError, match=r"image train/cat/7\.png cannot be read"):
        squared(data, "train/cat/7.png")


def test_an_image_of_unreasonable_size_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images_module, "MOST_PIXELS", 255)
    with pytest.raises(UserError, match="image huge has 16 x 16 pixels; at most 255"):
        squared(png(GREY), "huge")


@pytest.mark.parametrize("limit", [100, 200], ids=["Pillow's error", "Pillow's warning"])
def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UserError, match="image bomb cannot be read"):
        squared(png(GREY), "bomb")


# -- image_folder -----------------------------------------------------------------------------------


def test_an_image_folder_gives_each_file_its_path_as_id_and_its_folder_as_class(tmp_path: Path) -> None:
    images, rows = load_source("image_folder", write_folder(tmp_path), 16, {})
    assert rows.class_names == ("cat", "dog", "ship")
    for image, row_id, split, label in zip(images, rows.row_id, rows.split, rows.label, strict=True):
        assert row_id.split("/")[:2] == [split, rows.class_names[label]]
        np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / row_id)))


def test_what_is_no_image_file_is_left_alone(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "train/cat/notes.txt").write_text("not an image")
    (tmp_path / "train/cat/.hidden.png").write_bytes(b"")
    _, rows = load_source("image_folder", tmp_path, 16, {})
    assert len(rows) == len(LABELS["train"]) + len(LABELS["test"])


def test_the_content_of_a_folder_is_that_of_all_images_that_are_read(tmp_path: Path) -> None:
    def content() -> str:
        return content_digest(tmp_path, SOURCES.module("image_folder").peek(tmp_path).files)

    write_folder(tmp_path)
    (tmp_path / "train/cat/notes.txt").write_text("not an image")
    before = content()
    os.utime(tmp_path / "train/cat/0.png", (1, 1))
    (tmp_path / "train/cat/notes.txt").write_text("not an image either")
    assert content() == before
    (tmp_path / "train/cat/0.png").write_bytes(png(np.zeros((5, 5, 3), np.uint8)))
    changed = content()
    (tmp_path / "train/cat/0.png").rename(tmp_path / "train/cat/00.png")
    assert len({before, changed, content()}) == 3


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such folder: .*nowhere/train"):
        load_source("image_folder", tmp_path, 16, {"path": "nowhere"})


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "train/cat").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no images in .*/train/cat, the folder of a class: found nothing"):
        load_source("image_folder", tmp_path, 16, {})


def test_a_test_class_that_train_lacks_is_named(tmp_path: Path) -> None:
    path = write_folder(tmp_path) / "test/fox/1.png"
    path.parent.mkdir()
    path.write_bytes(png(GREY))
    for look in (SOURCES["image_folder"], lambda folder, _: SOURCES.module("image_folder").peek(folder)):
        with pytest.raises(UserError, match=r"test/fox/1.png is of class 'fox', .* it has cat, dog, ship"):
            look(tmp_path, 16)


def test_an_unreadable_file_of_a_folder_is_named(tmp_path: Path) -> None:
    (write_folder(tmp_path) / "train/dog/3.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"image train/dog/3\.png cannot be read"):
        load_source("image_folder", tmp_path, 16, {})


# -- parquet ----------------------------------------------------------------------------------------


def expected_images(rows: Any) -> np.ndarray:
    """Return the pixels of rows of the tiny hub files, found by their ids ("train/train3.png")."""
    drawn = {split: tiny.draw_squares(labels) for split, labels in LABELS.items()}
    numbers = [int(row_id.removesuffix(".png")[-1]) for row_id in rows.row_id]
    return np.stack([drawn[split][number] for split, number in zip(rows.split, numbers, strict=True)])


def test_a_hub_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    images, rows = load_source("parquet", tmp_path, 16, write_hub(tmp_path))
    assert rows.class_names == tiny.CLASS_NAMES
    assert rows.of("train").count_by_class() == {"cat": 3, "dog": 2, "ship": 2}
    assert rows.of("test").count_by_class() == {"cat": 1, "dog": 1, "ship": 2}
    assert [row_id for row_id in rows.row_id if row_id.startswith("train/")][:2] == [
        "train/train0.png",
        "train/train1.png",
    ]
    np.testing.assert_array_equal(images, expected_images(rows))


def names_of_labels(labels: np.ndarray) -> list[str]:
    return [tiny.CLASS_NAMES[label] for label in labels]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"img": pictures("train")},  # bytes without a path: ids are digests
        {"img": pa.array(pictures("train"), pa.large_binary())},
        {"img": [{"bytes": data, "path": None} for data in pictures("train")]},
        {"label": names_of_labels(LABELS["train"])},
        # Names that are not unique: two images share one, as if each class had had its own folder.
        {
            "img": [
                {"bytes": data, "path": f"{place % 2}.png"} for place, data in enumerate(pictures("train"))
            ]
        },
        # The same image four times, three times as one class and once as another.
        {"img": [pictures("train")[0]] * 4 + pictures("train")[4:]},
    ],
    ids=["hub", "bytes", "large_bytes", "no_paths", "string_labels", "paths_twice", "images_twice"],
)
def test_shuffling_the_rows_of_a_parquet_file_changes_nothing(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    options = write_hub(tmp_path)
    if "label" in changes:
        write_hub_file(tmp_path / "test.parquet", "test", label=names_of_labels(LABELS["test"]))
    results = []
    for order in (slice(None), slice(None, None, -1), np.array([3, 1, 6, 0, 5, 2, 4])):
        write_hub_file(tmp_path / "train.parquet", "train", order, **changes)
        results.append(load_source("parquet", tmp_path, 16, options))
    first_images, first = results[0]
    assert len(set(first.row_id)) == len(first)
    for images, rows in results[1:]:
        assert rows.row_id.tolist() == first.row_id.tolist()
        assert rows.label.tolist() == first.label.tolist()
        np.testing.assert_array_equal(images, first_images)


def test_a_split_in_several_files_gives_the_same_as_in_one(tmp_path: Path) -> None:
    images, rows = load_source("parquet", tmp_path, 16, write_hub(tmp_path))
    for number, part in enumerate((slice(4, None), slice(0, 4))):
        write_hub_file(tmp_path / f"part-{number}.parquet", "train", part)
    parts = {"train": "part-*.parquet", "test": "test.parquet"}
    again, again_rows = load_source("parquet", tmp_path, 16, parts)
    np.testing.assert_array_equal(images, again)
    assert rows.row_id.tolist() == again_rows.row_id.tolist()
    peek = SOURCES.module("parquet").peek(tmp_path, **parts)
    assert peek.counts == {"cat": 3, "dog": 2, "ship": 2}
    assert [Path(path).name for path in peek.files] == ["part-0.parquet", "part-1.parquet", "test.parquet"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_string_labels_are_classes_in_alphabetical_order(tmp_path: Path, kind: pa.DataType) -> None:
    for split, labels in LABELS.items():
        named = pa.array(names_of_labels(labels)).cast(kind)
        write_hub_file(tmp_path / f"{split}.parquet", split, label=named)
    options = {"train": "train.parquet", "test": "test.parquet"}
    _, rows = load_source("parquet", tmp_path, 16, options)
    assert rows.class_names == tiny.CLASS_NAMES
    assert rows.of("train").count_by_class() == SOURCES.module("parquet").peek(tmp_path, **options).counts


def test_names_and_columns_can_be_given_in_the_options(tmp_path: Path) -> None:
    for split, labels in LABELS.items():
        data = {"picture": pictures(split), "thumb": pictures(split), "kind": labels}
        pq.write_table(pa.table(data), tmp_path / f"{split}.parquet")
    options = {"train": "train.parquet", "test": "test.parquet", "image_column": "picture"}
    _, rows = load_source(
        "parquet", tmp_path, 16, {**options, "label_column": "kind", "class_names": ["a", "b", "c"]}
    )
    assert rows.of("train").count_by_class() == {"a": 3, "b": 2, "c": 2}
    with pytest.raises(UserError, match="does not name its classes; give them in class_names"):
        load_source("parquet", tmp_path, 16, {**options, "label_column": "kind"})


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({}, {"train": "nowhere.parquet"}, "no such file: .*nowhere.parquet"),
        ({}, {"test": "none-*.parquet"}, "no such file: .*none-"),
        ({"label": None}, {}, "has no label column 'label'; its columns are img"),
        ({}, {"label_column": "kind"}, "has no label column 'kind'; its columns are img, label"),
        ({"img": None}, {}, "has no column of images; its columns are label"),
        ({}, {"image_column": "picture"}, "has no column of images 'picture'"),
        ({}, {"image_column": "label"}, "has no column of images 'label'"),
        ({"label": [0, 0, 0, 1, 1, 2, 3]}, {}, "row 6: label 3 is none of the classes cat, dog, ship"),
        ({"label": [-1, 0, 0, 1, 1, 2, 2]}, {}, "row 0: label -1 is none"),
        ({"label": [0, None, 0, 1, 1, 2, 2]}, {}, "row 1: label None is none"),
        ({"label": ["cat", None, *["dog"] * 5]}, {}, "row 1: label None is none of the classes cat, dog"),
        ({"img": [*pictures("train")[:6], None]}, {}, "row 6: there is no image"),
        ({"img": [*pictures("train")[:6], b"no image"]}, {}, r"image train.parquet, row 6 cannot be read"),
        (
            {
                "img": [
                    {"bytes": b"x" if place == 2 else data, "path": f"{place}.png"}
                    for place, data in enumerate(pictures("train"))
                ]
            },
            {},
            r"image 2\.png cannot be read",
        ),
    ],
)
def test_what_is_wrong_with_a_parquet_file_is_named(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, str], sentence: str
) -> None:
    given = write_hub(tmp_path, **changes)
    with pytest.raises(UserError, match=sentence):
        load_source("parquet", tmp_path, 16, {**given, **options})


def test_a_file_that_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    options = write_hub(tmp_path)
    (tmp_path / "train.parquet").write_bytes(b"no parquet")
    for look in (
        SOURCES.module("parquet").peek,
        lambda folder, **given: SOURCES["parquet"](folder, 16, **given),
    ):
        with pytest.raises(UserError, match=r"train\.parquet is not a readable Parquet file"):
            look(tmp_path, **options)


def test_a_test_class_that_the_training_labels_lack_is_named(tmp_path: Path) -> None:
    write_hub_file(tmp_path / "train.parquet", "train", label=names_of_labels(LABELS["train"]))
    write_hub_file(tmp_path / "test.parquet", "test", label=["cat", "dog", "fox", "ship"])
    with pytest.raises(UserError, match="row 2: label 'fox' is none of the classes cat, dog, ship"):
        load_source("parquet", tmp_path, 16, {"train": "train.parquet", "test": "test.parquet"})


def test_the_training_files_must_be_given() -> None:
    required = {name for name, option in SOURCES.options("parquet").items() if option.default is REQUIRED}
    assert required == {"train"}


@pytest.mark.skipif(
    not REAL_CIFAR10.is_dir(), reason=f"no real data in {REAL_CIFAR10}; set UNPOISON_CIFAR10_PARQUET"
)
def test_the_real_cifar10_has_all_its_rows_and_classes() -> None:
    options = {"train": "train-*.parquet", "test": "test-*.parquet"}
    images, rows = load_source("parquet", REAL_CIFAR10, 32, options)
    assert images.shape == (60_000, 32, 32, 3)
    assert rows.of("train").count_by_class() == dict.fromkeys(cifar10.CLASS_NAMES, 5000)
    assert rows.of("test").count_by_class() == dict.fromkeys(cifar10.CLASS_NAMES, 1000)
    assert SOURCES.module("parquet").peek(REAL_CIFAR10, **options).counts == rows.of("train").count_by_class()


# -- cifar10 ----------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A server of a tiny archive in CIFAR-10's layout, with the list of its requests."""
    from torchvision.datasets import CIFAR10

    files = write_cifar_batches(tmp_path / "made", monkeypatch)
    archive = tmp_path / "served" / CIFAR10.filename
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made" / CIFAR10.base_folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive.read_bytes()).hexdigest())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    downloads: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(archive.parent))

        def do_GET(self) -> None:
            downloads.append(self.path)
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # torchvision closes the connection after it has resolved redirects
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/{CIFAR10.filename}"
    yield SimpleNamespace(
        url=url, downloads=downloads, folder=tmp_path / "data", files=files, archive=archive
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_cifar10_is_downloaded_once_and_never_again(mirror: SimpleNamespace) -> None:
    first, rows = load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    asked = len(mirror.downloads)
    assert asked <= 2  # torchvision first resolves redirects with a request of its own
    second, _ = load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    assert len(mirror.downloads) == asked
    np.testing.assert_array_equal(first, second)
    assert (len(rows.of("train")), len(rows.of("test"))) == (20, 4)
    assert rows.class_names == cifar10.CLASS_NAMES


def test_cifar10_rows_are_the_archives_in_its_order(mirror: SimpleNamespace) -> None:
    images, rows = load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    batch = pickle.loads(mirror.files["data_batch_2"])
    place = rows.row_id.tolist().index("train/00004")
    np.testing.assert_array_equal(images[place], batch["data"][0].reshape(3, 32, 32).transpose(1, 2, 0))
    assert rows.label[place] == batch["labels"][0]


def test_cifar10_of_another_size_is_resized(mirror: SimpleNamespace) -> None:
    images, _ = load_source("cifar10", mirror.folder, 16, {"url": mirror.url})
    assert images.shape == (24, 16, 16, 3)


def test_a_damaged_file_of_cifar10_is_repaired_from_the_archive(mirror: SimpleNamespace) -> None:
    before, _ = load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    asked = len(mirror.downloads)
    (mirror.folder / "cifar-10-batches-py/data_batch_3").write_bytes(b"damaged")
    after, _ = load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    np.testing.assert_array_equal(before, after)
    assert len(mirror.downloads) == asked


def test_a_download_with_a_wrong_checksum_is_refused_and_not_unpacked(mirror: SimpleNamespace) -> None:
    mirror.archive.write_bytes(mirror.archive.read_bytes() + b"tampered")
    with pytest.raises(UserError, match=f"CIFAR-10 .*cannot be downloaded from {mirror.url}.*corrupted"):
        load_source("cifar10", mirror.folder, 32, {"url": mirror.url})
    assert not (mirror.folder / "cifar-10-batches-py").exists()


@pytest.mark.parametrize("page", ["http://127.0.0.1:9/cifar.tar.gz", None], ids=["no network", "not there"])
def test_without_a_network_cifar10_says_what_to_do(mirror: SimpleNamespace, page: str | None) -> None:
    url = page or mirror.url.replace(".tar.gz", ".gone")
    with pytest.raises(UserError, match=f"cannot be downloaded from {url} .*use a source of kind parquet"):
        load_source("cifar10", mirror.folder, 32, {"url": url})
