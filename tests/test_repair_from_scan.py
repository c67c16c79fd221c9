"""The repair commands on a scan's page: they take the same data, model and preprocessing as the scan."""

import inspect
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_scanning import found, images

from unpoison.command import repair as repair_module
from unpoison.command import scan as scan_module
from unpoison.command.given import entries_of
from unpoison.command.main import build_app
from unpoison.report.scan_page import scan_page
from unpoison.scanning.page import Told, page_of
from unpoison.study.plan import Plan
from unpoison.study.records import Source
from unpoison.study.repair_command import SHARED, repair_command
from unpoison.study.scans import words_of

OF_THE_RUN = {"data", "out", "cores", "verbose"}  # shared by both commands, and no setting of data or model
NET = "import torch\n\n\nclass Net(torch.nn.Module):\n    def __init__(self, width=4): super().__init__()\n"
GIVEN: dict[str, Any] = {
    **{"image_size": 16, "resize": "pad", "interpolation": "nearest", "device": "cpu"},
    **{"model": "my net.py:Net", "arguments": '{"width": 8}', "weights": "net.pt", "features": "head"},
    **{"mean": "0.1,0.2,0.3", "deviation": "0.4,0.5,0.625", "test": "tests", "trusted": "it's clean"},
}


def options_of(command: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(command).parameters)


def parsed(command: str) -> dict[str, Any]:
    """Return the arguments that the command line gives to `repair`."""
    program, *words = shlex.split(command)
    function, bound, _ = build_app().parse_args(words, exit_on_error=False, print_error=False)
    assert (program, function) == ("unpoison", repair_module.repair)
    return dict(bound.arguments)


def entries(data: str, options: dict[str, Any]) -> dict[str, Any]:
    return entries_of(data, **options, tell=lambda _: None)


def scan_words(data: str, **options: Any) -> dict[str, Any]:
    """Return the texts of the page of a scan with these options."""
    given = entries(data, options)
    plan = Plan({"results_folder": "run", **given, **scan_module._entries(["left_out"], 1)})
    return words_of(plan.scans[scan_module.NAME], plan.settings)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with data, further images, a network and weights."""
    for place in ("data/train", "tests", "it's clean"):
        for name in ("cat", "dog"):
            (tmp_path / place / name).mkdir(parents=True)
            for number in range(3):
                Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / place / name / f"{number}.png")
    (tmp_path / "my net.py").write_text(NET)
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04 weights that no test loads" * 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_option_that_scan_and_repair_share_is_in_the_command() -> None:
    shared = options_of(scan_module.scan).keys() & options_of(repair_module.repair).keys()
    assert shared - OF_THE_RUN == set(SHARED) == set(GIVEN)


def test_the_repair_has_the_same_data_model_and_preprocessing_as_the_scan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = scan_words("data", **GIVEN)["repair"]
    wanted = entries("data", GIVEN)
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    asked = parsed(f"{command} --flagged list.csv")
    assert asked.keys() == {"data", "out", "flagged", *GIVEN}
    assert entries(asked["data"], {name: asked[name] for name in GIVEN}) == wanted


def test_a_shipped_network_of_a_scan_is_the_one_that_is_repaired(folder: Path) -> None:
    command = scan_words("data", model="preact_resnet18", arguments='{"width": 8}')["repair"]
    asked = parsed(f"{command} --flagged list.csv")
    assert (asked["model"], asked["arguments"]) == ("preact_resnet18", '{"width": 8}')


def test_a_scan_without_options_is_repaired_with_the_same_defaults(folder: Path) -> None:
    command = scan_words("data")["repair"]
    asked = parsed(f"{command} --flagged list.csv")
    options = {name: asked[name] for name in GIVEN if name in asked}
    assert scan_words(asked["data"], **options) == scan_words("data")
    assert not {"weights", "features", "test", "trusted"} & asked.keys()


def test_splits_of_a_data_set_of_the_hub_are_no_paths(folder: Path) -> None:
    given = entries("data", {})
    plan = Plan({"results_folder": "run", **given, **scan_module._entries(["left_out"], 1)})
    options = {"name": "owner/set", "config": "small", "test": "held_out", "trusted": None}
    source = Source("data", "hugging_face", 32, "crop", "lanczos", options, False)
    training = plan.scans[scan_module.NAME].training
    asked = parsed(f"{repair_command(plan.settings, source, training)} --flagged list.csv")
    assert (asked["data"], asked["test"]) == ("hf:owner/set:small", "held_out")


def test_the_commands_on_the_page_name_absolute_lists_that_repair_reads(folder: Path) -> None:
    words = scan_words("data", **GIVEN)
    lists = [folder / "my scan" / name for name in ("decisions.csv", "suspicious.csv")]
    told = Told(words["data"], words["repair"], lists[1], lists[0], words["settings"])
    content = page_of(found(tampered=("bird",)), images(), told)
    assert [parsed(command)["flagged"] for _, command in content.next_steps] == list(map(str, lists))
    assert str(lists[0].parent) in content.next_steps[0][0]
    page = scan_page(content)
    assert "--flagged decisions.csv" not in page


def test_doubtful_rows_are_decided_by_the_reader_alone() -> None:
    told = Told("photos", "unpoison repair photos --out repaired", Path("/s.csv"), Path("/d.csv"), {})
    steps = page_of(found(told=("dog",)), images(), told).next_steps
    assert [command.split()[-1] for _, command in steps] == ["/d.csv"]
