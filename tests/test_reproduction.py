"""A repeated study agrees with the original if its means lie in the prediction intervals."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import studies
from company_images import CIFAR10

from unpoison.command.reproducing import words_of
from unpoison.reproduction import compare, verdict
from unpoison.runs.read import plan_of

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs/results"


def study(seed: int, count: int, shift: float = 0.0) -> pd.DataFrame:
    """Return results with noise from a random seed and a common shift."""
    whole = studies.results({"deletion.recall": [0.5, 1.0]}, methods=("retrain", "finetune"), seeds=count)
    rng = np.random.default_rng(seed)
    return whole.assign(value=whole["value"] + rng.normal(shift, 0.02, len(whole)))


def test_the_same_numbers_are_equal_and_agree() -> None:
    found = verdict(compare(study(0, 5), study(0, 5)))
    assert found["agrees"] and found["outside"] == 0
    assert found["equal"] == found["compared"] > 10


def test_other_seeds_of_the_same_study_agree_and_are_not_equal() -> None:
    found = verdict(compare(study(0, 8), study(1, 4)))
    assert found["agrees"]
    assert found["equal"] == 0


def test_a_study_that_is_shifted_by_five_points_does_not_agree() -> None:
    found = verdict(compare(study(0, 8), study(1, 8, shift=0.05)))
    assert not found["agrees"]


def test_the_interval_is_that_of_a_new_mean() -> None:
    table = compare(study(0, 5), study(1, 3)).set_index(["method", "metric", "deletion"])
    row = table.sort_index().loc[("retrain", "clean_accuracy")].iloc[0]
    assert row["high"] - row["mean"] == pytest.approx(2.776445 * row["sd"] * (1 / 5 + 1 / 3) ** 0.5)
    assert row["mean"] - row["low"] == pytest.approx(row["high"] - row["mean"])


def test_one_published_seed_has_no_interval_and_must_be_equal() -> None:
    found = verdict(compare(study(0, 1), study(1, 1)))
    assert (found["compared"], found["equal"], found["agrees"]) == (0, 0, False)
    assert verdict(compare(study(0, 1), study(0, 1)))["agrees"]


def test_what_one_of_the_two_lacks_is_not_compared() -> None:
    again = study(0, 5)
    table = compare(study(0, 5), again[again["method"] != "finetune"])
    assert "finetune" not in set(table["method"])


@pytest.mark.skipif(not CIFAR10.is_dir(), reason=f"no real data in {CIFAR10}")
@pytest.mark.parametrize("run", sorted(path.parent.name for path in RESULTS.glob("*/study.yaml")))
def test_a_published_study_names_a_config_that_asks_for_it(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    planned = plan_of([*words_of(RESULTS / run), f"data_folder={CIFAR10}"]).studies
    published = pd.read_parquet(RESULTS / run / "tables/results.parquet")
    rows = published[published["study"].isin(list(planned))]
    places = ((name, study) for name, study in planned.items())
    there = {
        (name, *place) for name, study in places for place in product(study.variants["dataset"], study.seeds)
    }
    assert set(rows[["study", "dataset", "seed"]].itertuples(index=False, name=None)) <= there
    assert set(rows["study"]) == set(planned)
