"""Random mutations of configs and files; they follow the schema, so that new keys are covered too."""

import datetime
import math
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

Path = tuple[str | int, ...]
GONE = object()
TEXTS = (
    *(
        "",
        " ",
        "../../etc",
        "/etc/passwd",
        "a/b",
        ".",
        "..",
        "a\0b",
        "a\n",
        "a\nb",
        "-x",
        "ä",
        "🙈",
        "\u202ex",
        "x" * 300,
    ),
    *(
        "x" * 60,
        "1.0",
        "null",
        "yes",
        "{seed}",
        "a{b}c",
        "{{",
        "$(touch x)",
        "`id`",
        "'; touch x; '",
        "%s",
        "~root",
    ),
    *("base", "oracle", "do_nothing", "scores", "tables", "C:\\x", "*", "**", "[a", "\ud800", "a@b=1", "nan"),
)
NUMBERS = (
    *(-1, 0, 1, 2, 3, 2**31 - 1, 2**31, 2**53, 2**63, 10**30, -(10**30), True, False),
    *(-0.0, 0.1, 0.5, 1.0, 1.5, 1e-300, 5e-324, 1e308, math.nan, math.inf, -math.inf),
)
OTHERS = (
    None,
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    {1: 2},
    {None: 1},
    {True: 1},
    b"x",
    {1},
    datetime.date(2026, 1, 1),
)


def mutated(config: Mapping[str, Any], schema: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return the config with one to three random changes, some of which may be valid."""
    config = deepcopy(dict(config))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        place = rng.choice([*paths(config, ()), *wanted_paths(config, schema, schema, ())])
        value = rng.choice([wrong, right, renamed, borrowed])(config, schema, place, rng)
        put(config, place, value)
    return config


def paths(value: Any, here: Path) -> Iterator[Path]:
    """Yield the path of every value of a config except its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*here, key)
        yield from paths(part, (*here, key))


def wanted_paths(
    value: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], here: Path
) -> Iterator[Path]:
    """Yield the path of every optional key of the schema."""
    if not isinstance(value, dict):
        return
    others = schema.get("additionalProperties")
    for key, rule in schema.get("properties", {}).items():
        yield (*here, key)
        yield from wanted_paths(value.get(key), resolved(rule, whole), whole, (*here, key))
    for key in value.keys() - schema.get("properties", {}).keys() if isinstance(others, dict) else ():
        yield from wanted_paths(value[key], resolved(others, whole), whole, (*here, key))


def resolved(rule: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in rule:
        return rule
    return {**whole["$defs"][rule["$ref"].rsplit("/", 1)[-1]], **rule}


def rule_of(place: Path, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema's rule for a path; empty for an unknown path."""
    rule = whole
    for key in place:
        rule = resolved(rule, whole)
        if isinstance(key, int):
            rule = rule.get("items", {})
        else:
            others = rule.get("additionalProperties")
            rule = rule.get("properties", {}).get(key) or (others if isinstance(others, dict) else {})
    return resolved(rule, whole)


def wrong(config: dict, schema: Mapping[str, Any], place: Path, rng: random.Random) -> Any:
    """Return an arbitrary value, a removal, or the present value repeated or nested deeper."""
    there = get(config, place)
    more = [GONE, [there], {"a": there}, [there, there], str(there), {rng.choice(TEXTS): there}]
    return rng.choice([rng.choice(TEXTS), rng.choice(NUMBERS), rng.choice(OTHERS), rng.choice(more)])


def right(config: dict, schema: Mapping[str, Any], place: Path, rng: random.Random) -> Any:
    """Return a value of the type in the schema; it lies at or beyond the limits as often as within them."""
    rule = rule_of(place, schema)
    if "enum" in rule:
        return rng.choice(rule["enum"])
    kind = rule.get("type", rng.choice(["string", "number", "integer", "array", "object"]))
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    limits = [rule[name] for name in rule if name.lower().endswith(("minimum", "maximum"))]
    near = [limit + step for limit in limits for step in (-1, 0, 1, 0.5)]
    names = [str(key) for path in paths(config, ()) for key in path[-1:]]
    match kind:
        case "integer":
            return rng.choice([*near, 0, 1, 5, 1000])
        case "number":
            return rng.choice([*near, 0, 0.25, 1.0, 7])
        case "boolean":
            return rng.choice([True, False])
        case "array":
            return [right(config, schema, (*place, 0), rng) for _ in range(rng.choice([0, 1, 2, 5]))]
        case "object":
            return {
                rng.choice(names): right(config, schema, (*place, "x"), rng)
                for _ in range(rng.choice([0, 1, 2]))
            }
    return rng.choice([*names, *TEXTS])


def renamed(config: dict, schema: Mapping[str, Any], place: Path, rng: random.Random) -> Any:
    """Copy the value to another key, and return the old value or its removal."""
    name = rng.choice([*TEXTS, f"{place[-1]}x"])
    if isinstance(place[-1], str):
        put(config, (*place[:-1], name), deepcopy(get(config, place)))
    return rng.choice([GONE, get(config, place)])


def borrowed(config: dict, schema: Mapping[str, Any], place: Path, rng: random.Random) -> Any:
    """Return a value from a random other place of the config."""
    return deepcopy(get(config, rng.choice(list(paths(config, ())))))


def get(config: Any, place: Path) -> Any:
    for key in place:
        there = isinstance(config, dict) and key in config
        there |= isinstance(config, list) and isinstance(key, int) and key < len(config)
        config = config[key] if there else None
    return config


def put(config: Any, place: Path, value: Any) -> None:
    """Set or remove the value at a path; do nothing if the path no longer exists."""
    *outer, last = place
    inner = get(config, tuple(outer)) if outer else config
    if isinstance(inner, dict):
        if value is GONE:
            inner.pop(last, None)
        else:
            inner[last] = value
    elif isinstance(inner, list) and isinstance(last, int) and last < len(inner) and value is not GONE:
        inner[last] = value


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return a file's bytes with flipped bits, truncated, or with a piece repeated, blanked or moved."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 4, 40])):
        start = rng.randrange(len(data)) if data else 0
        end = min(len(data), start + rng.choice([1, 2, 8, 100]))
        match rng.choice(["flip", "cut", "repeat", "blank", "noise", "number"]):
            case "flip" if data:
                data[start] ^= 1 << rng.randrange(8)
            case "cut":
                del data[start:]
            case "repeat":
                data[start:start] = data[start:end]
            case "blank":
                data[start:end] = bytes(end - start)
            case "noise":
                data[start:end] = rng.randbytes(end - start)
            case "number":
                data[start : start + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"])
    return bytes(data)
