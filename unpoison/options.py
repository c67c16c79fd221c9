"""Options of plug-ins, checked against the annotations of the functions that take them."""

import ast
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from unpoison.errors import UserError, one_of
from unpoison.source_text import REQUIRED, Option

# The number types of `unpoison.types`: kind, minimum and maximum.
LARGEST, ABOVE_ZERO = 2**31 - 1, math.ulp(0.0)
RANGES: dict[str, tuple[str, float, float]] = {
    "PositiveInt": ("int", 1, LARGEST),
    "Several": ("int", 2, LARGEST),
    "PositiveFloat": ("float", ABOVE_ZERO, LARGEST),
    "NotNegative": ("float", 0, LARGEST),
    "Share": ("float", 0, 1),
    "PositiveShare": ("float", ABOVE_ZERO, 1),
}


@runtime_checkable
class Advise(Protocol):
    """A function that returns a hint for a value that was read as another type than the wanted one."""

    def __call__(self, value: object, /, *, text: bool, number: bool) -> str: ...


def no_advice(value: object, /, *, text: bool, number: bool) -> str:
    """Return no hint, since Python, unlike YAML, reads no text as another type."""
    return ""


def check_options(
    given: Mapping[str, Any], options: Mapping[str, Option], where: str, *, advise: Advise = no_advice
) -> dict[str, Any]:
    """Return all options of a plug-in, the given ones and the defaults.

    Raises:
        UserError: for an unknown option, one of the wrong type, or a required one that is missing.
    """
    check_given(given, options, where, advise=advise)
    filled = {name: given.get(name, option.default) for name, option in options.items()}
    for name, value in filled.items():
        if value is REQUIRED:
            raise UserError(f"{where}.{name} is missing; it takes {in_words(options[name].annotation)}")
    return filled


def check_given(
    given: Mapping[str, Any], options: Mapping[str, Option], where: str, *, advise: Advise = no_advice
) -> None:
    """Refuse options that are unknown or of the wrong type; required ones may still be missing."""
    for name, value in given.items():
        if name not in options:
            raise one_of(f"option in {where}:", name, options)
        annotation = options[name].annotation
        try:
            is_accepted = accepts(annotation, value)
        except (UserError, ValueError) as error:  # the annotation of a user's plug-in
            raise UserError(f"{where}.{name}: {error}") from error
        if not is_accepted:
            numbers = any(accepts(annotation, number) for number in (1, 0.5))
            said = advise(value, text="str" in annotation, number=numbers)
            raise UserError(f"{where}.{name}: found {value!r}, allowed: {in_words(annotation)}{said}")


def check_one_of(given: Mapping[str, Any], rivals: Sequence[str], where: str) -> None:
    """Refuse two options that exclude each other (a plug-in's constant `ONE_OF`)."""
    found = [f"{name}: {given[name]}" for name in rivals if given.get(name) is not None]
    if len(found) > 1:
        raise UserError(f"{where}: found {' and '.join(found)}, allowed: one of {', '.join(rivals)}")


def in_words(annotation: str) -> str:
    """Return an annotation in words for a reader of configs."""
    words = {
        "PositiveInt": "an integer above 0",
        "PositiveFloat": "a number above 0",
        "NotNegative": "a number from 0 on",
        "PositiveShare": "a number above 0, to 1",
        "Share": "a number from 0 to 1",
        "Parts": "a list of names of poisons",
        "Several": "an integer from 2 on",
    }
    for name, text in {**words, "None": "null", " | ": " or "}.items():
        annotation = annotation.replace(name, text)
    if " or " in annotation:
        annotation = re.sub(r"Literal\[([^\]]*)\]", lambda found: found[1].replace(", ", " or "), annotation)
    annotation = re.sub(r"dict\[str, (.*)\]", r"a mapping of names to \1", annotation)
    return re.sub(r"list\[str\]", "a list of names", annotation)


def accepts(annotation: str, value: object) -> bool:
    """Return whether a value fits a type annotation as written in a plug-in's source."""
    return _fits(ast.parse(annotation, mode="eval").body, value)


def _fits(node: ast.expr, value: object) -> bool:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _fits(left, value) or _fits(right, value)
        case ast.Constant(value=None):
            return value is None
        case ast.Name(id="float"):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return is_number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]
        case ast.Name(id="int"):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.Name(id=name) if name in RANGES:
            kind, low, high = RANGES[name]
            return _fits(ast.Name(kind), value) and low <= value <= high  # type: ignore[operator]
        case ast.Name(id=("str" | "bool") as name):
            return isinstance(value, {"str": str, "bool": bool}[name])
        case ast.Name(id="Parts"):
            return isinstance(value, list) and all(isinstance(part, str) for part in value)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return isinstance(value, list) and all(_fits(inner, part) for part in value)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, inner])):
            return isinstance(value, dict) and all(
                _fits(key, k) and _fits(inner, v) for k, v in value.items()
            )
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return value in ast.literal_eval(
                ast.Tuple(elts=inner.elts if isinstance(inner, ast.Tuple) else [inner])
            )
    raise UserError(
        f"the option has the annotation '{ast.unparse(node)}', which no value can be checked against; allowed: int, "
        "float, str, bool, list[...], dict[str, ...], Literal[...], None, |, and the numbers of unpoison.types"
    )
