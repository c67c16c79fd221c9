"""A folder of one-file plug-ins as a registry: what is in it, and which options each one takes.

Options are read from the source text, so that checking a config imports no plug-in and no torch.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any

from unpoison.errors import one_of
from unpoison.text import as_table

REQUIRED = object()


@dataclass(frozen=True)
class Option:
    """A keyword argument of a plug-in: its annotation as written, and its default (or `REQUIRED`)."""

    annotation: str
    default: Any


class Plugins(Mapping[str, Callable[..., Any]]):
    """The functions called `function` of a package's modules, by module name, each imported when asked for.

    A file is a plug-in when its name has no leading underscore; a broken one breaks only itself.
    """

    def __init__(self, package: str, function: str, what: str) -> None:
        self.package = package
        self.function = function
        self.what = what
        self.folder = Path(__file__).parent.joinpath(*package.split(".")[1:])

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return getattr(self.module(name), self.function)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The plug-ins that were there when first asked for."""
        return tuple(sorted(path.stem for path in self.folder.glob("[!_]*.py")))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __repr__(self) -> str:
        """Show a table of the plug-ins: name, what each one is, options with their defaults."""
        lines = [
            (name, shorten(self.summary(name), 90, placeholder=" ..."), _in_words(self.options(name)))
            for name in self
        ]
        return as_table((self.what, "what it is", "options"), lines)

    def module(self, name: str) -> Any:
        """The module of a plug-in, for a second function that stands beside the agreed one."""
        self.check(name)
        return import_module(f"{self.package}.{name}")

    def check(self, name: str) -> None:
        """Raise a `UserError` that lists the choices when there is no such plug-in."""
        if name not in self:
            raise one_of(self.what, name, self)

    def options(self, name: str, function: str | None = None) -> dict[str, Option]:
        """The keyword-only arguments of a plug-in's function, read without importing it."""
        self.check(name)
        return keyword_options(self.folder / f"{name}.py", function or self.function)

    def summary(self, name: str) -> str:
        """The first paragraph of a plug-in's docstring, read without importing it."""
        self.check(name)
        return first_paragraph(self.folder / f"{name}.py")

    def constant(self, name: str, variable: str, default: Any = REQUIRED) -> Any:
        """The literal value of a plug-in's top-level variable (or the default), read without importing it."""
        self.check(name)
        for node in _tree(self.folder / f"{name}.py").body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(targets[0]) == variable:
                return ast.literal_eval(node.value)  # type: ignore[arg-type]
        assert default is not REQUIRED, f"{name}.py has no constant {variable}"
        return default


def _in_words(options: Mapping[str, Option]) -> str:
    """Options with their defaults, those without one alone."""
    return ", ".join(
        name if option.default is REQUIRED else f"{name}={option.default!r}"
        for name, option in options.items()
    )


@cache
def keyword_options(path: Path, function: str) -> dict[str, Option]:
    """The keyword-only arguments of one top-level function of a source file."""
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return {
                argument.arg: Option(
                    annotation=ast.unparse(argument.annotation) if argument.annotation else "object",
                    default=REQUIRED if default is None else ast.literal_eval(default),
                )
                for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            }
    raise AssertionError(f"{path.name} has no function '{function}'")


def first_paragraph(path: Path) -> str:
    """What a source file says of itself before its first blank line."""
    text = ast.get_docstring(_tree(path)) or ""
    return " ".join(text.split("\n\n")[0].split())


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
