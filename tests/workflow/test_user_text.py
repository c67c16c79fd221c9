"""User text in the output of a run: Snakemake's own report, logs, status and files, in any locale."""

import ast
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from conftest import TINY
from PIL import Image

from unpoison.runs.artifacts import error_of

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(path for folder in ("unpoison", "workflow") for path in (ROOT / folder).rglob("*.py"))

ATTACK = "</script><script>alert('<!--<script>')</script> `x`_ |y| *z* .. raw:: html"


class Scripts(HTMLParser):
    """The text of each script of a page, delimited as a browser does."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.inside = tag == "script"
        self.found += [""] * self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1] += data


def test_snakemakes_own_report_runs_no_text_of_the_config(project) -> None:
    plain = project.snakemake("--report", "plain.html")
    assert plain.returncode == 0, plain.stderr
    project.set("studies/imbalance/question", ATTACK)
    done = project.snakemake()
    assert done.returncode == 0, done.stderr
    told = project.snakemake("--report", "told.html")
    assert told.returncode == 0, told.stderr
    before, after = (
        Scripts((project.folder / name).read_text(encoding="utf-8")).found
        for name in ("plain.html", "told.html")
    )
    assert len(after) == len(before)
    (results,) = [script for script in after if "var results = {" in script]
    assert "alert(" in results, "the question is there, as text"
    assert "<script" not in results
    assert "system-message" not in results, "captions are reST without errors"
    report = (project.folder / "results/report.html").read_text(encoding="utf-8")
    assert "alert(" not in "".join(Scripts(report).found)
    assert "&lt;script&gt;alert(" in report


def test_a_locale_of_another_encoding_changes_no_name(tmp_path: Path) -> None:
    for place in ("train/喵", "train/naïve", "test/喵", "test/naïve"):
        (tmp_path / "data" / place).mkdir(parents=True)
        for number in range(9):
            Image.new("RGB", (16, 16)).save(tmp_path / "data" / place / f"{number}.png")
    config = yaml.safe_load(TINY) | {"results_folder": str(tmp_path / "results"), "figures": {}}
    config |= {"data_folder": str(tmp_path / "data"), "sources": {"image_folder": {"image_size": 16}}}
    config["datasets"] = {"pair": {"source": "image_folder"}}
    config["poisons"] = {"patch": {"target": "喵", "count": 2}}
    study = config["studies"]["false_positives"] | {"poison": "patch"}
    config["studies"] = {"false_positives": study}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = run_in_ascii("-m", "snakemake", "-n", "--configfile", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "poison_dataset" in done.stdout + done.stderr


def run_in_ascii(*arguments: str) -> subprocess.CompletedProcess:
    """Run Python in the C locale with UTF-8 mode disabled."""
    asked = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_log_is_utf8_in_any_locale(tmp_path: Path) -> None:
    program = (
        "import os; os.environ['UNPOISON_SNAKEMAKE'] = str(os.getpid())\n"
        f"from unpoison.jobs.log import begin\nbegin({str(tmp_path / 'log')!r})\nprint('\\u55b5 \\ud800')"
    )
    done = run_in_ascii("-c", program)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text(encoding="utf-8") == "喵 \\ud800\n"


def test_status_tells_any_error_in_any_locale(tmp_path: Path) -> None:
    config = yaml.safe_load(TINY) | {"results_folder": str(tmp_path)}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (tmp_path / "logs/sources").mkdir(parents=True)
    (tmp_path / "logs/sources/generated.log").write_text("error: no 喵 \x1b[31m\n", encoding="utf-8")
    done = run_in_ascii("-m", "unpoison", "status", str(tmp_path / "config.yaml"))
    assert done.returncode == 0, done.stderr
    assert r"error: no \u55b5 \x1b[31m" in done.stdout


def test_the_error_of_a_log_moves_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("error: \x1b[31mred\x1b[2J\u202e\n", encoding="utf-8")
    assert error_of(tmp_path / "log") == r"error: \x1b[31mred\x1b[2J\u202e"


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_is_opened_in_an_encoding_of_ours(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            told = {keyword.arg for keyword in node.keywords}
            modes = [part.value for part in node.args if isinstance(part, ast.Constant)]
            is_text = node.func.attr in ("read_text", "write_text")
            is_text |= (
                node.func.attr == "open" and not any("b" in str(mode) for mode in modes) and not node.args
            )
            assert not is_text or "encoding" in told, f"line {node.lineno}: {ast.unparse(node)}"
