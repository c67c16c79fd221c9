"""The lists of `unpoison list`: each plug-in with one sentence, its options and their defaults."""

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping

from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.errors import one_of
from unpoison.metrics import METRICS
from unpoison.models import MODELS
from unpoison.options import in_words
from unpoison.plots import PLOTS
from unpoison.plugins import Plugins
from unpoison.poisons import POISONS
from unpoison.probes import PROBES
from unpoison.source_text import REQUIRED, Option
from unpoison.unlearning import METHODS

REGISTRIES: Mapping[str, Plugins] = {
    "methods": METHODS,
    "detectors": DETECTORS,
    "poisons": POISONS,
    "models": MODELS,
    "sources": SOURCES,
    "probes": PROBES,
    "figures": PLOTS,
}
KINDS = (*REGISTRIES, "metrics")
WIDTH, INDENT = 100, "    "
TYPES = {"bool": "true or false", "str": "a text", "int": "an integer", "float": "a number"}
BETTER = {True: "higher is better", False: "lower is better", None: "neither is better"}


def kinds() -> Iterator[str]:
    """Yield a line for each kind with the names in it."""
    for kind in KINDS:
        names = METRICS if kind == "metrics" else REGISTRIES[kind]
        yield from _wrapped(f"{kind:<11}{', '.join(names)}", " " * 11)
    yield "`unpoison list KIND` describes each one, with its options"


def choices(kind: str) -> Iterator[str]:
    """Yield for each plug-in of a kind its name, one sentence, and its options.

    Raises:
        UserError: for an unknown kind.
    """
    if kind not in KINDS:
        raise one_of("kind", kind, KINDS)
    describe: Callable[[str], Iterator[str]] = _metric if kind == "metrics" else _plugin_of(REGISTRIES[kind])
    for name in METRICS if kind == "metrics" else REGISTRIES[kind]:
        yield name
        yield from describe(name)


def _plugin_of(plugins: Plugins) -> Callable[[str], Iterator[str]]:
    def describe(name: str) -> Iterator[str]:
        yield from _wrapped(f"{INDENT}{plugins.summary(name)}", INDENT)
        for option, rule in plugins.options(name).items():
            yield from _wrapped(f"{INDENT}{option}: {_option(rule)}", INDENT * 2)

    return describe


def _metric(name: str) -> Iterator[str]:
    metric = METRICS[name]
    yield from _wrapped(f"{INDENT}{metric.meaning}", INDENT)
    yield f"{INDENT}unit: {metric.unit}; {BETTER[metric.higher_is_better]}"


def _option(rule: Option) -> str:
    """Return the allowed values of an option in YAML, and its default."""
    allowed = re.sub(
        r"Literal\[(.*?)\]", lambda found: found[1].replace(",", " or"), in_words(rule.annotation)
    )
    for kind, words in TYPES.items():
        allowed = re.sub(rf"\b{kind}\b", words, allowed)
    default = "required" if rule.default is REQUIRED else f"default {json.dumps(rule.default)}"
    return f"{allowed} ({default})".replace("'", "")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
