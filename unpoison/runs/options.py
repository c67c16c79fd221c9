"""The tables of config/README.md, made from the schema of configs and the signatures of plug-ins."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unpoison.datasets import SOURCES
from unpoison.options import in_words
from unpoison.plots import PLOTS
from unpoison.plugins import Plugins
from unpoison.probes import PROBES
from unpoison.source_text import REQUIRED, Option
from unpoison.study.config import SCHEMA

PLUGINS = {
    "options of sources": ("source", SOURCES),
    "options of figures": ("figure", PLOTS),
    "options of probes": ("probe", PROBES),
}
LIMITS = {  # of numbers, in words; a limit that only keeps a number exact is left out
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "exclusiveMaximum": "below {}",
}
LARGEST = 2**31 - 1
TYPES = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "`true` or `false`",
    "object": "a mapping",
    "null": "`null`",
}
NAMED = {  # definitions of the schema, in words
    "name": "a name",
    "names": "a list of names",
    "entries": "named entries",
    "amount": "a number or share of images",
    "means": "three numbers from 0 to 1",
    "deviations": "three numbers above 0, to 1",
}


def filled(page: str, mark: str = "table", made: Callable[[str], str] | None = None) -> str:
    """Return a page with its tables made anew, each between `<!-- MARK: NAME -->` and `<!-- end of MARK -->`.

    Args:
        made: gives a table by its name; None is `table`.
    """
    return re.sub(
        rf"(<!-- {mark}: (.+?) -->\n).*?(<!-- end of {mark} -->)",
        lambda found: f"{found[1]}{(made or table)(found[2])}\n{found[3]}",
        page,
        flags=re.DOTALL,
    )


def table(name: str) -> str:
    """Return a table in Markdown: the keys of a config (`config`) or of a section, or the options of plug-ins.

    A section within the entries of another is named `studies.contrasts`.
    """
    if name in PLUGINS:
        lines = _plugins(*PLUGINS[name])
    elif name == "config":
        lines = _keys(SCHEMA)
    else:
        rules = SCHEMA
        for section in name.split("."):
            rules = rules["properties"][section]["additionalProperties"]
        lines = _keys(rules)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _keys(rules: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield "key", "meaning", "allowed", "default"
    yield ("---",) * 4
    one_of = [key for choice in rules.get("oneOf", ()) for key in choice["required"]]
    for key, rule in rules["properties"].items():
        if key in rules.get("required", ()):
            default = "required"
        elif key in one_of:
            default = f"required, or {' or '.join(f'`{other}`' for other in one_of if other != key)}"
        else:
            default = _value(rule["default"]) if "default" in rule else ""
        meaning = rule["description"]
        yield f"`{key}`", meaning[0].upper() + meaning[1:], _allowed(rule), default


def _plugins(what: str, plugins: Plugins) -> Iterator[tuple[str, ...]]:
    yield what, "what it is", "options"
    yield ("---",) * 3
    for name in plugins:
        options = (_option(option, rule) for option, rule in plugins.options(name).items())
        yield f"`{name}`", plugins.summary(name), "; ".join(options) or "(none)"


def _option(name: str, rule: Option) -> str:
    allowed = in_words(rule.annotation)
    for kind, words in (("str", TYPES["string"]), ("int", TYPES["integer"]), ("float", TYPES["number"])):
        allowed = re.sub(rf"\b{kind}\b", words, allowed)
    return f"`{name}`, {allowed} ({'required' if rule.default is REQUIRED else _value(rule.default)})"


def _allowed(rule: Mapping[str, Any]) -> str:
    """Return the values that a rule of the schema allows, in words."""
    if "$ref" in rule:
        return NAMED[rule["$ref"].removeprefix("#/$defs/")]
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    for choices in ("oneOf", "anyOf"):
        if choices in rule:
            return " or ".join(map(_allowed, rule[choices]))
    if rule["type"] == "array":
        item = _allowed(rule["items"]).split(" ", 1)[1]  # without its article
        return f"a list of {item.replace('text', 'texts').replace('integer', 'integers')}"
    types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    limits = (LIMITS[name].format(rule[name]) for name in LIMITS if abs(rule.get(name, LARGEST)) < LARGEST)
    return " ".join([" or ".join(TYPES[kind] for kind in types), *limits])


def _value(value: Any) -> str:
    """Return a default as it is written in a config."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`" if text else "(empty)"
