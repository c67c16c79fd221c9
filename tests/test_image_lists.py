"""Lists of images and folders of classes: every row is read, or refused in a line that names it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unpoison.datasets import load_source, peek_source
from unpoison.errors import UserError
from unpoison.files import write_table
from unpoison.row_lists import find_rows, read_row_ids

FILES = ("a.png", "b.png", "c.png", "d.png", "é f.png")
LABELS = ("dog", "cat", "dog", "cat", "cat")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five different images below `photos`."""
    (tmp_path / "photos").mkdir()
    for number, name in enumerate(FILES):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    return tmp_path


def write(root: Path, *lines: str, name: str = "photos/train.csv", head: str = "path,label") -> None:
    (root / name).write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")


def refused(root: Path, sentence: str, **options: str) -> None:
    """Assert that both the peek and the load end in that error line."""
    given = {"train": "photos/train.csv", **options}
    looks: list[Callable[[], object]] = [
        lambda: peek_source("image_list", root, given),
        lambda: load_source("image_list", root, 16, given),
    ]
    for look in looks:
        with pytest.raises(UserError, match=sentence):
            look()


def test_the_ids_of_a_list_are_its_paths_as_written_and_its_texts_are_classes(root: Path) -> None:
    absolute = str(root / "photos/c.png")
    write(root, "b.png,cat", f"{absolute},dog", '"é f.png",cat', "../photos/a.png,dog")
    images, rows = load_source("image_list", root, 16, {"train": "photos/train.csv"})
    assert rows.class_names == ("cat", "dog")
    told = dict(zip(rows.row_id, rows.given_label, strict=True))
    assert told == {"b.png": 0, absolute: 1, "é f.png": 0, "../photos/a.png": 1}
    place = rows.row_id.tolist().index("b.png")
    np.testing.assert_array_equal(images[place], np.asarray(Image.open(root / "photos/b.png")))


@pytest.mark.parametrize("written", [("10", "9", "10"), ("10.0", "9.0", "10.0")])
def test_integers_are_classes_in_numerical_order(root: Path, written: tuple[str, ...]) -> None:
    write(root, *(f"{file},{label}" for file, label in zip(FILES, written, strict=False)))
    _, rows = load_source("image_list", root, 16, {"train": "photos/train.csv"})
    assert rows.class_names == ("9", "10")
    assert rows.given_label.tolist() == [1, 0, 1]


def test_a_leading_zero_makes_a_text(root: Path) -> None:
    write(root, "a.png,007", "b.png,7")
    assert peek_source("image_list", root, {"train": "photos/train.csv"}).counts == {"007": 1, "7": 1}


@pytest.mark.parametrize(
    "labels", [pa.array(LABELS).dictionary_encode(), pa.array([1, 0, 1, 0, 0]), pa.array([1.0, 0, 1, 0, 0])]
)
def test_a_parquet_list_is_read_as_the_csv_list_is(root: Path, labels: pa.Array) -> None:
    pq.write_table(
        pa.table({"file": FILES, "kind": labels, "other": [[0]] * 5}), root / "photos/list.parquet"
    )
    options = {"train": "photos/list.parquet", "path_column": "file", "label_column": "kind"}
    _, rows = load_source("image_list", root, 16, options)
    assert rows.given_label.tolist() == [1, 0, 1, 0, 0]
    assert rows.row_id.tolist() == list(FILES)


def test_the_rows_of_further_lists_are_of_their_split(root: Path) -> None:
    write(root, "a.png,cat", "b.png,dog")
    for split, file in (("test", "c.png"), ("trusted", "d.png"), ("triggered", "é f.png")):
        write(root, f"{file},dog", name=f"photos/{split}.csv")
    options = {split: f"photos/{split}.csv" for split in ("train", "test", "trusted", "triggered")}
    _, rows = load_source("image_list", root, 16, options)
    assert rows.split.tolist() == ["train", "train", "test", "trusted", "triggered"]
    peek = peek_source("image_list", root, options)
    assert (peek.tests, peek.trusted, peek.triggered) == ({"cat": 0, "dog": 1},) * 3
    assert len(set(peek.files)) == 9


def test_a_column_that_is_not_asked_for_may_hold_anything(root: Path) -> None:
    write(root, "a.png,cat,1", "b.png,dog,one", "c.png,dog,", head="path,label,note")
    assert peek_source("image_list", root, {"train": "photos/train.csv"}).counts == {"cat": 1, "dog": 2}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (("a.png,cat", "nowhere.png,dog"), r"train\.csv, row 1: no such file: .*photos/nowhere\.png"),
        (("a.png,cat", ",dog"), r"train\.csv, row 1: found the path '', allowed: printable text"),
        (("a.png,cat", "b\tb.png,dog"), r"row 1: found the path 'b\\tb.png'"),
        (("a.png,cat", "b.png,"), r"row 1 \('b.png'\): found no label"),
        (("a.png,0", "b.png,-1"), r"row 1 \('b.png'\): found the label -1, allowed: an integer from 0 on"),
        (("a.png,cat", "b.png,dog", "a.png,dog"), r"row 2 \('a.png'\): this path is also that of .*train.csv, row 0"),
        (("a.png,cat", "b.png,dog", "./a.png,dog"), r"photos/a.png and .*photos/a.png of train are one file"),
        (("a.png,cat,0", "b.png,dog"), r"train\.csv is not a readable CSV file \(CSV parse error"),
        (("a.png,Cat ", "b.png,Cat"), "which look the same; rename one of them"),
        ((), r"train\.csv and the other training lists hold no row"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(root: Path, lines: tuple[str, ...], sentence: str) -> None:
    write(root, *lines)
    refused(root, sentence)


def test_a_path_of_two_lists_is_refused(root: Path) -> None:
    write(root, "a.png,cat", "b.png,dog")
    write(root, "c.png,cat", "b.png,dog", name="photos/test.csv")
    refused(
        root,
        r"test.csv, row 1 \('b.png'\): this path is also that of .*train.csv, row 1",
        test="photos/test.csv",
    )


def test_a_label_that_no_training_row_has_is_named(root: Path) -> None:
    write(root, "a.png,cat", "b.png,dog")
    write(root, "c.png,fox", name="photos/test.csv")
    refused(
        root,
        r"test.csv, row 0 \('c.png'\): label 'fox' is none of the training labels cat, dog",
        test="photos/test.csv",
    )


@pytest.mark.parametrize("head", ["file,label", "path;label", "path,label,label"])
def test_a_list_without_its_columns_is_refused_with_those_it_has(root: Path, head: str) -> None:
    write(root, ",".join(["a.png", "cat", "x"][: 1 + head.count(",")]), head=head)
    refused(root, r"train\.csv needs one column '(path|label)'; its columns are " + head.replace(",", ", "))


@pytest.mark.parametrize("content", [b"", b"path,label\n\xff\xfe,cat\n"])
def test_an_unreadable_list_is_named(root: Path, content: bytes) -> None:
    (root / "photos/train.csv").write_bytes(content)
    refused(root, r"photos/train\.csv is not a readable CSV file")


def test_an_image_that_cannot_be_decoded_is_named_with_its_row(root: Path) -> None:
    (root / "photos/b.png").write_bytes(b"no image")
    write(root, "a.png,cat", "b.png,dog")
    with pytest.raises(UserError, match=r"train.csv, row 1 \('b.png'\) cannot be read"):
        load_source("image_list", root, 16, {"train": "photos/train.csv"})


# -- folders of classes -----------------------------------------------------------------------------


@pytest.fixture
def classes(root: Path) -> Path:
    """Two class folders in `pets`, and two in `held_out`."""
    for number, place in enumerate(
        ("pets/cat/0", "pets/cat/1", "pets/dog/0", "held_out/cat/0", "held_out/dog/0")
    ):
        path = root / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), number, np.uint8)).save(path)
    return root


def test_class_folders_are_training_rows_and_further_folders_their_own_split(classes: Path) -> None:
    _, rows = load_source("class_folders", classes, 16, {"path": "pets", "trusted": "held_out"})
    assert rows.class_names == ("cat", "dog")
    assert dict(zip(rows.row_id, rows.split, strict=True)) == {
        "cat/0.png": "train",
        "cat/1.png": "train",
        "dog/0.png": "train",
        "trusted/cat/0.png": "trusted",
        "trusted/dog/0.png": "trusted",
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"path": "nowhere"}, "no such folder: .*nowhere"),
        ({"path": "pets", "test": "pets/cat"}, r"test: found .*pets/cat, which lies in .*pets, whose"),
        ({"path": "pets", "test": "photos"}, "a.png is an image outside of a class folder"),
        ({"path": "held_out/cat"}, "0.png is an image outside of a class folder"),
    ],
)  # fmt: skip
def test_bad_class_folders_are_refused(classes: Path, options: dict[str, str], sentence: str) -> None:
    for look in (
        lambda: peek_source("class_folders", classes, options),
        lambda: load_source("class_folders", classes, 16, options),
    ):
        with pytest.raises(UserError, match=sentence):
            look()


def test_a_class_that_the_training_folders_lack_is_named(classes: Path) -> None:
    (classes / "held_out/dog").rename(classes / "held_out/fox")
    with pytest.raises(
        UserError, match=r"fox/0.png is of class 'fox', which .*pets does not have; it has cat, dog"
    ):
        peek_source("class_folders", classes, {"path": "pets", "test": "held_out"})


def test_folders_of_splits_are_no_classes(classes: Path) -> None:
    (classes / "pets").rename(classes / "train")
    with pytest.raises(UserError, match=r"holds a folder train/, .* read it as source: image_folder"):
        peek_source("class_folders", classes, {"path": "."})


def test_hostile_names_survive_a_table_of_ours(root: Path) -> None:
    """Both as `clean.csv` of a scan and as a list of flagged rows."""
    names = ["=1+1.png", 'a,"b".png', "007.png", "-x.png", "'quoted.png"]
    for number, name in enumerate(names):
        Image.fromarray(np.full((16, 16, 3), number, np.uint8)).save(root / name)
    labels = ["cat", "dog", "cat", "dog", "cat"]
    write_table(root / "clean.csv", pd.DataFrame({"path": names, "label": labels}))
    images, rows = load_source("image_list", root, 16, {"train": "clean.csv"})
    assert set(rows.row_id) == set(names)
    assert [images[rows.row_id.tolist().index(name)].max() for name in names] == [0, 1, 2, 3, 4]
    write_table(root / "flagged.csv", pd.DataFrame({"row_id": names}))
    found = find_rows(rows, read_row_ids(root / "flagged.csv"))
    assert found.tolist() == [0, 1, 2, 3, 4]
