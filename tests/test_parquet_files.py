"""Labels, columns and files of Parquet sources: read by each file's own names, or refused in one line."""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unpoison.datasets import _parquet, load_source, parquet, peek_source
from unpoison.datasets._images import unique_ids
from unpoison.errors import UserError
from unpoison.source_files import find

CAT, COW, DOG = 10, 100, 200  # grey levels of the classes' images
BOTH = {"train": "train*.parquet", "test": "test*.parquet"}


def png(grey: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), grey, np.uint8)).save(file, "png")
    return file.getvalue()


def write(path: Path, greys: Sequence[int], labels: Any, names: Any = None, **columns: Any) -> None:
    """Write a file of grey images; `names` adds the hub's metadata on classes."""
    table = pa.table({"image": [png(grey) for grey in greys], "label": labels, **columns})
    if names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def write_both(root: Path, **columns: Any) -> None:
    write(root / "train.parquet", [CAT, DOG], [0, 1], ["cat", "dog"], **columns)
    write(root / "test.parquet", [CAT + 1, DOG + 1], [0, 1], ["cat", "dog"], **columns)


def greys_of_classes(root: Path, **options: Any) -> dict[str, list[int]]:
    """Return the grey levels // 100 of all rows by class; assert that the peek counts the same."""
    images, rows = load_source("parquet", root, 16, {**BOTH, **options})
    peek = peek_source("parquet", root, {**BOTH, **options})
    assert peek.counts == rows.of("train").count_by_class()
    assert peek.tests == rows.of("test").count_by_class()
    return {
        name: sorted({int(images[row][0, 0, 0]) // 10 * 10 for row in rows.image[rows.label == label]})
        for label, name in enumerate(rows.class_names)
    }


def refused(root: Path, sentence: str, **options: Any) -> None:
    """Assert that the source is refused while the DAG is built, and by the job."""
    for look in (
        lambda: peek_source("parquet", root, {**BOTH, **options}),
        lambda: load_source("parquet", root, 16, {**BOTH, **options}),
    ):
        with pytest.raises(UserError, match=sentence):
            look()


# -- labels by each file's own class names ----------------------------------------------------------

Part = tuple[str, list[int], Any, list[str] | None]
SPLITS_OF_OTHER_ORDERS: dict[str, list[Part]] = {
    "test in another order": [
        ("train", [CAT, DOG], [0, 1], ["cat", "dog"]),
        ("test", [CAT, DOG], [1, 0], ["dog", "cat"]),
    ],
    "a shard in another order": [
        ("train-0", [CAT, DOG], [0, 1], ["cat", "dog"]),
        ("train-1", [CAT, CAT, DOG], [1, 1, 0], ["dog", "cat"]),
        ("test", [DOG, CAT], [1, 0], ["cat", "dog"]),
    ],
    "a file that lost a class": [
        ("train", [CAT, COW, DOG], [0, 1, 2], ["cat", "cow", "dog"]),
        ("test-0", [CAT, COW], [0, 1], ["cat", "cow", "dog"]),
        ("test-1", [CAT, DOG], [0, 1], ["cat", "dog"]),
    ],
    "a shard with a class of its own": [
        ("train-0", [CAT, DOG], [0, 1], ["cat", "dog"]),
        ("train-1", [COW], [0], ["cow"]),
        ("test", [CAT, COW, DOG], [2, 1, 0], ["dog", "cow", "cat"]),
    ],
    "texts and integers": [
        ("train-0", [CAT, DOG], ["cat", "dog"], None),
        ("train-1", [CAT, DOG], [1, 0], ["dog", "cat"]),
        ("test", [CAT, DOG], pa.array(["cat", "dog"]).dictionary_encode(), None),
    ],
    "a class of the test that no row has": [
        ("train", [CAT, DOG], [0, 1], ["cat", "dog"]),
        ("test", [CAT, DOG], [1, 2], ["ape", "cat", "dog"]),
    ],
}


@pytest.mark.parametrize("parts", SPLITS_OF_OTHER_ORDERS.values(), ids=SPLITS_OF_OTHER_ORDERS)
def test_each_files_labels_are_read_through_its_own_names(tmp_path: Path, parts: list[Part]) -> None:
    for name, greys, labels, names in parts:
        write(tmp_path / f"{name}.parquet", greys, labels, names)
    found = greys_of_classes(tmp_path)
    assert found.pop("cow", [COW]) == [COW]
    assert found == {"cat": [CAT], "dog": [DOG]}


def test_the_classes_have_the_order_that_all_training_files_give(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [DOG, CAT], [0, 1], ["dog", "cat"])
    write(tmp_path / "test.parquet", [DOG, CAT], [1, 0], ["cat", "dog"])
    assert list(greys_of_classes(tmp_path)) == ["dog", "cat"]


def test_the_order_of_the_classes_does_not_depend_on_that_of_the_files(tmp_path: Path) -> None:
    orders = []
    for first, second in ((["dog", "cat"], ["cat", "dog"]), (["cat", "dog"], ["dog", "cat"])):
        write(tmp_path / "train-0.parquet", [DOG, CAT], [first.index("dog"), first.index("cat")], first)
        write(tmp_path / "train-1.parquet", [DOG, CAT], [second.index("dog"), second.index("cat")], second)
        orders.append(list(greys_of_classes(tmp_path, test=None)))
    assert orders == [["cat", "dog"], ["cat", "dog"]]


def test_class_names_that_contradict_a_file_are_refused(tmp_path: Path) -> None:
    write_both(tmp_path)
    assert greys_of_classes(tmp_path, class_names=["cat", "dog"]) == {"cat": [CAT], "dog": [DOG]}
    sentence = "names its classes cat, dog, and class_names dog, cat; leave class_names out"
    refused(tmp_path, sentence, class_names=["dog", "cat"])
    refused(tmp_path, "leave class_names out", class_names=["a", "b"])
    refused(tmp_path, "found the class name 'cat' twice", class_names=["cat", "cat"])


def test_a_file_without_names_is_not_read_through_those_of_another(tmp_path: Path) -> None:
    write_both(tmp_path)
    write(tmp_path / "test.parquet", [CAT, DOG], [0, 1])
    refused(tmp_path, r"test\.parquet does not name its classes; give them in class_names")
    assert greys_of_classes(tmp_path, class_names=["cat", "dog"]) == {"cat": [CAT], "dog": [DOG]}


@pytest.mark.parametrize("kind", [pa.null(), pa.int64()])
def test_a_file_without_rows_needs_no_names(tmp_path: Path, kind: pa.DataType) -> None:
    write(tmp_path / "train-0.parquet", [], pa.array([], kind), image=pa.array([], pa.binary()))
    write(tmp_path / "train-1.parquet", [CAT, DOG], ["cat", "dog"])
    write(tmp_path / "test.parquet", [DOG, CAT], ["dog", "cat"])
    assert greys_of_classes(tmp_path) == {"cat": [CAT], "dog": [DOG]}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"0": "cat", "1": "dog"}, "found the names {'0': 'cat', '1': 'dog'}, allowed: a list"),
        (["cat", "cat"], "found the class name 'cat' twice"),
        (["cat", " "], "found the class name ' '"),
        (["cat", 1], "found the class name 1"),
        (["caf\u00e9", "cafe\u0301"], ".*which look the same"),
    ],
)
def test_names_that_are_none_are_refused_with_their_file(tmp_path: Path, names: Any, sentence: str) -> None:
    write_both(tmp_path)
    write(tmp_path / "train.parquet", [CAT, DOG], [0, 1], names)
    refused(tmp_path, rf"train\.parquet, column 'label': {sentence}")


@pytest.mark.parametrize("note", ["[" * 100_000, "{", '{"info": 1}', '{"info": {"features": {"label": 3}}}'])
def test_metadata_that_are_not_the_hubs_name_no_classes(tmp_path: Path, note: str) -> None:
    write_both(tmp_path)
    table = pq.read_table(tmp_path / "train.parquet").replace_schema_metadata({"huggingface": note})
    pq.write_table(table, tmp_path / "train.parquet")
    refused(tmp_path, r"train\.parquet does not name its classes; give them in class_names")


def test_text_labels_of_two_files_that_look_the_same_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [CAT, DOG], ["caf\u00e9", "dog"])
    write(tmp_path / "test.parquet", [CAT, DOG], ["cafe\u0301", "dog"])
    refused(tmp_path, "which look the same")


@pytest.mark.parametrize(
    "labels",
    [
        [0.0, 1.0],
        pa.array([0, 1], pa.uint8()),
        pa.array([0, 1]).dictionary_encode(),
        pa.array([0.0, 1.0], pa.float16()),
    ],
)
def test_integers_of_every_type_are_labels(tmp_path: Path, labels: Any) -> None:
    write_both(tmp_path)
    write(tmp_path / "train.parquet", [CAT, DOG], labels, ["cat", "dog"])
    assert greys_of_classes(tmp_path) == {"cat": [CAT], "dog": [DOG]}


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.5, 1.0], r"row 0: label 0\.5 is none of the classes cat, dog"),
        ([0, -1], r"row 1: label -1 is none of the classes cat, dog \(1 of 2 rows: -1 hides a label\)"),
        ([-1, -1], r"\(2 of 2 rows: -1 hides a label\)"),
        ([0, None], r"row 1: label None .* \(1 of 2 rows: they are missing\)"),
        (["cat", None], r"row 1: label None .* \(1 of 2 rows: they are missing\)"),
        ([0, 2], "row 1: label 2 is none of the classes cat, dog"),
        (["cat", "fox"], "row 1: label 'fox' is none of the classes cat, dog"),
        (["cat", ""], "found the class name ''"),
        ([[0], [1]], r"column 'label': found list<.*>, allowed: one integer or text a row"),
        ([False, True], "column 'label': found bool"),
    ],
)
def test_a_label_that_means_no_class_is_refused_while_the_dag_is_built(
    tmp_path: Path, labels: Any, sentence: str
) -> None:
    write_both(tmp_path)
    write(tmp_path / "test.parquet", [CAT, DOG], labels, ["cat", "dog"])
    refused(tmp_path, rf"test\.parquet, .*{sentence}")


def test_a_category_of_pandas_without_a_row_is_no_class(tmp_path: Path) -> None:
    for split in ("train", "test"):
        frame = pd.DataFrame(
            {"image": [png(CAT), png(DOG)], "label": pd.Categorical(["cat", "dog"], ["cat", "cow", "dog"])},
            index=[7, 9],
        )
        frame.to_parquet(tmp_path / f"{split}.parquet")
    assert greys_of_classes(tmp_path) == {"cat": [CAT], "dog": [DOG]}


# -- columns ----------------------------------------------------------------------------------------


def hub_images(greys: Sequence[int]) -> list[dict[str, Any]]:
    return [{"bytes": png(grey), "path": None} for grey in greys]


@pytest.mark.parametrize("mask", [hub_images([0, 0]), [png(0), png(0)]], ids=["structs", "bytes"])
def test_several_columns_of_images_are_ambiguous(tmp_path: Path, mask: Any) -> None:
    write_both(tmp_path, mask=mask)
    refused(tmp_path, "has 2 columns of images, image, mask; choose one by the option image_column")
    assert greys_of_classes(tmp_path, image_column="image") == {"cat": [CAT], "dog": [DOG]}
    assert greys_of_classes(tmp_path, image_column="mask") == {"cat": [0], "dog": [0]}


def test_two_columns_of_one_name_are_ambiguous(tmp_path: Path) -> None:
    write_both(tmp_path)
    table = pq.read_table(tmp_path / "train.parquet")
    for name, words in (
        ("image", "2 columns of images, image, image"),
        ("label", "more than one column 'label'"),
    ):
        pq.write_table(table.append_column(name, table[name]), tmp_path / "train.parquet")
        refused(tmp_path, rf"train\.parquet has {words}")


def test_bytes_that_are_no_image_are_no_second_column_of_images(tmp_path: Path) -> None:
    sound = [{"bytes": b"RIFF", "path": "a.wav"}] * 2
    write_both(tmp_path, digest=[b"\x00\x01", b"\x02\x03"], sound=sound)
    for split in ("train", "test"):  # the hub's metadata declares the column as audio
        table = pq.read_table(tmp_path / f"{split}.parquet")
        note = json.loads(table.schema.metadata[b"huggingface"])
        note["info"]["features"]["sound"] = {"_type": "Audio"}
        pq.write_table(
            table.replace_schema_metadata({"huggingface": json.dumps(note)}), tmp_path / f"{split}.parquet"
        )
    assert greys_of_classes(tmp_path) == {"cat": [CAT], "dog": [DOG]}


def test_several_columns_of_labels_are_ambiguous(tmp_path: Path) -> None:
    write_both(tmp_path, fine_label=["a", "b"])
    refused(tmp_path, "has 2 columns of labels, label, fine_label; choose one by the option label_column")
    assert list(greys_of_classes(tmp_path, label_column="fine_label")) == ["a", "b"]


def test_a_column_of_images_that_is_none_is_refused_while_the_dag_is_built(tmp_path: Path) -> None:
    write_both(tmp_path)
    table = pa.table({"image": [[[1, 2], [3, 4]]] * 2, "label": ["cat", "dog"]})
    pq.write_table(table, tmp_path / "test.parquet")
    refused(tmp_path, r"test\.parquet has no column of images; its columns are image, label")


def test_an_image_that_is_a_path_alone_is_named(tmp_path: Path) -> None:
    write_both(tmp_path)
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = pa.array([{"bytes": None, "path": f"images/{place}.png"} for place in range(2)], struct)
    pq.write_table(pa.table({"image": paths, "label": ["cat", "dog"]}), tmp_path / "train.parquet")
    with pytest.raises(UserError, match=r"row 0: there is no image, only its path 'images/0\.png'"):
        load_source("parquet", tmp_path, 16, BOTH)


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"test": "train.parquet"}, {"train": "*.parquet"}, {"test": "link.parquet"}]
)
def test_one_parquet_file_in_train_and_test_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    write_both(tmp_path)
    (tmp_path / "link.parquet").symlink_to("train.parquet")
    if options == {"train": "*.parquet"}:
        (tmp_path / "link.parquet").unlink()
    refused(
        tmp_path, r"\.parquet of train and .*\.parquet of test are one file; allowed: one split", **options
    )


def test_a_parquet_file_that_a_split_would_read_twice_is_refused(tmp_path: Path) -> None:
    write_both(tmp_path)
    os.link(tmp_path / "train.parquet", tmp_path / "train-copy.parquet")
    refused(
        tmp_path, r"train-copy\.parquet and .*train\.parquet of train are one file; allowed: each file once"
    )


def test_a_source_without_a_test_split_is_read(tmp_path: Path) -> None:
    write_both(tmp_path)
    for options in ({"train": "train.parquet"}, {"train": "train.parquet", "test": None}):
        _, rows = load_source("parquet", tmp_path, 16, options)
        assert (len(rows), rows.class_names) == (2, ("cat", "dog"))
        peek = peek_source("parquet", tmp_path, options)
        assert (peek.counts, peek.tests) == ({"cat": 1, "dog": 1}, {"cat": 0, "dog": 0})


@pytest.mark.parametrize(
    "pattern",
    ["{root}/a/b/x-*.parquet", "{root}/**/x-*.parquet", "**/x-*.parquet", "a/**", "a/b/x-[01].parquet"],
)
def test_absolute_globs_and_two_stars_find_files_but_no_hidden_ones(tmp_path: Path, pattern: str) -> None:
    wanted = [tmp_path / f"a/b/x-{number}.parquet" for number in range(2)]
    others = ["a/b/._x-0.parquet", "a/__MACOSX/x-0.parquet", "a/.cache/x-1.parquet", "a/b/.x/x-0.parquet"]
    for path in (*wanted, *(tmp_path / other for other in others)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert find(tmp_path, pattern.format(root=tmp_path)) == wanted


def test_a_name_that_is_a_file_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "data [1], {x} 'y'"
    folder.mkdir()
    for name in ("train[1].parquet", "train1.parquet", ".hidden.parquet"):
        (folder / name).write_bytes(b"")
        assert find(folder, name) == [folder / name]
    assert find(folder, "train*.parquet") == [folder / "train1.parquet", folder / "train[1].parquet"]


def test_a_file_in_a_hidden_folder_that_the_pattern_names_is_found(tmp_path: Path) -> None:
    path = tmp_path / ".cache/hub/x.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert (
        find(tmp_path, ".cache/**/*.parquet")
        == find(tmp_path / ".cache", f"{tmp_path}/.cache/*/x.*")
        == [path]
    )


def test_more_rows_than_can_be_read_are_refused_from_the_footers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_both(tmp_path)
    monkeypatch.setattr(_parquet, "MOST_ROWS", 3)
    monkeypatch.setattr(parquet, "read_labels", lambda _: pytest.fail("a column was read"))
    refused(tmp_path, r"found 4 rows in 2 Parquet files, most of them in .*\.parquet; allowed: 3")


@pytest.mark.parametrize(
    "row_ids", [["a", "a", "a#1"], ["a#1", "a", "a"], ["a", "a", "a", "a#1", "a#2"], ["a", "a#1", "a", "a#1"]]
)
def test_row_ids_are_unique_whatever_the_images_are_called(row_ids: list[str]) -> None:
    unique = unique_ids(row_ids)
    assert len(set(unique)) == len(row_ids)
    assert all(one.startswith(other) for one, other in zip(unique, row_ids, strict=True))
    assert unique_ids(["b", "b", "b"]) == ["b", "b#1", "b#2"]


def test_paths_that_no_terminal_shows_are_no_row_ids(tmp_path: Path) -> None:
    write_both(tmp_path)
    entries = [{"bytes": png(grey), "path": path} for grey, path in ((CAT, "a\nb.png"), (DOG, "c.png"))]
    pq.write_table(pa.table({"image": entries, "label": ["cat", "dog"]}), tmp_path / "train.parquet")
    _, rows = load_source("parquet", tmp_path, 16, BOTH)
    assert all(row_id.isprintable() and ".png" not in row_id for row_id in rows.row_id)


# -- further splits ---------------------------------------------------------------------------------

FURTHER = {"trusted": "clean.parquet", "triggered": "stamped.parquet"}


def test_trusted_and_triggered_files_are_splits_of_their_own(tmp_path: Path) -> None:
    write_both(tmp_path)
    write(tmp_path / "clean.parquet", [DOG + 2], [0], ["dog", "cat"])
    write(tmp_path / "stamped.parquet", [CAT + 3, CAT + 4], [0, 0], ["cat", "dog"])
    _, rows = load_source("parquet", tmp_path, 16, {**BOTH, **FURTHER})
    peek = peek_source("parquet", tmp_path, {**BOTH, **FURTHER})
    for split, counts in (("trusted", {"cat": 0, "dog": 1}), ("triggered", {"cat": 2, "dog": 0})):
        assert rows.of(split).count_by_class() == getattr(peek, split) == counts
        assert all(row_id.startswith(f"{split}/") for row_id in rows.of(split).row_id)
    assert rows.is_poisoned is None, "a source cannot know"
    assert {Path(file).name for file in peek.files} >= set(FURTHER.values())


def test_a_further_file_is_refused_that_is_a_training_file_or_names_another_class(tmp_path: Path) -> None:
    write_both(tmp_path)
    refused(tmp_path, "are one file; allowed: one split", trusted="train.parquet")
    refused(tmp_path, "no such file: .*nowhere.parquet", triggered="nowhere.parquet")
    write(tmp_path / "clean.parquet", [COW], [0], ["cow"])
    refused(tmp_path, "label 0 is none of the classes cat, dog", trusted="clean.parquet")
