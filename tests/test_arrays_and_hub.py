"""Sources of arrays (.npz) and of the Hugging Face hub."""

import sys
import zipfile
from pathlib import Path
from typing import Any

import hub
import numpy as np
import pytest

import unpoison
from unpoison.datasets import _npz as npz_module
from unpoison.datasets import load_source, peek_source
from unpoison.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 16, 16), dtype=np.uint8)
LABELS = np.array([0, 0, 1, 1, 4, 4])
COLOUR = RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


def written(path: Path, **arrays: Any) -> dict[str, str]:
    np.savez(path / "set.npz", **arrays)
    return {"train": "set.npz"}


def load(folder: Path, **arrays: Any) -> np.ndarray:
    return load_source("npz", folder, 16, written(folder, **arrays))[0]


def grey(images: np.ndarray) -> np.ndarray:
    return np.repeat(images[..., None], 3, axis=-1)


LAYOUTS = {
    "grey": (GREY, grey(GREY)),
    "grey, one channel last": (GREY[..., None], grey(GREY)),
    "grey, one channel first": (GREY[:, None], grey(GREY)),
    "colour, channels last": (COLOUR, COLOUR),
    "colour, channels first": (COLOUR.transpose(0, 3, 1, 2).copy(), COLOUR),
    "floats from 0 to 1": ((COLOUR / 255).astype(np.float32), COLOUR),
    "floats from 0 to 255": (COLOUR.astype(np.float64), COLOUR),
    "integers": (COLOUR.astype(np.int32), COLOUR),
    "big-endian": (GREY.astype(">i2"), grey(GREY)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_levels_is_read_as_the_same_image(tmp_path: Path, layout: str) -> None:
    given, wanted = LAYOUTS[layout]
    np.testing.assert_array_equal(load(tmp_path, images=given, labels=LABELS), wanted)


def test_images_are_read_in_pieces_to_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_module, "AT_ONCE", COLOUR[0].nbytes * 4 + 5)
    np.testing.assert_array_equal(load(tmp_path, images=COLOUR, labels=LABELS), COLOUR)
    np.savez_compressed(tmp_path / "set.npz", images=COLOUR, labels=LABELS)
    images, _ = load_source("npz", tmp_path, 16, {"train": "set.npz"})
    np.testing.assert_array_equal(images, COLOUR)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_training_and_test_arrays_stand_in_one_file(tmp_path: Path, names: tuple[str, ...]) -> None:
    values = dict(zip(names, (COLOUR, LABELS[:, None], GREY, LABELS.astype(float)), strict=True))
    options = written(tmp_path, **values, val_images=GREY)
    said: list[str] = []
    images, rows = load_source("npz", tmp_path, 16, options, tell=said.append)
    assert rows.class_names == ("0", "1", "4")
    assert rows.of("train").row_id.tolist() == [f"train/{place:07}" for place in range(6)]
    assert rows.of("test").given_label.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(images[rows.of("test").image], grey(GREY))
    assert said == [f"{tmp_path}/set.npz: arrays that are not read: val_images"]


def test_files_of_their_own_are_further_splits(tmp_path: Path) -> None:
    options = written(tmp_path, x_train=COLOUR, y_train=LABELS, x_test=COLOUR, y_test=LABELS)
    for split in ("test", "trusted", "triggered"):
        np.savez(tmp_path / f"{split}.npz", images=GREY[:2], labels=LABELS[:2])
        options[split] = f"{split}.npz"
    _, rows = load_source("npz", tmp_path, 16, {**options, "class_names": list("abcde")})
    assert [(rows.split == split).sum() for split in ("train", "test", "trusted", "triggered")] == [
        6,
        2,
        2,
        2,
    ]
    assert rows.class_names == tuple("abcde")


BAD = {
    "no array of labels": ({"images": GREY}, "holds the arrays images, allowed: x_train and y_train or"),
    "unequal lengths": ({"images": GREY, "labels": LABELS[:5]}, "found 6 images in 'images' and 5 labels"),
    "labels with a fraction": ({"images": GREY, "labels": LABELS + 0.5}, "row 0: found 0.5, allowed: an integer"),
    "a negative label": ({"images": GREY, "labels": LABELS - 1}, "row 0: found -1, allowed: an integer"),
    "a label beyond integers": (
        {"images": GREY, "labels": LABELS.astype(np.uint64) + np.uint64(2**63)},
        "row 0: found 9223372036854775808",
    ),
    "labels as texts": ({"images": GREY, "labels": LABELS.astype(str)}, "found <U21 of the shape"),
    "one-hot labels": ({"images": GREY, "labels": np.eye(6)}, r"found float64 of the shape \(6, 6\)"),
    "floats beyond levels": ({"images": GREY * 2.0, "labels": LABELS}, "found levels from 0 to 5"),
    "normalised floats": ({"images": GREY / 255 - 0.5, "labels": LABELS}, "found levels from -0.5 to 0.5"),
    "no numbers": ({"images": GREY * np.nan, "labels": LABELS}, "levels that are no finite numbers"),
    "a flat image": ({"images": GREY[:, 0], "labels": LABELS}, r"found uint8 of the shape \(6, 16\)"),
    "two channels": ({"images": GREY[..., None].repeat(2, 3), "labels": LABELS}, "neither 1 nor 3 channels"),
    "two ways": ({"images": COLOUR[:, :3], "labels": LABELS}, "can be read in two ways"),
    "by columns": ({"images": np.asfortranarray(COLOUR), "labels": LABELS}, "is stored by columns"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_in_a_line(tmp_path: Path, case: str) -> None:
    arrays, sentence = BAD[case]
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, **arrays)


def test_a_test_label_that_no_training_row_has_is_refused(tmp_path: Path) -> None:
    options = written(tmp_path, x_train=GREY, y_train=LABELS, x_test=GREY, y_test=LABELS + 1)
    with pytest.raises(
        UserError, match=r"array 'x_test', row 2: label 2 is none of the training labels 0, 1, 4"
    ):
        peek_source("npz", tmp_path, options)


def test_python_objects_in_an_archive_are_not_run(tmp_path: Path) -> None:
    options = written(tmp_path, images=GREY, labels=np.array([print] * 6))
    with pytest.raises(UserError, match="array 'labels' holds Python objects"):
        peek_source("npz", tmp_path, options)


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_a_truncated_archive_is_refused(tmp_path: Path, share: float) -> None:
    options = written(tmp_path, images=COLOUR, labels=LABELS)
    whole = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "set.npz").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"set\.npz is not a readable \.npz file"):
        load_source("npz", tmp_path, 16, options)


def test_a_flipped_byte_is_found_by_the_archives_checksum(tmp_path: Path) -> None:
    options = written(tmp_path, images=COLOUR, labels=LABELS)
    whole = bytearray((tmp_path / "set.npz").read_bytes())
    whole[COLOUR[0].nbytes * 3] ^= 1
    (tmp_path / "set.npz").write_bytes(whole)
    with pytest.raises(UserError, match=r"set\.npz is not a readable .*CRC"):
        load_source("npz", tmp_path, 16, options)


def test_a_header_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for name, shape in (("images", (10**12, 16, 16)), ("labels", (10**12,))):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": shape}
                )
    with pytest.raises(UserError, match="at most 10000000 images"):
        peek_source("npz", tmp_path, {"train": "set.npz"})


def test_the_library_loads_arrays(tmp_path: Path) -> None:
    written(tmp_path, x_train=COLOUR, y_train=LABELS, x_test=COLOUR[::2] // 2, y_test=LABELS[::2])
    data = unpoison.load_data(tmp_path / "set.npz", image_size=16)
    assert repr(data) == "Data(3 test, 6 train rows, 16 x 16 pixels, 3 classes)"


# -- the hub ----------------------------------------------------------------------------------------


def test_a_data_set_of_the_hub_is_read_from_the_cache(tmp_path: Path, monkeypatch: Any) -> None:
    hub.write_cached(tmp_path, monkeypatch)
    data = unpoison.load_data(f"hf:{hub.NAME}", image_size=16)
    assert repr(data) == "Data(4 test, 7 train rows, 16 x 16 pixels, 3 classes)"
    assert data.rows.of("train").row_id.tolist() == [f"train/{place:07}" for place in range(7)]


def test_texts_are_class_names_too(tmp_path: Path, monkeypatch: Any) -> None:
    options = hub.write_cached(tmp_path, monkeypatch, labels=lambda labels: [f"c{label}" for label in labels])
    assert peek_source("hugging_face", tmp_path, options).counts == {"c0": 3, "c1": 2, "c2": 2}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "nobody/nothing"}, "nobody/nothing is not in the cache of datasets and cannot be loaded"),
        ({"train": "training"}, "unknown split in somebody/pets: 'training'; choose from test, train"),
        ({"label_column": "kind"}, "found 0 columns of labels .., allowed: one of img, label"),
        ({"image_column": "label"}, "found 1 columns of images .label., allowed: one of img"),
    ],
)
def test_what_the_hub_lacks_is_said_in_a_line(
    tmp_path: Path, monkeypatch: Any, options: dict[str, str], sentence: str
) -> None:
    given = hub.write_cached(tmp_path, monkeypatch)
    with pytest.raises(UserError, match=sentence):
        peek_source("hugging_face", tmp_path, {**given, **options})


def test_integers_without_names_are_refused(tmp_path: Path, monkeypatch: Any) -> None:
    options = hub.write_cached(tmp_path, monkeypatch, label=lambda labels: labels.tolist())
    with pytest.raises(UserError, match="its labels are integers without names"):
        peek_source("hugging_face", tmp_path, options)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'unpoison\[hf\]'"):
        unpoison.load_data("hf:somebody/pets")
