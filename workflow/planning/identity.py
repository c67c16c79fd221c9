"""A digest of the code that a step runs: its script, its plug-in, and all they import from `unpoison`.

Comments, docstrings and layout are left out, so that prose reruns nothing; a touched or checked-out file
has the digest it had before. What only records how an artifact was made is left out too: it makes none.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
RECORDERS = ("unpoison.provenance", "_record")
BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_digest(*modules: str) -> str:
    """One digest for modules named as they are imported, or for a script named by its file ("train_base.py")."""
    reached: set[Path] = set()
    frontier = [path for name in modules for path in [_file_of(name)] if path]
    while frontier:
        path = frontier.pop()
        if path not in reached:
            reached.add(path)
            frontier += _imports(path)
    parts = sorted(f"{path.relative_to(ROOT).as_posix()} {_source_digest(path)}" for path in reached)
    return _digest("\n".join(parts))


@cache
def files_digest(folder: str, *kinds: str) -> str:
    """One digest for the files of some kinds in a folder of the project that are no Python."""
    paths = sorted(path for kind in kinds for path in (ROOT / folder).glob(f"*.{kind}"))
    return _digest("\n".join(f"{path.name} {_digest(path.read_text())}" for path in paths))


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    names = set()
    for node in _statements(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(sorted(found for name in names if (found := _file_of(name))))


@cache
def _file_of(module: str) -> Path | None:
    if module.endswith(".py"):
        return SCRIPTS / module
    if module.startswith(RECORDERS) or not module.startswith(("unpoison.", "_")):
        return None
    path = (ROOT if module.startswith("unpoison.") else SCRIPTS).joinpath(*module.split("."))
    files = [path.with_suffix(".py"), path / "__init__.py"]
    return next((file for file in files if file.is_file()), None)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@cache
def _source_digest(path: Path) -> str:
    return _digest(ast.unparse(_without_docstrings(_tree(path))))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in (tree, *_statements(tree)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node. Imports and definitions stand in no expression: nine nodes of ten are left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, BLOCKS):
            yield child
            yield from _statements(child)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
