"""Exports of a scan to other tools keep its content unchanged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unpoison.errors import UserError
from unpoison.exports import suspicious_rows, to_datalab, to_fiftyone, to_hugging_face
from unpoison.files import write_table

# Names that a spreadsheet or a CSV reader may misinterpret.
NAMES = ["cat/=1+1.png", 'cat/a,"b".png', "cat/007.png", "dog/ü'.png", "dog/-x.png", "=dog/5.png"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of the images and the folder of a scan."""
    data, scan = tmp_path / "data", tmp_path / "scan"
    for place, name in enumerate(NAMES):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), place, np.uint8)).save(data / name)
    table = pd.DataFrame(
        {
            "path": NAMES,
            "given_label": [name.split("/")[0] for name in NAMES],
            "score": np.arange(6.0),
            "votes": [1, 1, 1, 2, 2, 3],
            "action": ["look"] * 3 + ["remove"] * 3,
        }
    )
    write_table(scan / "suspicious.csv", table)
    return scan, data


def test_hostile_names_survive_the_table(folders: tuple[Path, Path]) -> None:
    table = suspicious_rows(*folders)
    assert table["path"].tolist() == NAMES
    assert all(Path(file).is_file() for file in table["file"])


def test_hugging_face_gets_the_images_with_what_was_found(folders: tuple[Path, Path]) -> None:
    pytest.importorskip("datasets", reason="the extra hf is not installed")
    dataset = to_hugging_face(*folders)
    assert dataset["path"][:] == NAMES
    assert dataset[3]["image"].getpixel((0, 0)) == (3, 3, 3)
    assert dataset["action"][:] == ["look"] * 3 + ["remove"] * 3


def test_datalab_gets_the_rows_to_remove_as_issues(folders: tuple[Path, Path]) -> None:
    pytest.importorskip("datasets", reason="the extra hf is not installed")
    issues = to_datalab(*folders).get_issues("poisoned")
    assert issues["is_poisoned_issue"].tolist() == [False] * 3 + [True] * 3
    assert issues["poisoned_score"].is_monotonic_decreasing


def test_fiftyone_gets_a_sample_for_each_row(folders: tuple[Path, Path]) -> None:
    pytest.importorskip("fiftyone", reason="the extra fiftyone is not installed")
    dataset = to_fiftyone(*folders)
    assert dataset.count() == len(NAMES)
    assert dataset.count_sample_tags() == {"look": 3, "remove": 3}


def test_what_cannot_be_exported_is_said_in_a_line(folders: tuple[Path, Path], tmp_path: Path) -> None:
    scan, data = folders
    with pytest.raises(UserError, match=r"no such file: .*suspicious\.csv"):
        suspicious_rows(data, data)
    with pytest.raises(UserError, match=r"and there is no image .*give the folder of images"):
        suspicious_rows(scan, tmp_path)
    write_table(tmp_path / "suspicious.csv", pd.DataFrame({"path": NAMES}))
    with pytest.raises(UserError, match="lacks the column given_label"):
        suspicious_rows(tmp_path, data)
