"""A digest of the code that a job runs: its module, its plug-in, and everything they import from `unpoison`.

Comments, docstrings and layout do not count, so an edit of prose reruns nothing. Nor does a touch or a checkout.
Modules that only record how an artifact was made, or only find the files of plug-ins, make no artifact. They do not
count either. For a user's plug-in, the helper files in its folder count, wherever the folder is, and what they import
from `unpoison`.

Each start of Snakemake digests about seventy files, on a cluster in each job. To parse them takes a third of a second.
The results are cached below `.snakemake` by the hash of a file's text, so that a changed file is parsed again.
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
KEPT = Path(".snakemake") / "unpoison_code.json"  # in Snakemake's working folder
PACKAGE = ROOT / "unpoison"
RECORDER = PACKAGE / "provenance.py"
CARRIED = (
    PACKAGE / "workflow"
)  # only in a wheel; a checkout has it next to the package, and both give one digest
RECORDERS = ("unpoison.provenance", "unpoison.jobs.record", "unpoison.jobs.inputs")
FINDERS = ("unpoison.registration", "unpoison.plugin_files", "unpoison.source_text", "unpoison.own_network")
BLOCKS = (ast.stmt, ast.ExceptHandler, ast.match_case)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Owner(NamedTuple):
    """The owner of a user's file: the folder where its own imports are found, and their package ("": any)."""

    root: Path
    package: str


File = tuple[Path, Owner | None]  # None: a file of unpoison


class Source(NamedTuple):
    """The content of a Python file: the modules that it imports, and a digest of its statements."""

    imports: list[str]
    digest: str


@cache
def code_digest(*modules: str | Registered) -> str:
    """Return one digest of modules, named as they are imported, and of plug-ins.

    Raises:
        UserError: for a user's file that cannot be read or parsed.
    """
    parts = sorted(f"{_name_of(*file)} {_source(file[0]).digest}" for file in _reached(*modules))
    _sources().keep()
    return digest("\n".join(parts))


def files_of(*modules: str | Registered) -> list[str]:
    """Return the files that `code_digest` covers, sorted. An edit of any other file reruns nothing."""
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
    """Return the name of a file in a digest. A user's file has the same name wherever its folder is."""
    if owner is None:
        return path.relative_to(ROOT).as_posix()
    return f"plugins/{path.relative_to(owner.root).as_posix()}"


@cache
def files_digest(folder: str, *kinds: str) -> str:
    """Return one digest of files in a folder of the project, by their endings; for files other than Python."""
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
    """Return the files of `unpoison` that an import in a user's file brings in.

    For a package these are all its files: the text does not show which plug-in a registry is asked for.
    """
    if name != PACKAGE.name and not name.startswith("unpoison."):
        return []
    path = PACKAGE / "__init__.py" if name == PACKAGE.name else _file_of(name)
    if path and path.name == "__init__.py":
        files = sorted(path.parent.rglob("*.py"))
        return [file for file in files if file != RECORDER and not file.is_relative_to(CARRIED)]
    return [path] if path else []


def _beside(name: str, path: Path, owner: Owner) -> Iterator[Path]:
    """Yield the user's own files that an import in one of them brings in: the module, and the packages around it."""
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


# -- the content of files, parsed once for each text -----------------------------------------------------


class Sources:
    """A cache of parsed files by the hash of their text, kept from one start of Snakemake to the next."""

    def __init__(self) -> None:
        # Another Python, or another version of this module, may parse the same text differently.
        self._parser = f"{sys.version} {digest(Path(__file__).read_text(encoding='utf-8'))}"
        self._sources: dict[str, Sequence[Any]] = {}
        self._is_new = False
        if KEPT.exists():
            with suppress(OSError, UserError):  # an unreadable or damaged cache: all files are parsed again
                kept = read_json(KEPT)
                self._sources = kept["sources"] if kept["parser"] == self._parser else {}

    def of(self, path: Path) -> Source:
        """Return the current content of a file."""
        text = text_of(path)
        key = digest(text)
        if key not in self._sources:
            self._sources[key], self._is_new = _parsed(text, path), True
        return Source(*self._sources[key])

    def keep(self) -> None:
        """Write the cache to Snakemake's folder. Without it the next start takes a little longer."""
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
    """Yield all statements below a node.

    Expressions contain no imports and no definitions. So they are skipped, which saves nine nodes in ten.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, BLOCKS):
            yield child
            yield from _statements(child)
