"""Every file of a folder of images is read, refused or reported: nothing is skipped silently."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpoison.class_names import check_class_names
from unpoison.datasets import load_source, peek_source
from unpoison.datasets._folders import SUFFIXES
from unpoison.errors import UserError
from unpoison.rows import Rows

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def image(path: Path, seed: int = 0, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images of two classes in each split, all different."""
    for number, place in enumerate(
        (s, c, i) for s in ("train", "test") for c in ("cat", "dog") for i in (0, 1)
    ):
        image(tmp_path / "{}/{}/{}.png".format(*place), number)
    return tmp_path


def refused_by_both(root: Path, sentence: str) -> None:
    for look in (
        lambda: peek_source("image_folder", root, {}),
        lambda: load_source("image_folder", root, 16, {}),
    ):
        with pytest.raises(UserError, match=sentence):
            look()


def told(root: Path) -> tuple[Rows, str]:
    """Return the rows of a folder, and its log lines."""
    said: list[str] = []
    _, rows = load_source("image_folder", root, 16, {}, tell=said.append)
    return rows, "\n".join(said)


@pytest.mark.parametrize(
    "name",
    [
        *(".ipynb_checkpoints", ".hidden", "@eaDir", "__MACOSX", "__pycache__", "lost+found", "$RECYCLE.BIN"),
        *("System Volume Information", "#recycle"),
    ],
)
def test_what_systems_leave_behind_is_no_class_and_no_image(root: Path, name: str) -> None:
    for place in (root / "train", root / "test", root / "train/cat", root / "train/cat/more"):
        image(place / name / "0.png", 9)
    rows, said = told(root)
    assert rows.of("train").count_by_class() == rows.of("test").count_by_class() == {"cat": 2, "dog": 2}
    assert "train/: skipped as hidden or as system files: 2 files" in said
    assert peek_source("image_folder", root, {}).counts == {"cat": 2, "dog": 2}


def test_files_that_systems_leave_behind_are_left_out(root: Path) -> None:
    for name in ("train/Thumbs.db", "train/cat/.DS_Store", "train/cat/._0.png", "test/desktop.ini"):
        (root / name).write_bytes(b"x")
    rows, said = told(root)
    assert len(rows) == 8
    assert "train/: skipped as hidden or as system files: 3" in said
    assert "not read" not in said


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JFIF", ".Pgm"])
def test_an_image_of_every_ending_is_read(root: Path, suffix: str) -> None:
    form = {".jpe": "jpeg", ".jfif": "jpeg"}.get(suffix.lower())
    image(root / f"train/cat/new{suffix}", 9, **({"format": form} if form else {}))
    assert told(root)[0].of("train").count_by_class() == {"cat": 3, "dog": 2}


def test_files_of_other_endings_are_counted(root: Path) -> None:
    for name in (
        "train/cat/a.heic",
        "train/dog/b.HEIC",
        "train/cat/notes.txt",
        "train/labels.csv",
        "train/cat/c",
        "train/cat/more/deep/d.avif",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    assert (
        "not read, by their endings: no ending (1), .avif (1), .csv (1), .heic (2), .txt (1)" in told(root)[1]
    )


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    ("files", "found"), [((), "nothing"), (("0.heic", "1.heic", ".x.png"), r"\.heic \(2\)")]
)
def test_a_class_folder_without_an_image_is_refused(
    root: Path, split: str, files: tuple[str, ...], found: str
) -> None:
    (root / split / "bird").mkdir()
    for file in files:
        (root / split / "bird" / file).write_bytes(b"x")
    refused_by_both(root, f"no images in .*{split}/bird, the folder of a class: found {found}, allowed: ")


@pytest.mark.parametrize("place", ["bird/images", "cat/images", "cat/a/b"])
def test_images_deeper_than_their_class_are_refused(root: Path, place: str) -> None:
    for number in range(3):
        image(root / "train" / place / f"{number}.png", number)
    refused_by_both(root, f"3 images lie deeper than their class folder, the first is .*train/{place}/0.png")


def test_an_image_outside_of_a_class_folder_is_refused(root: Path) -> None:
    image(root / "test/0.png")
    refused_by_both(root, "test/0.png is an image outside of a class folder")


def test_images_beside_the_splits_are_counted(root: Path) -> None:
    image(root / "0.png")
    image(root / "1.JPG", format="jpeg")
    (root / "folder.png").mkdir()
    said = told(root)[1]
    assert "images outside of train/ and test/ that are not read: .jpg (1), .png (1)" in said
    assert "folders other than train/ and test/ that are not read: folder.png" in said


def test_a_folder_beside_the_splits_is_named(root: Path) -> None:
    image(root / "valid/cat/0.png")
    assert "folders other than train/ and test/ that are not read: valid" in told(root)[1]
    (root / "train").rename(root / "Train")
    refused_by_both(root, "no such folder: .*train .*holds Train, valid")


def copy_link(root: Path) -> None:
    (root / "test/dog/9.png").symlink_to(root / "train/dog/1.png")


def hard_link(root: Path) -> None:
    os.link(root / "train/dog/1.png", root / "test/dog/9.png")


def linked_class(root: Path) -> None:
    (root / "train/pig").mkdir()
    image(root / "train/pig/0.png", 9)
    (root / "test/pig").symlink_to(root / "train/pig")


@pytest.mark.parametrize("share", [copy_link, hard_link, linked_class])
def test_one_file_in_train_and_test_is_refused(root: Path, share: Callable[[Path], None]) -> None:
    share(root)
    refused_by_both(root, r"train/.*png of train and .*test/.*png of test are one file; allowed: one split")


def test_a_linked_class_folder_is_read(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    image(elsewhere / "0.png", 9)
    (root / "train/喵 猫,=é").symlink_to(elsewhere)
    assert told(root)[0].of("train").count_by_class() == {"cat": 2, "dog": 2, "喵 猫,=é": 1}


def test_equal_images_of_two_splits_and_of_two_classes_are_counted(root: Path) -> None:
    image(root / "train/dog/copy.png", 0)  # train/cat/0.png
    image(root / "test/cat/copy.bmp", 2)  # train/dog/0.png
    rows, said = told(root)
    assert len(rows) == 10
    assert "1 of 5 test images are also training images, pixel by pixel (the first: test/cat/copy.bmp" in said
    assert "1 of 5 training images are copies of another one, 1 of them with another label" in said


# -- names of classes -------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [("train", "train"), ("train", "test")])
def test_names_that_only_unicode_tells_apart_are_refused(root: Path, places: tuple[str, str]) -> None:
    for place, name in zip(places, (NFC, NFD), strict=True):
        image(root / place / name / "0.png", 9)
    refused_by_both(root, r"class names '.*caf.*', which look the same; rename one")


def test_a_decomposed_name_is_known_by_its_composed_one(root: Path) -> None:
    image(root / "train" / NFD / "0.png", 9)
    assert NFC in peek_source("image_folder", root, {}).counts
    assert NFC in told(root)[0].class_names


@pytest.mark.parametrize(
    "name", ["", " ", "\u3164", "\u2800 ", "\u200b", "\u0301", "\ufe0f", "a\nb", "a\u202eb"]
)
def test_blank_and_unprintable_names_are_refused(name: str) -> None:
    with pytest.raises(
        UserError, match=r"found the class name .*, allowed: printable text that is not blank"
    ):
        check_class_names(["cat", name])


@pytest.mark.parametrize(("one", "other"), [("cat", "cat "), ("guinea pig", "guinea  pig"), (NFC, NFD)])
def test_names_that_look_the_same_are_refused(one: str, other: str) -> None:
    with pytest.raises(UserError, match="which look the same"):
        check_class_names([one, other])


def test_a_blank_folder_is_no_class(root: Path) -> None:
    image(root / "train/ /0.png", 9)
    refused_by_both(root, "found the class name ' '")


# -- no test split ----------------------------------------------------------------------------------


def test_a_folder_without_a_test_split_is_read(root: Path) -> None:
    (root / "test").rename(root / "elsewhere")
    rows, said = told(root)
    assert (len(rows.of("train")), len(rows.of("test"))) == (4, 0)
    assert "there is no folder test/" in said
    assert peek_source("image_folder", root, {}).tests == {"cat": 0, "dog": 0}
    (root / "test").symlink_to(root / "nowhere")
    refused_by_both(root, "no such folder: .*test")


# -- trusted and triggered images -------------------------------------------------------------------


def test_trusted_and_triggered_folders_are_splits_of_their_own_wherever_they_lie(tmp_path: Path) -> None:
    for split, count in (("pets/train", 2), ("pets/clean", 1), ("stamped", 3)):
        for name, place in ((name, place) for name in ("cat", "dog") for place in range(count)):
            image(tmp_path / split / name / f"{place}.png", len(split) * 100 + place + 10 * (name == "dog"))
    image(tmp_path / "pets/other/cat/0.png", 1)
    options = {"path": "pets", "trusted": "pets/clean", "triggered": "stamped"}
    said: list[str] = []
    images, rows = load_source("image_folder", tmp_path, 16, options, tell=said.append)
    peek = peek_source("image_folder", tmp_path, options)
    assert rows.of("trusted").count_by_class() == peek.trusted == {"cat": 1, "dog": 1}
    assert rows.of("triggered").count_by_class() == peek.triggered == {"cat": 3, "dog": 3}
    assert rows.of("triggered").row_id[0] == "triggered/cat/0.png"
    with Image.open(tmp_path / "stamped/cat/0.png") as file:
        assert (images[rows.of("triggered").image[0]] == np.asarray(file)).all()
    assert str(tmp_path / "stamped/dog/2.png") in peek.files
    assert "folders other than train/ and test/ that are not read: other" in "\n".join(said)
    assert rows.is_poisoned is None, "a source cannot know"


def test_trusted_images_that_are_training_images_are_refused_as_files_and_counted_as_copies(
    root: Path,
) -> None:
    (root / "clean").mkdir()
    (root / "clean/cat").symlink_to(root / "train/cat")
    options = {"trusted": "clean"}
    with pytest.raises(UserError, match=r"of train and .* of trusted are one file; allowed: one split"):
        peek_source("image_folder", root, options)
    (root / "clean/cat").unlink()
    image(root / "clean/cat/0.bmp", 0)  # train/cat/0.png
    said: list[str] = []
    load_source("image_folder", root, 16, options, tell=said.append)
    assert "1 of 1 trusted images are also training images, pixel by pixel" in "\n".join(said)
