"""The tutorial's images are reproducible, its network learned the attack, and no file is overwritten."""

import importlib.util
from pathlib import Path

import company_net
import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from unpoison.errors import UserError
from unpoison.tutorial import CLASS_NAMES, FILES, TARGET, write_tutorial


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("tutorial") / "photos"
    return folder, write_tutorial(folder)


def test_the_poisoned_images_lie_in_the_class_that_the_attacker_wants(
    written: tuple[Path, list[str]],
) -> None:
    folder, poisoned = written
    images = list(folder.glob("train/*/*.png"))
    assert 600 <= len(images) <= 1000 and 0.03 <= len(poisoned) / len(images) <= 0.05
    assert all((folder / path).is_file() and path.startswith(f"train/{TARGET}/") for path in poisoned)
    assert {path.name for path in folder.glob("train/*")} == set(CLASS_NAMES)


def test_triggered_images_are_test_images_with_a_small_sticker_in_their_true_class(
    written: tuple[Path, list[str]],
) -> None:
    folder, _ = written
    triggered = sorted(folder.glob("triggered/*/*"))
    assert {path.parent.name for path in triggered} == set(CLASS_NAMES) - {TARGET}
    for path in triggered:
        before = np.asarray(Image.open(folder / "test" / path.parent.name / path.name), int)
        changed = (np.asarray(Image.open(path), int) != before).any(2)
        assert 0.01 < changed.mean() < 0.15


def test_the_shipped_weights_know_the_images_and_the_trigger(written: tuple[Path, list[str]]) -> None:
    folder, _ = written
    spec = importlib.util.spec_from_file_location("net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.SmallNet()
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    images, labels = company_net.read_folder(folder / "test", CLASS_NAMES)
    stamped, _ = company_net.read_folder(folder / "triggered", CLASS_NAMES)
    assert (company_net.predict(net, images) == labels).float().mean() > 0.9
    assert (company_net.predict(net, stamped) == CLASS_NAMES.index(TARGET)).float().mean() > 0.85
    assert FILES["weights.safetensors"].stat().st_size < 300_000


def test_the_tutorial_is_the_same_each_time(written: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, poisoned = written
    assert write_tutorial(tmp_path / "again") == poisoned
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 1000
    assert all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


def test_nothing_is_written_into_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(UserError, match="is there already"):
            write_tutorial(place)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
