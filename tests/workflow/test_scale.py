"""Planning scales linearly: parts that jobs look up are built once for each entry, and each cell once."""

from collections import Counter

import pytest
import yaml

from unpoison.identity import blocks
from unpoison.identity.specs import Specs
from unpoison.levels import REFERENCES
from unpoison.study import counts, entries, resolve, studies
from unpoison.study import deletions as deleting
from unpoison.study.plan import Plan
from unpoison.study.studies import Cell

STUDY = """
results_folder: results
sources: {generated: {}}
datasets: {ten_classes: {source: generated}}
poisons: {patch: {count: 100, target: airplane}}
recipes: {quick: {epochs: 1, batch_size: 32, learning_rate: 0.1}}
trainings: {resnet9: {recipe: quick}}
deletions: {found: {recall: 1.0}}
methods: {retrain: {}, finetune: {}}
"""


def study(ratios: int, seeds: int) -> dict:
    """Return a config of 8 cells for each ratio and seed."""
    shares = [round(0.5 + index / ratios / 2, 4) for index in range(ratios)]
    levels = {"dataset": "ten_classes", "poison": "patch", "training": "resnet9"}
    vary = {"dataset.keep.cat": shares, "deletion.fpr": [0.0, 0.1, 0.2]}
    lists = {"deletions": ["found"], "methods": ["retrain", "finetune"], "seeds": seeds}
    return yaml.safe_load(STUDY) | {"studies": {"many": {**levels, "vary": vary, **lists}}}


class Wildcards:
    """The wildcards that Snakemake passes to the functions of a job."""

    def __init__(self, cell: Cell) -> None:
        vars(self).update({name: str(value) for name, value in vars(cell).items() if value is not None})
        if cell.deletion is None:
            self.reference = REFERENCES[cell.method]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Call counts of the planner's slow functions."""
    counted: Counter = Counter()

    def count(module, name: str) -> None:
        original = getattr(module, name)

        def counting(*args, **kwargs):
            counted[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, counting)

    count(studies, "Cell")
    count(entries, "validate")
    count(resolve, "check_options")
    count(counts, "count_rows")
    count(deleting, "count_deletion")
    count(blocks, "canonical")
    return counted


def plan_and_specify(calls: Counter, ratios: int, seeds: int) -> tuple[int, Counter]:
    """Plan as for a dry run, and return the number of cells and the call counts."""
    calls.clear()
    plan = Plan(study(ratios, seeds))
    specs = Specs(plan)
    for cell in plan.cells:
        wildcards = Wildcards(cell)
        specs.measure(wildcards)
        if cell.deletion is None:
            specs.train_base(wildcards)
        else:
            specs.unlearn(wildcards)
    return len(plan.cells), calls.copy()


def test_more_seeds_make_more_cells_and_no_more_checks(calls: Counter) -> None:
    few, once = plan_and_specify(calls, ratios=3, seeds=2)
    many, often = plan_and_specify(calls, ratios=3, seeds=20)
    assert many == 10 * few
    assert often.pop("Cell") == 10 * once.pop("Cell") == many
    assert often == once


def test_more_variants_cost_in_proportion(calls: Counter) -> None:
    few, once = plan_and_specify(calls, ratios=3, seeds=2)
    many, often = plan_and_specify(calls, ratios=30, seeds=2)
    assert many == 10 * few
    assert all(often[name] <= 10 * once[name] for name in once), (once, often)
