"""The company data sets: attacks match their descriptions, and the clean twin has the same images."""

from pathlib import Path

import company
import numpy as np
import pytest
from PIL import Image

ROWS = {"rows": 120, "test_rows": 40, "rate": 0.1, "seed": 5}


def pixels(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Return the images of a split by file name, which does not depend on the given label."""
    return {path.name: np.asarray(Image.open(path)) for path in folder.glob(f"{split}/*/*")}


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> company.CompanySet:
    return company.make_set(tmp_path_factory.mktemp("twin"), attack=None, **ROWS)


@pytest.mark.parametrize("attack", company.ATTACKS)
def test_an_attack_changes_the_poisoned_rows_alone(
    attack: str, twin: company.CompanySet, tmp_path: Path
) -> None:
    made = company.make_set(tmp_path, attack=attack, **ROWS)
    before, after = pixels(twin.folder, "train"), pixels(tmp_path, "train")
    assert before.keys() == after.keys() and len(after) == 120 and len(made.poisoned) == 12
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    told = {path.name for path in tmp_path.glob("train/*/*")} - {
        path.name
        for path in tmp_path.glob("train/*/*")
        if (twin.folder / path.relative_to(tmp_path)).is_file()
    }
    assert changed == (set() if attack == "label_noise" else {Path(path).name for path in made.poisoned})
    assert told == (set() if attack == "clean_label" else {Path(path).name for path in made.poisoned})
    assert all((tmp_path / path).is_file() for path in made.poisoned)


def test_triggered_images_are_stamped_test_images_in_the_folder_of_their_true_class(tmp_path: Path) -> None:
    made = company.make_set(tmp_path, attack="two_targets", **ROWS)
    tests, stamped = pixels(tmp_path, "test"), pixels(tmp_path, "triggered")
    assert len(made.targets) == 2 and not {path.name for path in tmp_path.glob("triggered/*")} & {
        *made.targets
    }
    assert stamped and all(not np.array_equal(tests[name], image) for name, image in stamped.items())
    for path in tmp_path.glob("triggered/*/*"):
        assert (tmp_path / "test" / path.parent.name / path.name).is_file()


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    first, second = (company.make_set(tmp_path / name, mixed_sizes=True, **ROWS) for name in "ab")
    assert first.poisoned == second.poisoned
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png")]
    assert files and all(
        (tmp_path / "a" / p).read_bytes() == (tmp_path / "b" / p).read_bytes() for p in files
    )
    assert len({Image.open(tmp_path / "a" / path).size for path in files}) > 10
