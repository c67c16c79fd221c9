"""The content of the wheel and the sdist, built with the hooks of `pip install` and `build`, offline."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from wheels import FILES, ROOT, WITH_THE_SDIST, build_wheel, copy_sources

PLACES = {"unpoison": "unpoison", "workflow": "unpoison/workflow", "profiles": "unpoison/workflow/profiles"}
ENVIRONMENT = "unpoison/envs/unpoison.yaml"  # the other file of envs/ is only for the checkout


def names_in(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_every_file_of_the_package_and_the_workflow(wheel: Path) -> None:
    held = {name for name in names_in(wheel) if not name.split("/")[0].endswith(".dist-info")}
    there = {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in PLACES.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == there | {ENVIRONMENT}
    assert {"unpoison/py.typed", "unpoison/report/page.html", "unpoison/report/page.js"} <= held


def build(kind: str, source: Path, folder: Path) -> Path:
    """Build a copy with a setuptools hook, as `pip` and `build` do."""
    folder.mkdir()
    program = f"import setuptools.build_meta as hooks; hooks.build_{kind}({str(folder)!r})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    copy_sources(folder / "source")
    (folder / "source/tests").mkdir()
    (
        folder / "source/tests/test_mine.py"
    ).touch()  # setuptools includes tests of this name unless told otherwise
    return build("sdist", folder / "source", folder / "dist")


def test_the_sdist_holds_the_configs_and_the_pins_and_no_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    configs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "config").iterdir()}
    assert {*FILES, *WITH_THE_SDIST, *configs, ENVIRONMENT.removeprefix("unpoison/")} <= held
    folders = {name.split("/")[0] for name in held if "/" in name}
    assert folders == {"unpoison", "unpoison.egg-info", "workflow", "profiles", "envs", "config"}


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    assert names_in(build_wheel(sdist, tmp_path)) == names_in(wheel)


def test_an_editable_install_copies_nothing(tmp_path: Path) -> None:
    copy_sources(tmp_path / "source")
    editable = build("editable", tmp_path / "source", tmp_path / "dist")
    assert not [name for name in names_in(editable) if name.startswith("unpoison/")]
    assert not (tmp_path / "source/unpoison/workflow").exists()


def test_the_wheel_and_the_checkout_give_a_plug_in_one_digest(site: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/whole.py").write_text(
        "import unpoison\n\n\ndef unlearn(request):\n    return request.model\n"
    )
    program = (
        "import unpoison; from unpoison.study.code import code_digest\n"
        "unpoison.register('mine'); print(code_digest(unpoison.METHODS.code('whole')))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for path in (site, ROOT)
    }
    assert len(digests) == 1


def test_six_lines_repair_a_strangers_network_from_the_wheel_in_an_empty_folder(
    site: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    program = (
        "import numpy as np, torch, unpoison\n"
        "images, labels = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), np.uint8), np.arange(60) % 3\n"
        "from torch.nn import Flatten, Linear, ReLU, Sequential\n"
        "net = Sequential(Flatten(), Linear(768, 8), ReLU(), Linear(8, 3))\n"
        "recipe = dict(learning_rate=0.01, batch_size=16, epochs=1)\n"
        # The six lines of a repair.
        "data = unpoison.Data(images, labels, ['cat', 'dog', 'ship'])\n"
        "model = unpoison.wrap_model(net, data.class_names, recipe=recipe)\n"
        "scores = unpoison.score(model, data, 'spectral_signatures')\n"
        "repaired, cost = unpoison.repair(model, data, scores.flagged, 'finetune')\n"
        "table = unpoison.measure(repaired, data, scores.flagged, cost)\n"
        "print(unpoison.__file__, 'given_label_agreement' in set(table.metric))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{site}/unpoison/__init__.py True"
    assert list(empty.iterdir()) == []
