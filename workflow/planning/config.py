"""The config, checked: its keys against the schema, its options against the functions that take them."""

import ast
import math
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from planning.trainings import flattened
from planning.written import advice, parsed
from unpoison.errors import UserError, one_of
from unpoison.source_text import REQUIRED, Option

SCHEMA_FILE = Path(__file__).parents[1] / "schemas/config.schema.yaml"
SCHEMA = parsed(SCHEMA_FILE.read_text(encoding="utf-8"), SCHEMA_FILE.name)
MOST_VALUES, DEEPEST = 100_000, 20
MOST_EXACT = 2**53 - 1  # an integer beyond it is no exact float, and from 309 digits on none at all
# 1.0 is not an integer here: in `keep` it is all of the images, and 1 is one of them.
_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
# The types of `unpoison.types` that are numbers: their kind, the least and the most.
LARGEST, ABOVE_ZERO = 2**31 - 1, math.ulp(0.0)
RANGES: dict[str, tuple[str, float, float]] = {
    "PositiveInt": ("int", 1, LARGEST),
    "Several": ("int", 2, LARGEST),
    "PositiveFloat": ("float", ABOVE_ZERO, LARGEST),
    "NotNegative": ("float", 0, LARGEST),
    "Share": ("float", 0, 1),
    "PositiveShare": ("float", ABOVE_ZERO, 1),
}
_Validator = extend(Draft202012Validator, type_checker=_CHECKER)


def checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the config with the schema's defaults filled in.

    Raises:
        UserError: for the first key that is unknown, missing, of the wrong type or out of range.
    """
    for number, (path, value) in enumerate(_leaves(config, ())):
        if isinstance(value, (int, float)) and not abs(value) <= MOST_EXACT:
            raise UserError(f"{_dotted(path)} is {value}; numbers must be finite, of at most {MOST_EXACT}")
        if number == MOST_VALUES:  # a few lines of YAML aliases can stand for billions
            raise UserError(f"the config has more than {MOST_VALUES} values, by {_dotted(path[:3])}")
    validate(config, SCHEMA, ())
    for section, entries in config.items():
        if isinstance(entries, Mapping):
            _refuse_twins(section, entries)
    trainings = {name: flattened(name, entry) for name, entry in config["trainings"].items()}
    filled = _with_defaults(deepcopy({**config, "trainings": trainings}), SCHEMA)
    filled["results_folder"] = filled["results_folder"].rstrip("/") or "/"
    return filled


def _refuse_twins(section: str, names: Mapping[str, Any]) -> None:
    """Names become folders, and many file systems take capitals for small letters."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            raise UserError(f"{section} has '{other}' and '{name}'; names must differ by more than capitals")


def validate(value: object, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
    """Raise one line for the most telling violation of the schema."""
    whole = {**schema, "$defs": SCHEMA["$defs"]}
    error = best_match(_Validator(whole).iter_errors(value))
    if error is not None:
        raise UserError(f"{_explain(error, (*path, *error.absolute_path))}")


def check_options(given: Mapping[str, Any], options: Mapping[str, Option], where: str) -> dict[str, Any]:
    """All options of a plug-in, the given ones and the defaults.

    Raises:
        UserError: for an unknown option, one of the wrong type, or a required one that is missing.
    """
    check_given(given, options, where)
    filled = {name: given.get(name, option.default) for name, option in options.items()}
    for name, value in filled.items():
        if value is REQUIRED:
            raise UserError(f"{where}.{name} is missing; it takes {in_words(options[name].annotation)}")
    return filled


def check_given(given: Mapping[str, Any], options: Mapping[str, Option], where: str) -> None:
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
            said = advice(value, text="str" in annotation, number=numbers)
            raise UserError(f"{where}.{name}: found {value!r}, allowed: {in_words(annotation)}{said}")


def in_words(annotation: str) -> str:
    """An annotation as a reader of configs would say it."""
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
    annotation = re.sub(r"dict\[str, (.*)\]", r"a mapping of names to \1", annotation)
    return re.sub(r"list\[str\]", "a list of names", annotation)


def accepts(annotation: str, value: object) -> bool:
    """Whether a config value fits a type annotation as written in a plug-in's source."""
    return _fits(ast.parse(annotation, mode="eval").body, value)


def _fits(node: ast.expr, value: object) -> bool:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _fits(left, value) or _fits(right, value)
        case ast.Constant(value=None):
            return value is None
        case ast.Name(id="float"):
            return isinstance(value, (int, float)) and not isinstance(value, bool)
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
        f"the option has the annotation '{ast.unparse(node)}', which no value of a config can be checked against; "
        "allowed: int, float, str, bool, list[...], dict[str, ...], Literal[...], None, |, and the numbers of "
        "unpoison.types"
    )


def _explain(error: Any, path: tuple[str | int, ...]) -> str:
    where = _dotted(path)
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = [key for key in error.instance if key not in known]
            return f"unknown key '{unknown[0]}'{where and f' in {where}'}; choose from {', '.join(known)}"
        case "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            return f"{where or 'the config'} lacks the key '{missing[0]}'"
        case "oneOf" if "epochs" in str(error.validator_value):
            return (
                f"{where} takes either epochs or iterations; found {', '.join(error.instance) or '(nothing)'}"
            )
        case "propertyNames" | "pattern":
            allowed = error.schema.get("description", f"text that matches {error.validator_value}")
            return f"{where}: found {error.instance!r}, allowed: {allowed}"
    return f"{where}: found {error.instance!r}, allowed: {_allowed(error)}{_advice(error)}"


def _advice(error: Any) -> str:
    """Return advice where YAML read a value as another type than the schema asks for."""
    if error.validator not in ("type", "anyOf"):
        return ""
    types = str([rule.get("type") for rule in (error.schema, *error.schema.get("anyOf", ()))])
    return advice(error.instance, text="string" in types, number="integer" in types or "number" in types)


def _allowed(error: Any) -> str:
    rules = {
        "type": f"{error.validator_value}",
        "enum": f"one of {error.validator_value}",
        "minimum": f"{error.validator_value} or more",
        "maximum": f"{error.validator_value} or less",
        "exclusiveMinimum": f"above {error.validator_value}",
        "exclusiveMaximum": f"below {error.validator_value}",
        "minProperties": "at least one entry",
        "minItems": f"at least {error.validator_value} entries",
        "uniqueItems": "each entry once",
        "minLength": "some text",
        "maxLength": f"at most {error.validator_value} characters",
    }
    return str(rules.get(error.validator) or error.schema.get("description", error.message))


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def _leaves(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if len(path) > DEEPEST:  # without end where an alias names what it is part of
        raise UserError(f"{_dotted(path[:3])} is nested more than {DEEPEST} levels deep")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise UserError(
                    f"{_dotted(path) or 'the config'} has the key {key!r}; keys are text (quote it)"
                )
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    for name, rule in schema.get("properties", {}).items():
        if "default" in rule:
            value.setdefault(name, deepcopy(rule["default"]))
    rules = schema.get("properties", {})
    others = schema.get("additionalProperties")
    return {
        key: _with_defaults(inner, rules.get(key) or (others if isinstance(others, dict) else {}))
        for key, inner in value.items()
    }
