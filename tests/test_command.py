"""The `unpoison` command without a run: help, lists, exit codes and error lines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from unpoison.command import main
from unpoison.command.main import NAMES, SUBCOMMANDS, run, with_further
from unpoison.errors import UserError
from unpoison.runs.listing import KINDS
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[1]
THERE = [name for name in SUBCOMMANDS if (ROOT / "unpoison/command" / f"{name}.py").is_file()]
HEAVY = ("torch", "pandas", "numpy", "snakemake", "pyarrow", "matplotlib", "yaml")


def test_help_imports_nothing_heavy() -> None:
    lines = [["--help"], ["--version"], *([NAMES.get(name, name), "--help"] for name in THERE)]
    program = (
        "import sys; from unpoison.command.main import run\n"
        f"for words in {lines}:\n"
        "    assert run(words) == 0\n"
        f"    assert not {{*{HEAVY}}} & {{*sys.modules}}, words"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", THERE)
def test_every_subcommand_has_help_for_itself_and_each_of_its_parameters(
    name: str, capsys: pytest.CaptureFixture
) -> None:
    assert run([NAMES.get(name, name), "--help"]) == 0
    shown = capsys.readouterr().out
    path = ROOT / "unpoison/command" / f"{name}.py"
    (function,) = (
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    told = ast.get_docstring(function) or ""
    assert " ".join(told.split("\n\n")[0].split()) in " ".join(shown.split())
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [arguments.vararg] if arguments.vararg else []
    for argument in every:
        assert f"\n{argument.arg}\n" in told, f"{name} does not explain {argument.arg}"


def test_the_first_sentence_of_every_subcommand_is_in_the_help(capsys: pytest.CaptureFixture) -> None:
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert all(f"{NAMES.get(name, name)} " in shown for name in THERE)


def test_the_entry_point_names_the_command() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert 'unpoison = "unpoison.command.main:main"' in text
    assert main.main


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["scrub"], 'Unknown command "scrub"'),
        (["status", "--croes", "3"], "Unknown option: --croes"),
        (["run", "a.yaml", "--dry-run"], "follow `--`, as in `unpoison run CONFIG -- --dry-run`"),
        (["run", "a.yaml", "--cores", "many"], 'unable to convert "many" into int'),
        (["list", "methods", "detectors"], "detectors"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    words: list[str], error: str, capsys: pytest.CaptureFixture
) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1, said.err
    assert said.err.startswith("error: ")
    assert error in said.err


@pytest.mark.parametrize("name", ["run", "status", "estimate", "partial", "report", "clean"])
@pytest.mark.parametrize("content", [None, "- a", "studies: {}", "a: ["])
def test_a_bad_config_is_one_line_and_makes_nothing(
    tmp_path: Path,
    name: str,
    content: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "mine.yaml").write_text(content)
    before = sorted(tmp_path.iterdir())
    assert run([name, "mine.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1, said.err
    assert said.err.startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["run", "status", "estimate", "partial", "report", "clean"])
def test_a_missing_config_is_told(name: str, capsys: pytest.CaptureFixture) -> None:
    assert run([name]) == 1
    assert capsys.readouterr().err == "error: found nothing, allowed: a config, such as config/demo.yaml\n"


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (UserError("no rows"), 1, "error: no rows\n"),
        (KeyboardInterrupt(), 130, "Stopped; the same command starts again\n"),
    ],
)
def test_what_a_user_can_do_ends_without_a_traceback(
    raised: BaseException,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    def fails(*words: str) -> None:
        raise raised

    monkeypatch.setattr("unpoison.command.status.status", fails)
    assert run(["status", "a.yaml"]) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(("returned", "code"), [(3, 3), (0, 0), (None, 0)])
def test_what_a_subcommand_returns_is_the_exit_code(
    returned: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*words: str) -> int | None:
        return returned

    monkeypatch.setattr("unpoison.command.status.status", ends)
    assert run(["status"]) == code


def test_a_reader_that_has_enough_is_no_error() -> None:
    told = f"{sys.executable} -m unpoison list methods | head -1"
    done = subprocess.run(["sh", "-c", told], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("anp\n", "")


def test_what_follows_two_dashes_goes_to_snakemake_where_it_is_run() -> None:
    assert with_further(["run", "a.yaml", "--", "-n", "all"]) == [
        "run",
        "a.yaml",
        "--further=-n",
        "--further=all",
    ]
    assert with_further(["status", "--", "-a.yaml"]) == ["status", "--", "-a.yaml"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_has_every_choice_with_a_sentence(kind: str, capsys: pytest.CaptureFixture) -> None:
    assert run(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [place for place, line in enumerate(lines) if not line.startswith(" ")]
    assert len(names) > 0
    assert all(lines[place + 1].startswith("    ") for place in names)
    assert run(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(lines[place] in shown for place in names)


def test_a_list_tells_options_as_a_config_has_them(capsys: pytest.CaptureFixture) -> None:
    run(["list", "methods"])
    of_finetune = capsys.readouterr().out.split("\nfinetune\n")[1].split("\ngradient_ascent\n")[0]
    assert "    length: a number above 0 (default 0.25)\n" in of_finetune
    assert "    last: an integer above 0 or null (default null)" in of_finetune
    run(["list", "poisons"])
    assert "(required)" in capsys.readouterr().out
    assert run(["list", "colours"]) == 1
    assert "choose from detectors, figures, methods" in capsys.readouterr().err


def test_init_writes_a_config_that_is_planned_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init", "mine.yaml"]) == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert "unpoison run mine.yaml" in text
    assert len(Plan(yaml.safe_load(text)).cells) == 8
    (tmp_path / "mine.yaml").write_text("mine")
    assert run(["init", "mine.yaml"]) == 1
    assert capsys.readouterr().err == "error: mine.yaml is there already; choose another name\n"
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    (tmp_path / "link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert run(["init", "link.yaml"]) == 1
    assert not (tmp_path / "elsewhere.yaml").exists()
    assert run(["init", "none/mine.yaml"]) == 1
