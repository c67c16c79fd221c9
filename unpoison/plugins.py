"""A registry of one-file plug-ins, with the options of each.

Options are read from the source text, so that checking a config imports no plug-in and no torch.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any

from unpoison.errors import one_of
from unpoison.plugin_files import Registered
from unpoison.registration import registered
from unpoison.source_text import REQUIRED, Option, constant, first_paragraph, keyword_options
from unpoison.text import as_table


class Plugins(Mapping[str, Callable[..., Any]]):
    """The functions called `function` of a package's modules and of the users' plug-ins, each imported on first use.

    A file of the package is a plug-in if its name has no leading underscore; a broken file affects no other. The
    users' plug-ins come from `unpoison.register` and from entry points.
    """

    def __init__(self, package: str, function: str, what: str) -> None:
        self.package = package
        self.function = function
        self.what = what
        self.folder = Path(__file__).parent.joinpath(*package.split(".")[1:])

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return getattr(self.module(name), self.function)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the shipped plug-ins, listed once at first use, and the users', in alphabetical order."""
        return tuple(sorted({*self._shipped, *registered(self.function)}))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in registered(self.function) or name in self._shipped

    def __repr__(self) -> str:
        """Return a table of the plug-ins: name, description, options with their defaults."""
        lines = [
            (name, shorten(self.summary(name), 90, placeholder=" ..."), _in_words(self.options(name)))
            for name in self
        ]
        return as_table((self.what, "what it is", "options"), lines)

    def module(self, name: str) -> Any:
        """Return the module of a plug-in, to use a second function of it."""
        of_user = self._of_user(name)
        return of_user.imported() if of_user else import_module(f"{self.package}.{name}")

    def check(self, name: str) -> None:
        """Raise a `UserError` that lists the choices if there is no such plug-in."""
        if name not in self:
            raise one_of(self.what, name, self)

    def options(self, name: str, function: str | None = None) -> dict[str, Option]:
        """Return the keyword-only arguments of a plug-in's function, read without importing it."""
        return keyword_options(self.path(name), function or self.function)

    def summary(self, name: str) -> str:
        """Return the first paragraph of a plug-in's docstring, read without importing it."""
        return first_paragraph(self.path(name))

    def constant(self, name: str, variable: str, default: Any = REQUIRED) -> Any:
        """Return the literal value of a plug-in's top-level variable (or the default), read without importing it."""
        return constant(self.path(name), variable, default)

    def path(self, name: str) -> Path:
        """Return the file of a plug-in."""
        of_user = self._of_user(name)
        return of_user.path if of_user else self.folder / f"{name}.py"

    def code(self, name: str) -> str | Registered:
        """Return the identity of a plug-in's code: the name of a shipped module, or the record of a user's file."""
        return self._of_user(name) or f"{self.package}.{name}"

    def _of_user(self, name: str) -> Registered | None:
        """Return the record of a user's plug-in; None for a shipped one."""
        self.check(name)
        return None if name in self._shipped else registered(self.function)[name]

    @cached_property
    def _shipped(self) -> frozenset[str]:
        return frozenset(path.stem for path in self.folder.glob("[!_]*.py"))


def _in_words(options: Mapping[str, Option]) -> str:
    """Return the options in words, each with its default if it has one."""
    return ", ".join(
        name if option.default is REQUIRED else f"{name}={option.default!r}"
        for name, option in options.items()
    )
