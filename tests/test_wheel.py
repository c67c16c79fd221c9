"""The wheel, built as `pip install` builds it, without a network."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools leaves folders behind where it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "unpoison", source / "unpoison", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = {
        name for name in zipfile.ZipFile(wheel).namelist() if not name.split("/")[0].endswith(".dist-info")
    }
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "unpoison").rglob("*") if path.is_file()}
    assert held == {name for name in there if "__pycache__" not in name}
    assert {"unpoison/py.typed", "unpoison/report/page.html", "unpoison/report/page.js"} <= held


def test_six_lines_repair_a_strangers_network_from_the_wheel_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    empty = tmp_path / "empty"
    empty.mkdir()
    program = (
        "import numpy as np, torch, unpoison\n"
        "images, labels = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), np.uint8), np.arange(60) % 3\n"
        "from torch.nn import Flatten, Linear, ReLU, Sequential\n"
        "net = Sequential(Flatten(), Linear(768, 8), ReLU(), Linear(8, 3))\n"
        "recipe = dict(learning_rate=0.01, batch_size=16, epochs=1)\n"
        # The six lines.
        "data = unpoison.Data(images, labels, ['cat', 'dog', 'ship'])\n"
        "model = unpoison.wrap_model(net, data.class_names, recipe=recipe)\n"
        "scores = unpoison.score(model, data, 'spectral_signatures')\n"
        "repaired, cost = unpoison.repair(model, data, scores.flagged, 'finetune')\n"
        "table = unpoison.measure(repaired, data, scores.flagged, cost)\n"
        "print(unpoison.__file__, 'given_label_agreement' in set(table.metric))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/installed/unpoison/__init__.py True"
    assert list(empty.iterdir()) == []
