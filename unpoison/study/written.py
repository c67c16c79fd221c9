"""The reader of YAML files: plain values, and a refusal of text that YAML reads differently from how it looks."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from unpoison.errors import UserError

try:  # the loader of libyaml, about five times as fast
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

LOADER = SafeLoader
TAG = "tag:yaml.org,2002:"
PLAIN = {f"{TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge")}
# Spellings that people and YAML read alike. YAML reads 010 as 8, 1:30 as 90 and 1_000 as 1000.
NUMBERS = {
    f"{TAG}int": r"[-+]?(0|[1-9][0-9]*)",
    f"{TAG}float": r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
DEEPEST, MOST_NODES = 50, 200_000


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, whatever the locale."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def check_file(path: Path) -> None:
    """Refuse a config file as `parsed` does; for files that Snakemake has already read."""
    if path.is_file():  # a pipe can be read only once
        parsed(read_text(path), str(path))


def parsed(text: str, where: str) -> Any:
    """Return the plain values of a text in YAML.

    Raises:
        UserError: for invalid YAML, a repeated key, a tag, endless nesting, and a scalar that YAML reads
            differently from how it looks: 010, 1:30, 1_000, a date, a key that is not text.
    """
    try:
        _check_depth(text, where)
        loader = LOADER(text)
        tree = loader.get_single_node()
        if tree is None:
            return None
        _check_size(tree, where)
        for node in _nodes(tree):
            _check_node(node, where, loader)
        return loader.construct_document(tree)
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, RecursionError) as error:  # an integer that Python does not take
        raise UserError(f"{where} cannot be read: {error}") from error


def _check_depth(text: str, where: str) -> None:
    """Refuse deep nesting before the tree is built: building it would crash the process."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UserError(f"{where} is nested more than {DEEPEST} levels deep")


def _check_size(tree: yaml.Node, where: str) -> None:
    """Refuse aliases that expand to more values than a config has, or that contain themselves."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = MOST_NODES + 1  # the size that an alias within itself finds
            sizes[id(node)] = 1 + sum(map(size, _parts(node)))
        return sizes[id(node)]

    if size(tree) > MOST_NODES:
        raise UserError(f"{where} has aliases (*name) that stand for more than {MOST_NODES} values")


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _nodes(tree: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node of a document once, in the order of the text, however many aliases it has."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += reversed(_parts(node))


def _check_node(node: yaml.Node, where: str, loader: Any) -> None:
    line = f"{where}, line {node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, where, loader)
    if isinstance(node, yaml.ScalarNode) and (reason := _misread(node, loader)):
        raise UserError(f"{line}: {reason}")
    if node.tag not in PLAIN:
        raise UserError(
            f"{line}: the tag {node.tag} is not allowed; write texts, numbers, lists and mappings"
        )


def _misread(node: yaml.ScalarNode, loader: Any) -> str:
    """Return how YAML misreads a scalar, and what to write instead; empty for other scalars."""
    text = node.value
    quoted = f'"{text}" in quotes for a text'
    if node.tag in NUMBERS and not re.fullmatch(NUMBERS[node.tag], text):
        value = loader.yaml_constructors[node.tag](loader, node)
        looks = re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", text)  # 010 as people read it
        meant = {str(value): None} | ({looks: None} if re.fullmatch(NUMBERS[node.tag], looks) else {})
        return f"YAML reads {text} as {value}; write {' or '.join(meant)} for a number, or {quoted}"
    if node.tag == f"{TAG}timestamp":
        return f"YAML reads {text} as a date; write {quoted}"
    if node.tag == f"{TAG}value":
        return f"YAML gives {text} a meaning of its own; write {quoted}"
    return ""


def _check_keys(mapping: yaml.MappingNode, where: str, loader: Any) -> None:
    """Refuse a key that is not text, and a repeated key, of which YAML would take the last."""
    names: set[str] = set()
    for key, value in mapping.value:
        line = f"{where}, line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise UserError(f"{line}: a key is a list or a mapping; keys are text")
        if key.tag in PLAIN - {f"{TAG}str", f"{TAG}merge"} and not _misread(key, loader):
            read = loader.yaml_constructors[key.tag](loader, key)
            raise UserError(
                f"{line}: YAML reads the key {key.value or '(nothing)'} as {read!r}; keys are text: "
                f'write "{key.value}" in quotes'
            )
        if key.value in names and key.tag != f"{TAG}merge":
            raise UserError(f"{line}: the key '{key.value}' is given twice in the same place")
        if value.tag == f"{TAG}null" and not value.value:
            raise UserError(
                f"{line}: nothing is written for '{key.value}'; write null where no value is meant"
            )
        names.add(key.value)


def advice(value: object, *, text: bool, number: bool) -> str:
    """Return advice for a value that YAML read as another type than the allowed one; empty for other values.

    Args:
        text, number: whether a text or a number is allowed in the value's place.
    """
    if number and isinstance(value, str) and (found := _number_in(value)) is not None:
        return f"; YAML reads it as a text: write {found}"
    if not text:
        return ""
    if isinstance(value, list):
        return next((said for part in value if (said := advice(part, text=True, number=False))), "")
    if value is None:
        return '; YAML reads null, ~ and nothing as no value: for a text write "null" in quotes'
    if isinstance(value, bool):
        words = ("yes, on and true", "yes") if value else ("no, off and false", "no")
        return f'; YAML reads {words[0]} as a boolean: for a text write "{words[1]}" in quotes'
    return f'; for a text write "{value}" in quotes' if isinstance(value, (int, float)) else ""


def _number_in(text: str) -> str | None:
    """Return the number that a text looks like, as YAML 1.1 writes it; None for other texts.

    YAML 1.1 reads 1e-3 as a text because it lacks the point, and 08 because it is no octal number.
    """
    if not re.fullmatch(r"[-+]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][-+]?[0-9]+)?", text):
        return None
    number = float(text)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return yaml.safe_dump(number).split()[0] if math.isfinite(number) else None
