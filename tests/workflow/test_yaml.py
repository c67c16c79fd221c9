"""Scalars that YAML 1.1 misreads are refused, with the correct spelling in the error."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unpoison.errors import UserError
from unpoison.runs.read import config_of
from unpoison.study.plan import Plan
from unpoison.study.written import parsed

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
BOMB = "\n".join(["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))])
MERGED = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 9))]
)
MISREAD = {
    "010": "YAML reads 010 as 8; write 8 or 10 for a number",
    "-010": "YAML reads -010 as -8; write -8 or -10 for a number",
    "007": 'YAML reads 007 as 7; write 7 for a number, or "007" in quotes for a text',
    "1:30": 'YAML reads 1:30 as 90; write 90 for a number, or "1:30" in quotes for a text',
    "1:30.5": "YAML reads 1:30.5 as 90.5; write 90.5",
    "1_000": "YAML reads 1_000 as 1000; write 1000",
    "1_000.5": "YAML reads 1_000.5 as 1000.5; write 1000.5",
    "0x1F": "YAML reads 0x1F as 31; write 31",
    "0b11": "YAML reads 0b11 as 3; write 3",
    "[1,000]": "YAML reads 000 as 0",
    "2024-01-01": 'YAML reads 2024-01-01 as a date; write "2024-01-01" in quotes',
    "=": 'write "=" in quotes',
    "{no: 1}": 'YAML reads the key no as False; keys are text: write "no" in quotes',
    "{null: 1}": 'YAML reads the key null as None; keys are text: write "null" in quotes',
    "{~: 1}": 'write "~" in quotes',
    "{7: 1}": 'YAML reads the key 7 as 7; keys are text: write "7" in quotes',
    "{1.10: 1}": 'YAML reads the key 1.10 as 1.1; keys are text: write "1.10" in quotes',
    "{010: 1}": 'or "010" in quotes',
    "{[b]: 1}": "a key is a list or a mapping",
    "!!python/object/apply:os.mkdir [made]": "python/object/apply:os.mkdir is not allowed",
    "!mine 1": "the tag !mine is not allowed",
    "!!binary aGk=": "is not allowed",
    "[" * 100_000: "nested more than 50 levels deep",
    "&b [*b]": "aliases",
    f"1\n{BOMB}": "aliases",
    f"1\n{MERGED}": "aliases",
    "\x00": "is not YAML",
}


@pytest.mark.parametrize("text", MISREAD, ids=lambda text: ascii(text[:20]))
def test_what_yaml_misreads_is_refused_with_file_and_line_and_what_to_write(text: str) -> None:
    with pytest.raises(UserError) as error:
        parsed(f"a: {text}", "mine.yaml")
    assert MISREAD[text] in str(error.value)
    assert str(error.value).startswith("mine.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["0", "-3", "+4", ".5", "-1.5e-3", "1.0e+3", '"010"', "'no'", "yes", "~", "[a, 1]", "a-b", "1.2.3"],
)
def test_what_people_and_yaml_read_alike_is_taken_as_yaml_takes_it(text: str) -> None:
    assert parsed(f"a: {text}", "mine.yaml") == yaml.safe_load(f"a: {text}")


@pytest.mark.parametrize("config", sorted(path.name for path in (ROOT / "config").glob("*.yaml")))
def test_a_shipped_config_is_read_as_yaml_reads_it(config: str) -> None:
    path = ROOT / "config" / config
    assert config_of([str(path)]) == yaml.safe_load(path.read_text())


WRONG_KIND = {
    "1e-3": ("recipes/quick/learning_rate", "1e-3", "YAML reads it as a text: write 0.001"),
    "1e-3 of an option": ("methods/finetune/learning_rate", "1e-5", "YAML reads it as a text: write 1.0e-05"),
    "08": ("threads", "08", "YAML reads it as a text: write 8"),
    "1.0e3": ("studies/imbalance/seeds", "1.0e3", ""),
    "share": ("datasets/catdog/keep/cat", "5e-1", "YAML reads it as a text: write 0.5"),
    "null as a class": ("datasets/catdog/classes", ["cat", None], 'for a text write "null" in quotes'),
    "no as a class": ("datasets/catdog/classes", ["cat", False], 'for a text write "no" in quotes'),
    "yes as a target": ("poisons/patch/target", True, 'for a text write "yes" in quotes'),
    "1 as a class": ("datasets/catdog/classes", ["cat", 1], 'for a text write "1" in quotes'),
    "on as a name": (
        "studies/imbalance/dataset",
        True,
        "found True, allowed: string; YAML reads yes, on and true",
    ),
    "an option of names": (
        "poisons/both",
        {"poison": "class_confusion", "classes": [False, "cat"]},
        'for a text write "no" in quotes',
    ),
}


@pytest.mark.parametrize("case", WRONG_KIND)
def test_a_value_that_yaml_gave_another_kind_is_refused_with_what_to_write(case: str) -> None:
    path, value, words = WRONG_KIND[case]
    config = copy.deepcopy(DEMO)
    *folders, last = path.split("/")
    place = config
    for folder in folders:
        place = place[folder]
    place[last] = value
    with pytest.raises(UserError) as error:
        Plan(config)
    assert words in str(error.value)


COMMANDS = {
    "tag": (b"a: !!python/object/apply:os.mkdir [made]", "is not allowed"),
    "bytes": (b"a: \xff\xfe", "cannot be read"),
    "nested": (b"a: " + b"[" * 100_000, "nested"),
    "bomb": (MERGED.encode(), "aliases"),
    "octal": (b"threads: 010", "write 8 or 10"),
    "nothing": (b"poisons: {patch: {target: }}", "nothing is written for 'target'"),
    "folder": (None, "no such config"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_status_answers_a_file_that_is_no_config_in_a_line(case: str, tmp_path: Path) -> None:
    content, words = COMMANDS[case]
    if content is None:
        (tmp_path / "mine.yaml").mkdir()
    else:
        (tmp_path / "mine.yaml").write_bytes(content)
    command = [sys.executable, "-m", "unpoison", "status", "mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr[-500:]
    assert words in done.stderr
    assert not (tmp_path / "made").exists()
