"""The page "You were poisoned": its commands print the stated output and have the promised effect."""

import csv
import html
import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import Tutorial
from safetensors.torch import load_file

from docs import tutorial_run as page
from unpoison.tutorial import TARGET, write_tutorial
from unpoison.tutorial_network import SmallNet

ROOT = Path(__file__).parents[2]
TEXT = page.PAGE.read_text(encoding="utf-8")


@pytest.fixture
def folder(tutorial: Tutorial) -> Path:
    return tutorial.folder


def shape(text: str) -> list[str]:
    """Return the words of each line without numbers, which depend on the machine."""
    return [" ".join(re.sub(r"\d+(\.\d+)?", "#", line).split()) for line in text.splitlines()]


def told(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text())


def test_the_commands_say_what_the_page_shows(tutorial: Tutorial) -> None:
    shown = {found["command"]: found["said"] for found in page.BLOCK.finditer(TEXT)}
    assert [command.split()[1] for command in tutorial.said] == ["init", "scan", "repair", "advise"]
    for command, output in tutorial.said.items():
        assert shape(output) == shape(shown[command]), command


def test_every_command_block_of_the_page_is_run() -> None:
    assert TEXT.count("```sh\n") == len([*page.commands(TEXT)])


def test_the_scan_finds_the_poisons(folder: Path, tmp_path: Path) -> None:
    poisoned = set(write_tutorial(tmp_path / "photos"))
    with (folder / "scanned" / "suspicious.csv").open(newline="") as file:
        removed = {line["path"] for line in csv.DictReader(file) if line["action"] == "remove"}
    assert len(removed & poisoned) >= 0.9 * len(removed)
    assert len(removed & poisoned) >= 0.8 * len(poisoned)
    assert told(folder, "scanned/scan.json")["classes"] == [TARGET]


def test_the_repair_removes_the_attack_and_its_estimate_agrees(folder: Path) -> None:
    summary = told(folder, "repaired/repair.json")
    assert summary["before"]["attack_success_rate"] > 0.85
    assert summary["after"]["attack_success_rate"] < 0.15
    assert abs(summary["verify"]["attack_success"] - summary["after"]["attack_success_rate"]) < 0.1
    assert summary["after"]["clean_accuracy"] > 0.75


def test_the_repaired_weights_are_a_drop_in(folder: Path) -> None:
    before, after = (
        load_file(folder / name) for name in ("photos/weights.safetensors", "repaired/repaired.safetensors")
    )
    assert before.keys() == after.keys()
    SmallNet().load_state_dict(after)
    assert any((before[name] != after[name]).any() for name in before)


def test_the_pictures_are_drawn_from_the_run(folder: Path) -> None:
    sheet, change = page.contact_sheet(folder), page.before_after(folder)
    assert sum(len(axes.images) for axes in sheet.axes) == page.TYPICAL + page.SUSPICIOUS
    assert sum(len(axes.images) for part in change.subfigs for axes in part.axes) == page.FLAGGED
    for name in ("contact_sheet", "before_after"):
        assert f"(pictures/{name}.png)" in TEXT and (page.PICTURES / f"{name}.png").is_file()


def test_the_readme_has_the_same_commands() -> None:
    opening = (ROOT / "README.md").read_text(encoding="utf-8").split("```sh\n")[1].split("```")[0]
    wanted = " ".join(opening.replace("\\\n", " ").split())
    run = [" ".join(command.replace("\\\n", " ").split()) for command in page.commands(TEXT)]
    without_truth = run[2].split(" --triggered")[0]
    assert wanted == " ".join([run[0], run[1], without_truth])


def test_the_report_shows_repair_commands_that_keep_the_scans_options(folder: Path) -> None:
    text = html.unescape((folder / "scanned" / "report.html").read_text(encoding="utf-8"))
    commands = [
        shlex.split(found) for found in re.findall(r"<code>(unpoison repair .*?)</code>", text, re.DOTALL)
    ]
    own, from_scan = (dict(zip(words[3::2], words[4::2], strict=True)) for words in commands)
    assert own["--flagged"] == str(folder / "scanned" / "decisions.csv")
    listed = (folder / "scanned" / "suspicious.csv").read_bytes()
    assert Path(from_scan["--flagged"]).is_absolute()
    assert Path(from_scan["--flagged"]).read_bytes() == listed
    assert own["--weights"] == str(folder / "photos" / "weights.safetensors")
    assert (own["--mean"], own["--deviation"]) == ("0.5,0.5,0.5", "0.25,0.25,0.25")
