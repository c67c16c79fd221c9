"""The tables that a figure requests: checked while the DAG is built, and restricted to its studies."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import TINY
from unpoison import registration
from unpoison.drawing.given import tables_for
from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.study.figures import families_of
from unpoison.study.plan import Plan


def config(**figures: Any) -> dict[str, Any]:
    """Return the tiny config with two equal studies over recall."""
    whole = yaml.safe_load(TINY)
    study = {**whole["studies"]["false_positives"], "vary": {"deletion.recall": [0.5, 1.0]}}
    return {**whole, "studies": {"one": study, "two": study}, "figures": figures}


@pytest.mark.parametrize("kind", ["dose_response", "heatmap", "cost_quality"])
def test_a_figure_that_shows_a_method_once_refuses_two_studies(kind: str) -> None:
    with pytest.raises(UserError, match=rf"figures\.{kind} shows one study; found one, two"):
        Plan(config(**{kind: {"studies": ["one", "two"]}}))


def test_a_table_is_cut_to_the_studies_and_has_the_family_of_each_method() -> None:
    table = pd.DataFrame({"study": ["one", "two", "one"], "method": ["a", "a", "oracle"]})
    counts = pd.DataFrame({"study": ["one", "two"], "contrast": ["c", "d"]})
    first, second = tables_for([table, counts], ["one"], {"a": "retraining"})
    assert first["family"].fillna("").tolist() == ["retraining", ""]
    assert second.to_dict("list") == {"study": ["one"], "contrast": ["c"]}


def test_the_family_of_an_entry_is_that_of_its_method() -> None:
    whole = config(heatmap={"studies": ["one"]})
    whole["methods"]["mine_alone"] = {"method": "finetune"}
    whole["studies"]["one"] = {**whole["studies"]["one"], "methods": ["retrain", "mine_alone"]}
    plan = Plan(whole)
    families = families_of(plan.methods)
    assert families["mine_alone"] == "further training"
    assert "oracle" not in families

    class Wildcards:
        figure = "heatmap"

    assert Specs(plan).draw_figure(Wildcards)["families"]["mine_alone"] == "further training"


def test_an_unknown_table_of_a_users_figure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "_TABLE", {})  # undone after the test
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "pie_of_tables.py"
    file.write_text('NEEDS = [("deletion.recall",)]\nTABLES = ("helaed",)\ndef plot(helaed): ...\n')
    registration.register(str(file))
    with pytest.raises(UserError, match="unknown table in TABLES of the figure pie_of_tables: 'helaed'"):
        Plan(config(pie_of_tables={"studies": ["one"]}))
