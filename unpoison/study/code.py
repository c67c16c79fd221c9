"""A digest of the code that a job runs: its module, its plug-in, and all they import from `unpoison`.

Comments, docstrings and layout are left out, so that prose reruns nothing; a touched or checked-out file
has the digest it had before. What only records how an artifact was made, or finds the files of plug-ins, makes none and
is left out too.
A user's plug-in is followed to the helpers beside it, wherever its folder is, and to what they import from `unpoison`.

Every start of Snakemake digests some seventy files, on a cluster in each job, and to parse them takes a third of a
second. What was found is kept below `.snakemake` by the hash of a file's text, so that a changed file is parsed anew.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from unpoison.digests import digest
from unpoison.errors import UserError
from unpoison.files import read_json, write_json
from unpoison.plugin_files import Registered
from unpoison.source_text import parsed, text_of

ROOT = Path(__file__).parents[2]
KEPT = Path(".snakemake") / "unpoison_code.json"  # of the folder that Snakemake runs in
PACKAGE = ROOT / "unpoison"
RECORDER = PACKAGE / "provenance.py"
CARRIED = PACKAGE / "workflow"  # of a wheel; a checkout has it beside the package, and both have one digest
RECORDERS = ("unpoison.provenance", "unpoison.jobs.record", "unpoison.jobs.inputs")
FINDERS = ("unpoison.registration", "unpoison.plugin_files", "unpoison.source_text", "unpoison.own_network")
BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Owner(NamedTuple):
    """Whose file it is, of a user's plug-in: where its own imports are found, and the one package of them (any: "")."""

    root: Path
    package: str


File = tuple[Path, Owner | None]  # None: ours


class Source(NamedTuple):
    """What a file of Python says: the modules that it imports, and a digest of its statements."""

    imports: list[str]
    digest: str


@cache
def code_digest(*modules: str | Registered) -> str:
    """One digest for modules, named as they are imported, and plug-ins.

    Raises:
        UserError: for a user's file that cannot be read or parsed.
    """
    parts = sorted(f"{_name_of(*file)} {_source(file[0]).digest}" for file in _reached(*modules))
    _sources().keep()
    return digest("\n".join(parts))


def files_of(*modules: str | Registered) -> list[str]:
    """The files that `code_digest` is of, in order: an edit of any other one reruns nothing."""
    return sorted(_name_of(*file) for file in _reached(*modules))


def _reached(*modules: str | Registered) -> set[File]:
    reached: set[File] = set()
    frontier = [file for module in modules for file in _start(module)]
    while frontier:
        file = frontier.pop()
        if file not in reached:
            reached.add(file)
            frontier += _imports(*file)
    return reached


def _start(module: str | Registered) -> list[File]:
    if isinstance(module, Registered):
        owner = Owner(module.root, module.package)
        above = _beside(module.module, module.path, owner) if module.package else ()
        return [(file, owner) for file in {module.path, *above}]
    path = _file_of(module)
    return [(path, None)] if path else []


def _name_of(path: Path, owner: Owner | None) -> str:
    """Return the name of a file in a digest: that of a user's is the same wherever the folder is."""
    if owner is None:
        return path.relative_to(ROOT).as_posix()
    return f"plugins/{path.relative_to(owner.root).as_posix()}"


@cache
def files_digest(folder: str, *kinds: str) -> str:
    """One digest for the files of some kinds in a folder of the project that are no Python."""
    paths = sorted(path for kind in kinds for path in (ROOT / folder).glob(f"*.{kind}"))
    return digest("\n".join(f"{path.name} {digest(path.read_text(encoding='utf-8'))}" for path in paths))


@cache
def _imports(path: Path, owner: Owner | None) -> tuple[File, ...]:
    names = _source(path).imports
    if owner is None:
        return tuple((found, None) for name in names if (found := _file_of(name)))
    ours = ((found, None) for name in names for found in _ours(name))
    return (*ours, *((found, owner) for name in names for found in _beside(name, path, owner)))


def _ours(name: str) -> list[Path]:
    """Return our files that an import of a user's file brings.

    Of a package all files: which plug-in a registry is asked for does not stand in the text.
    """
    if name != PACKAGE.name and not name.startswith("unpoison."):
        return []
    path = PACKAGE / "__init__.py" if name == PACKAGE.name else _file_of(name)
    if path and path.name == "__init__.py":
        files = sorted(path.parent.rglob("*.py"))
        return [file for file in files if file != RECORDER and not file.is_relative_to(CARRIED)]
    return [path] if path else []


def _beside(name: str, path: Path, owner: Owner) -> Iterator[Path]:
    """The files of a user's own that an import of one of them brings: the module, and the packages that it is in."""
    dots = len(name) - len(name.lstrip("."))
    parts = [part for part in name[dots:].split(".") if part]
    if not dots and (parts[0] == PACKAGE.name or owner.package not in ("", parts[0])):
        return
    folder = Path(*path.parts[:-dots]) if dots else owner.root
    for depth in range(0 if dots else 1, len(parts) + 1):
        place = folder.joinpath(*parts[:depth])
        files = [place / "__init__.py", *([place.with_suffix(".py")] if depth else [])]
        yield from (file for file in files if file.is_file() and file.is_relative_to(owner.root))


@cache
def _file_of(module: str) -> Path | None:
    if module.startswith((*RECORDERS, *FINDERS)) or not module.startswith("unpoison."):
        return None
    path = ROOT.joinpath(*module.split("."))
    files = [path.with_suffix(".py"), path / "__init__.py"]
    return next((file for file in files if file.is_file()), None)


# -- what a file says, parsed once for each text ---------------------------------------------------------


class Sources:
    """What files say, by the hash of their text, from one start of Snakemake to the next."""

    def __init__(self) -> None:
        # Another Python, or another version of this module, may find something else in the same text.
        self._parser = f"{sys.version} {digest(Path(__file__).read_text(encoding='utf-8'))}"
        self._sources: dict[str, Sequence[Any]] = {}
        self._is_new = False
        if KEPT.exists():
            with suppress(OSError, UserError):  # one that cannot be read or is damaged: all is parsed anew
                kept = read_json(KEPT)
                self._sources = kept["sources"] if kept["parser"] == self._parser else {}

    def of(self, path: Path) -> Source:
        """What the file says now."""
        text = text_of(path)
        key = digest(text)
        if key not in self._sources:
            self._sources[key], self._is_new = _parsed(text, path), True
        return Source(*self._sources[key])

    def keep(self) -> None:
        """Write what was parsed, where Snakemake keeps its own: without it the next start takes a little longer."""
        if self._is_new and KEPT.parent.exists():
            with suppress(UserError):
                write_json(KEPT, {"parser": self._parser, "sources": self._sources})
            self._is_new = False


@cache
def _sources() -> Sources:
    return Sources()


@cache
def _source(path: Path) -> Source:
    return _sources().of(path)


def _parsed(text: str, path: Path) -> Source:
    tree = parsed(text, path)
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            inside = module if module.endswith(".") else f"{module}."
            names |= {module, *(f"{inside}{alias.name}" for alias in node.names)}
    return Source(sorted(names), digest(ast.unparse(_without_docstrings(tree))))


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
