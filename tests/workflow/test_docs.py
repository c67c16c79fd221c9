"""The documents agree with the names in the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from unpoison.columns import TABLES
from unpoison.datasets import SOURCES
from unpoison.detectors import DETECTORS
from unpoison.metrics import METRICS
from unpoison.models import MODELS
from unpoison.plots import PLOTS
from unpoison.plugins import Plugins
from unpoison.poisons import POISONS
from unpoison.runs.dictionary import page
from unpoison.runs.options import PLUGINS, filled
from unpoison.study.config import SCHEMA, check_options, validate
from unpoison.study.sections import NOT_OPTIONS
from unpoison.study.trainings import flattened
from unpoison.unlearning import METHODS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "config" / "README.md").read_text()


def keys(schema: dict) -> Iterator[str]:
    for name, rule in schema.get("properties", {}).items():
        yield name
        yield from keys(rule)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from keys(others)


@pytest.mark.parametrize("key", sorted(set(keys(SCHEMA))))
def test_the_guide_explains_every_key(key: str) -> None:
    assert f"`{key}`" in GUIDE or f"{{{key}:" in GUIDE or f", {key}:" in GUIDE


def test_the_tables_of_the_guide_are_those_that_schema_and_signatures_give() -> None:
    assert filled(GUIDE) == GUIDE, "python -m unpoison.runs.commands.options config/README.md"


def test_the_guide_has_a_table_of_each_section_and_of_the_plug_ins_without_a_page() -> None:
    tables = re.findall(r"<!-- table: (.+?) -->\n\|", GUIDE)
    sections = [
        name
        for name, rule in SCHEMA["properties"].items()
        if "properties" in rule.get("additionalProperties", {})
    ]
    assert sorted(tables) == sorted(["config", *sections, "studies.contrasts", *PLUGINS])


PAGES = [
    (SOURCES, "config/README.md"),
    (MODELS, "docs/models.md"),
    (PLOTS, "config/README.md"),
    (POISONS, "docs/attacks.md"),
    (DETECTORS, "docs/detectors.md"),
    (METHODS, "docs/methods/*.md"),
]


@pytest.mark.parametrize(("registry", "pages"), PAGES, ids=lambda part: getattr(part, "what", ""))
def test_the_pages_name_every_plug_in_and_option(registry: Plugins, pages: str) -> None:
    text = "\n".join(page.read_text() for page in sorted(ROOT.glob(pages)))
    for name in registry:
        assert f"`{name}`" in text
        for option in registry.options(name):
            assert f"`{option}`" in text, f"{name}: {option}"


def test_the_trainings_of_the_page_on_networks_are_ones_that_a_config_may_have() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    written = {
        name: entry for example in examples for name, entry in yaml.safe_load(example)["trainings"].items()
    }
    trainings = {name: flattened(name, entry) for name, entry in written.items()}
    assert {entry["model"] for entry in trainings.values()} == {*MODELS} - {"resnet9"}
    for name, entry in trainings.items():
        validate(
            written[name], SCHEMA["properties"]["trainings"]["additionalProperties"], ("trainings", name)
        )
        options = {key: value for key, value in entry.items() if key not in NOT_OPTIONS["training"]}
        check_options(options, MODELS.options(entry["model"]), f"trainings.{name}")


def described(schema: dict, path: str = "") -> Iterator[tuple[str, bool]]:
    for name, rule in schema.get("properties", {}).items():
        has = "description" in rule or "$ref" in rule
        yield f"{path}.{name}", has
        yield from described(rule, f"{path}.{name}")
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from described(others, path)


def test_the_schema_describes_every_key() -> None:
    assert not [path for path, has in described(SCHEMA) if not has]


def test_the_data_dictionary_is_the_one_that_the_code_gives() -> None:
    committed = (ROOT / "docs" / "results-format.md").read_text()
    assert committed == page(), "python -m unpoison.runs.commands.dictionary > docs/results-format.md"


def test_the_data_dictionary_defines_every_metric_and_column() -> None:
    text = page()
    for name, metric in METRICS.items():
        assert f"| `{name}` | {metric.unit} |" in text
        assert all((metric.meaning, metric.formula, metric.source)), name
    for table in TABLES.values():
        assert all(column.meaning and column.dtype for column in table.columns.values())


def test_a_cell_of_the_data_dictionary_breaks_no_table() -> None:
    texts = [text for table in TABLES.values() for column in table.columns.values() for text in column]
    texts += [text for metric in METRICS.values() for text in (metric.meaning, metric.formula, metric.source)]
    assert not [text for text in texts if "|" in text or "\n" in text]
