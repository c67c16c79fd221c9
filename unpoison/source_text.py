"""Read a Python file without running it: its functions, their options, its constants, its docstring."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unpoison.errors import UserError

REQUIRED = object()


@dataclass(frozen=True)
class Option:
    """A keyword argument of a plug-in: its annotation as written, and its default (or `REQUIRED`)."""

    annotation: str
    default: Any


def parsed(text: str, path: Path) -> ast.Module:
    """Return the syntax tree of a file's text.

    Raises:
        UserError: for a syntax error, with the file and the line.
    """
    try:
        return ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, expressions nested too deeply
        raise UserError(f"{path} is not Python: {error or type(error).__name__}") from error


def text_of(path: Path) -> str:
    """Return the text of a Python file.

    Raises:
        UserError: for a file that cannot be read or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def functions_of(path: Path) -> list[str]:
    """Return the names of a file's top-level functions."""
    return [node.name for node in _tree(path).body if isinstance(node, ast.FunctionDef)]


def bound_names(path: Path) -> set[str]:
    """Return the names that a file defines, sets or imports anywhere; `*` stands for a star import.

    The file is read again at each call.

    Raises:
        UserError: for a file that cannot be read, and a syntax error.
    """
    found: set[str] = set()
    for node in ast.walk(parsed(text_of(path), path)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name)
    return found


@cache
def keyword_options(path: Path, function: str) -> dict[str, Option]:
    """Return the keyword-only arguments of one top-level function of a file.

    Raises:
        UserError: for a default that is not a literal.
    """
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return {
                argument.arg: Option(
                    annotation=ast.unparse(argument.annotation) if argument.annotation else "object",
                    default=REQUIRED if default is None else _literal(default, path, argument.arg),
                )
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            }
    raise AssertionError(f"{path.name} has no function '{function}'")


def given_arguments(path: Path, function: str) -> list[str]:
    """Return the arguments of a top-level function of a file before its `*`; those after it are options."""
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    raise AssertionError(f"{path.name} has no function '{function}'")


def constant(path: Path, variable: str, default: Any = REQUIRED) -> Any:
    """Return the literal value of a file's top-level variable, or the default if it has none.

    Raises:
        UserError: for a value that is not a literal.
    """
    assigned = _assigned(path)
    if variable in assigned:
        return _literal(assigned[variable], path, variable)
    assert default is not REQUIRED, f"{path.name} has no constant {variable}"
    return default


def first_paragraph(path: Path) -> str:
    """Return the first paragraph of a file's docstring."""
    text = ast.get_docstring(_tree(path)) or ""
    return " ".join(text.split("\n\n")[0].split())


def read_anew() -> None:
    """Clear the caches, so that files that changed in this process are read again."""
    _tree.cache_clear()
    _assigned.cache_clear()
    keyword_options.cache_clear()


@cache
def _assigned(path: Path) -> dict[str, ast.expr | None]:
    """Return the first value that a file assigns to each of its top-level variables."""
    found: dict[str, ast.expr | None] = {}
    for node in _tree(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found.setdefault(ast.unparse(target), node.value)
    return found


def _literal(node: ast.expr | None, path: Path, name: str) -> Any:
    try:
        return ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        found = ast.unparse(node) if node else "no value"
        where = f"{path}, line {getattr(node, 'lineno', 1)}"
        raise UserError(
            f"{where}: {name} is {found}; allowed: a literal, such as 3, 0.5, 'a' or None"
        ) from error


@cache
def _tree(path: Path) -> ast.Module:
    return parsed(text_of(path), path)
