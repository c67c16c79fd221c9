"""Checks of a config: its keys against the schema, its options against the functions that take them."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from unpoison.errors import UserError
from unpoison.options import check_given as _check_given
from unpoison.options import check_options as _check_options
from unpoison.study.trainings import flattened
from unpoison.study.written import advice, parsed

SCHEMA_FILE = Path(__file__).with_name("config.schema.yaml")
SCHEMA = parsed(SCHEMA_FILE.read_text(encoding="utf-8"), SCHEMA_FILE.name)
MOST_VALUES, DEEPEST = 100_000, 20
MOST_EXACT = 2**53 - 1  # larger integers have no exact float, and from 309 digits on no float at all
# Here 1.0 is not an integer: in `keep`, 1.0 means all images and 1 means one image.
_CHECKER = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
_Validator = extend(Draft202012Validator, type_checker=_CHECKER)
# The library's checks, with advice on values that YAML reads as another type than they look like.
check_options = partial(_check_options, advise=advice)
check_given = partial(_check_given, advise=advice)


def checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the config with the schema's defaults filled in.

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
    """Refuse names that differ only in case: they become folders, and many file systems ignore case."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            raise UserError(f"{section} has '{other}' and '{name}'; names must differ by more than capitals")


def validate(value: object, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
    """Raise a UserError of one line for the most informative violation of the schema."""
    whole = {**schema, "$defs": SCHEMA["$defs"]}
    error = best_match(_Validator(whole).iter_errors(value))
    if error is not None:
        raise UserError(f"{_explain(error, (*path, *error.absolute_path))}")


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
        "maxItems": f"at most {error.validator_value} entries",
        "uniqueItems": "each entry once",
        "minLength": "some text",
        "maxLength": f"at most {error.validator_value} characters",
    }
    return str(rules.get(error.validator) or error.schema.get("description", error.message))


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def _leaves(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if len(path) > DEEPEST:  # endless if an alias refers to what contains it
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
