"""Users' text, escaped for the place where it is shown: a terminal, a web page or a spreadsheet."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

# A spreadsheet reads a cell that begins so as a formula (OWASP: CSV injection), even after apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def printable(text: str) -> str:
    r"""Return the text with every letter that is not printable as its escape: `\x1b`, `\n`, `\u202e`."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def shortened(text: str, most: int) -> str:
    """Return the text with at most `most` letters; the middle of a longer text is left out."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - end :]}"


def as_html(value: Any) -> Any:
    """Return plain values with `<`, `>` and `&` escaped in every text, so that a web page shows it as text."""
    return _with_texts(value, lambda text: html.escape(text, quote=False))


def from_html(value: Any) -> Any:
    """Return the argument of `as_html` from its result."""
    return _with_texts(value, html.unescape)


def as_cell(value: Any) -> Any:
    """Return a text with an apostrophe before it if a spreadsheet would read it as a formula; else the value."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def from_cell(value: Any) -> Any:
    """Return the argument of `as_cell` from its result."""
    is_marked = isinstance(value, str) and value.startswith("'") and _FORMULA.match(value)
    return value[1:] if is_marked else value


def _with_texts(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _with_texts(part, change) for key, part in value.items()}
    return [_with_texts(part, change) for part in value] if isinstance(value, list) else value


def as_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as a plain-text table with a head; columns are as wide as their longest cell."""
    every = [list(head), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in every]
    return "\n".join("  ".join(line).rstrip() for line in padded)
