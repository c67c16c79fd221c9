"""The notebook and the page about the library agree with the code."""

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import unpoison

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOK, PAGE = DOCS / "library.ipynb", DOCS / "library.md"


def cells() -> list[str]:
    """The source of each code cell."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_its_first_cell_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook's claims hold: the poisons that it finds, and that the repair heals both networks."""
    monkeypatch.chdir(tmp_path)
    shown: list[Any] = []
    names: dict[str, Any] = {}
    for number, source in enumerate(cells()):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names))
    assert names["ranked"].head(10).is_poisoned.mean() > 0.5
    for table in (names["table"], shown[-2]):
        before, after = table.before, table.after
        assert before.clean_accuracy > 0.9
        assert before.attack_success_rate > 0.8
        assert after.attack_success_rate < 0.2
        assert after.adversarial_accuracy > before.adversarial_accuracy
    assert shown[-1] == ("square", "cross", "ring")
    assert [path.name for path in tmp_path.iterdir()] == ["repaired.safetensors"]


def test_the_notebook_has_ten_code_cells_and_no_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def parameters_of(name: str) -> str:
    """Return the signature of a public function with its defaults, in the notation of the page."""
    function = getattr(unpoison, name.split(".", maxsplit=1)[0])
    function = getattr(function, name.split(".")[1]) if "." in name else function
    words = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        bare = parameter.replace(annotation=parameter.empty)
        default = parameter.default
        is_constant = isinstance(default, tuple)  # means and deviations of CIFAR-10
        words.append(f"{parameter.name}=CIFAR10" if is_constant else str(bare).replace('"', "'"))
    return f"{name}({', '.join(words)})"


FUNCTIONS = [
    *(name for name in unpoison.__all__ if inspect.isfunction(getattr(unpoison, name))),
    "Data",
    "Data.from_torchvision",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_page_has_the_signature_of_every_public_function(name: str) -> None:
    assert f"`{parameters_of(name)}`" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_public_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in unpoison.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_the_code_of_the_page_is_python_that_names_what_there_is() -> None:
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "unpoison"
            ):
                assert node.attr in unpoison.__all__
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).removeprefix("unpoison.") in unpoison.__all__
            ):
                function = getattr(unpoison, ast.unparse(node.func).removeprefix("unpoison."))
                taken = inspect.signature(function).parameters
                if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
                    assert {keyword.arg for keyword in node.keywords} <= set(taken)
