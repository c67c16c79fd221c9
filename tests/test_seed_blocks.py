"""`only_studies` and `only_seeds` keep parts of a config, and drop parts that become empty."""

from pathlib import Path

import pytest
import yaml

from unpoison.errors import UserError
from unpoison.study.plan import Plan

DEMO = Path(__file__).parents[1] / "config/demo.yaml"


def plan(only: object, **seeds: object) -> Plan:
    """Return the plan of the named studies of the demo, with these seeds."""
    config = yaml.safe_load(DEMO.read_text())
    config["studies"] = {study: config["studies"][study] for study in seeds}
    config["figures"] = {name: {"figure": name.partition("_fpr")[0], "studies": [name]} for name in seeds}
    for study, value in seeds.items():
        config["studies"][study]["seeds"] = value
    return Plan({**config, "only_seeds": only})


@pytest.mark.parametrize(
    ("only", "kept"), [("1-3", (1, 2, 3)), (2, (2,)), ("4-9", (4,)), (None, (0, 1, 2, 3, 4))]
)
def test_the_seeds_of_the_block_are_kept(only: object, kept: tuple[int, ...]) -> None:
    found = plan(only, imbalance=5, false_positives_fpr=5)
    assert {study.seeds for study in found.studies.values()} == {kept}
    assert {cell.seed for cell in found.cells} == set(kept)


def test_a_study_without_a_seed_of_the_block_is_left_out_with_its_figures() -> None:
    found = plan("2-4", imbalance=5, false_positives_fpr=2)
    assert list(found.studies) == ["imbalance"]
    assert list(found.figures) == ["imbalance"]


@pytest.mark.parametrize(
    ("only", "why"),
    [("5-9", "found 5-9, allowed: seeds of a study, from 0 to 4"), ("3-1", "found 3-1, allowed: .* 1-3")],
)
def test_a_block_without_seeds_is_refused(only: object, why: str) -> None:
    with pytest.raises(UserError, match=f"only_seeds: {why}"):
        plan(only, imbalance=5, false_positives_fpr=5)


@pytest.mark.parametrize("only", ["", "0-", "a-b", "-1", -1, 1.5, [0, 1], "0-1-2"])
def test_what_is_no_block_is_refused(only: object) -> None:
    with pytest.raises(UserError, match="only_seeds"):
        plan(only, imbalance=5)


def test_a_study_whose_results_decide_on_its_seeds_is_refused() -> None:
    with pytest.raises(UserError, match=r"only_seeds: found studies.imbalance, whose results decide"):
        plan("0-4", imbalance={"until": "settled"})


def test_chosen_studies_are_kept_with_the_figures_of_them_alone() -> None:
    config = yaml.safe_load(DEMO.read_text())
    found = Plan({**config, "only_studies": ["false_positives_fpr", "false_positives"], "only_seeds": 1})
    assert list(found.studies) == ["false_positives", "false_positives_fpr"]
    assert list(found.figures) == ["false_positives"]
    assert list(Plan({**config, "only_studies": ["false_positives"]}).figures) == []


def test_an_unknown_study_is_refused() -> None:
    config = yaml.safe_load(DEMO.read_text())
    with pytest.raises(
        UserError, match="unknown study in only_studies: 'other'; choose from false_positives"
    ):
        Plan({**config, "only_studies": ["other"]})
