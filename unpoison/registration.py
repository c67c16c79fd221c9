"""The users' plug-ins: from registered folders and files, and from installed packages."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from unpoison.errors import UserError
from unpoison.plugin_files import KINDS, PREFIX, SHIPPED, Registered, kind_of, make_importable
from unpoison.source_text import read_anew

GROUP = "unpoison.plugins"  # of entry points
# Keyed by the agreed function and the name.
_TABLE: dict[tuple[str, str], Registered] = {}


def register(path: str | Path) -> None:
    """Register the plug-ins of a folder, or of one file, like the shipped ones; files may change between two calls.

    A plug-in is a file `<name>.py` with one of the functions `unlearn` (a method), `score` (a detector), `poison`,
    `network` (a model), `read` (a source), `plot` (a figure), `measure` (a metric) and `probe`. Files with a leading
    underscore are helpers that it can import by their name. No code runs until a plug-in is used.

    Raises:
        UserError: for a path that is missing or holds no plug-in, a file that is not one or cannot be parsed, a name
            that another plug-in of its kind has, and a helper with the name of another module.
    """
    if not isinstance(path, str | Path):
        raise UserError(f"register: found {type(path).__name__}, allowed: a path")
    place = _place_of(Path(path))
    root = place if place.is_dir() else place.parent
    files = _files_at(place)
    read_anew()
    found: dict[tuple[str, str], Registered] = {}
    for file in files:
        function = kind_of(file, file.stem)
        found[function, file.stem] = Registered(file, root, f"{PREFIX}{file.stem}_{function}")
    kept = {key: other for key, other in _TABLE.items() if not _is_replaced(other, place)}
    for (function, name), plugin in found.items():
        _check_free(function, name, plugin, {**_of_packages(), **kept})
    _let_import(root)
    _forget_modules(root, found.values())
    _TABLE.clear()
    _TABLE.update(kept | found)


def registered(function: str) -> Mapping[str, Registered]:
    """Return the users' plug-ins with one of the agreed functions, by name."""
    every = {**_of_packages(), **_TABLE}
    return {name: plugin for (kind, name), plugin in every.items() if kind == function}


def _place_of(path: Path) -> Path:
    """Return one path for a folder or a file; a linked file keeps the folder of the link, where its helpers are."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _files_at(place: Path) -> list[Path]:
    """Return the plug-in files of a folder, or the one file."""
    if place.is_dir():
        files = sorted(file for file in place.glob("*.py") if not file.name.startswith(("_", ".")))
        if not files:
            raise UserError(
                f"the folder {place} holds no plug-in; allowed: one file <name>.py or more, each with one of "
                f"{', '.join(KINDS)}"
            )
        return files
    if not place.is_file():
        raise UserError(f"no such folder or file of plug-ins: {place}")
    if place.suffix != ".py":
        raise UserError(f"{place} is no plug-in; allowed: a file <name>.py, or a folder of them")
    return [place]


def _is_replaced(other: Registered, place: Path) -> bool:
    """Return whether an earlier record is of the file or the folder that is registered now."""
    return not other.package and place in (other.path, other.root)


def _check_free(
    function: str, name: str, plugin: Registered, others: Mapping[tuple[str, str], Registered]
) -> None:
    """Refuse a name that a shipped plug-in or another user plug-in has."""
    shipped = SHIPPED / KINDS[function].folder / f"{name}.py"
    taken = shipped if shipped.is_file() else None
    if (function, name) in others:
        taken = others[function, name].path
    if taken and taken != plugin.path:
        raise UserError(f"{plugin.path}: the name {name} is taken by {taken}; choose another")


# -- modules of a folder ---------------------------------------------------------------------------------


def _let_import(root: Path) -> None:
    """Let plug-ins import the helpers in their folder by name.

    Raises:
        UserError: if Python would find another module of that name.
    """
    is_new = make_importable(root)
    try:
        for helper in sorted(root.glob("_[!_]*")):
            if helper.suffix == ".py" or (helper.is_dir() and helper.name.isidentifier()):
                _check_found(helper)
    except UserError:
        if is_new:
            sys.path.remove(str(root))
        raise


def _check_found(helper: Path) -> None:
    """Refuse a helper (file or folder) if Python finds another module under its name."""
    found = sys.modules.get(helper.stem) or find_spec(helper.stem)
    spec = getattr(found, "__spec__", found)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    if helper.resolve() not in [Path(place).resolve() for place in places if place]:
        raise UserError(
            f"{helper}: its name is that of another module of Python, {places[0] or 'built in'}; choose another"
        )


def _forget_modules(root: Path, plugins: Iterable[Registered]) -> None:
    """Remove plug-ins and their helpers from sys.modules, so that the next import runs their present text."""
    ours = {plugin.module for plugin in plugins}
    helpers = {path.stem for path in root.glob("_[!_]*")}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in helpers:
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            is_ours = any(place and Path(place).resolve().is_relative_to(root) for place in places)
        else:
            is_ours = name in ours
        if is_ours:
            del sys.modules[name]


# -- plug-ins of installed packages ----------------------------------------------------------------------


@cache
def _of_packages() -> Mapping[tuple[str, str], Registered]:
    """Return the plug-ins in the entry points of installed packages, without importing their modules.

    Raises:
        UserError: for one that cannot be found, or that would be refused as a file of a folder.
    """
    found: dict[tuple[str, str], Registered] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            plugin = _located(point)
            key = (kind_of(plugin.path, point.name), point.name)
            _check_free(*key, plugin, found)
        except UserError as error:
            package = point.dist.name if point.dist else "an installed package"
            raise UserError(f"the plug-in {point.name} of {package}: {error}") from error
        found[key] = plugin
    return found


def _located(point: EntryPoint) -> Registered:
    """Return the location of an entry point's module; this imports its parent packages, not the module."""
    try:
        spec = None if point.attr else find_spec(point.module)
    except Exception as error:
        raise UserError(f"{point.value} cannot be found: {type(error).__name__}: {error}") from error
    if spec is None or not str(spec.origin).endswith(".py"):
        raise UserError(f"found {point.value}, allowed: the name of a module of Python")
    path = Path(str(spec.origin)).absolute()
    parts = point.module.split(".")
    depth = len(parts) - (path.name != "__init__.py")
    return Registered(path, path.parents[depth], point.module, package=parts[0])
