"""The mission pages agree with their pooled tables, and the pooled tables with their blocks of seeds."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from company_images import CIFAR10
from scipy import stats

from docs import mission
from docs.pages import with_rows
from unpoison.contrasts import contrasts
from unpoison.outcomes import healed, outcomes
from unpoison.results import in_order
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[1]
STUDIES = {
    "false_positives": ["false_positives", "false_positives_fdr", "false_positives_fpr"],
    "imbalance": ["imbalance", "imbalance_exchanged"],
}
RUNS = [run for run in STUDIES if (ROOT / "docs/results" / run / "tables").is_dir()]


def tables(run: str) -> Path:
    return ROOT / "docs/results" / run / "tables"


@cache
def results(run: str) -> pd.DataFrame:
    return pd.read_parquet(tables(run) / "results.parquet")


@cache
def values(run: str) -> pd.DataFrame:
    """Return the values: a row for each model, metric and class, a column for each seed."""
    rows = results(run)
    rows = rows.assign(deletion=rows["deletion"].fillna(""), class_name=rows["class_name"].fillna(""))
    places = ["study", "dataset", "poison", "deletion", "method", "metric", "class_name"]
    return rows.pivot_table(index=places, columns="seed", values="value")


def page_of(run: str) -> str:
    return (tables(run).parent / "README.md").read_text(encoding="utf-8")


def over_seeds(run: str, study: str, method: str, metric: str, *, name: str = "", at: str = "") -> np.ndarray:
    """Return for each seed the mean over all data sets, poisons and deletion sets whose names hold `at`."""
    rows = values(run).xs((study, method, metric, name), level=("study", "method", "metric", "class_name"))
    there = rows.index.map(lambda place: at in "/".join(place))
    found = rows[np.asarray(there, bool)].dropna(axis=1, how="all")
    assert not found.isna().any(axis=None)
    return found.mean().to_numpy()


def t_interval(differences: np.ndarray) -> tuple[float, float, float]:
    half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    return differences.mean(), differences.mean() - half, differences.mean() + half


def told(run: str, study: str, contrast: str) -> pd.Series:
    rows = pd.read_parquet(tables(run) / "contrasts.parquet")
    return rows[(rows["study"] == study) & (rows["contrast"] == contrast)].iloc[0]


@pytest.mark.parametrize("page", mission.PAGES.tables, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_tables_of_a_page_are_those_of_the_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert mission.PAGES.made(page) == text, "run `python -m docs.mission`"


@pytest.mark.parametrize("run", RUNS)
def test_the_results_are_those_of_the_blocks(run: str) -> None:
    blocks = [
        pd.read_parquet(path) for path in sorted((tables(run).parent / "blocks").glob("*/results.parquet"))
    ]
    whole = results(run)
    joined = in_order(pd.concat(blocks))[list(whole.columns)]
    pd.testing.assert_frame_equal(joined.astype(whole.dtypes.to_dict()), whole)
    listed = pd.read_parquet(tables(run) / "blocks.parquet")
    assert set(listed["study"]) == set(whole["study"]) <= set(STUDIES[run])
    passes, hours = listed["image_passes"].sum() / 1e6, listed["seconds"].sum() / 3600
    cost = f"{passes:.1f} million image passes, {hours:.1f} core hours"
    assert cost in page_of(run)
    assert (listed["processor"].str.len() > 0).all() and (listed["commit"].str.len() >= 40).all()


@pytest.mark.skipif(not CIFAR10.is_dir(), reason=f"no real data in {CIFAR10}")
@pytest.mark.parametrize("run", RUNS)
def test_the_published_outcomes_and_contrasts_follow_from_the_results(run: str) -> None:
    config = yaml.safe_load((ROOT / "config/cifar10_cpu.yaml").read_text(encoding="utf-8"))
    there = sorted(set(results(run)["study"]))
    asked = Plan({**config, "data_folder": str(CIFAR10), "only_studies": there}).asked_of_tables
    found = outcomes(results(run))
    for name, made in {
        "healed": healed(found, {}),
        "contrasts": contrasts(results(run), found, asked["contrasts"]),
    }.items():
        published = pd.read_parquet(tables(run) / f"{name}.parquet")
        pd.testing.assert_frame_equal(made, published, check_dtype=False, rtol=1e-9)


FALSE = [
    ("false_positives", "fdr=0.0", "fdr=0.4"),
    ("false_positives_fdr", "fdr=0.2", "fdr=0.4"),
    ("false_positives_fpr", "fpr=0.0", "fpr=0.4"),
]


@pytest.mark.parametrize(("study", "first", "last"), FALSE)
@pytest.mark.parametrize(
    "contrast", ["clean_cost_eu", "clean_cost_cf", "adversarial_cost_eu", "adversarial_cost_cf"]
)
def test_the_cost_of_false_alarms_is_the_paired_difference(
    study: str, first: str, last: str, contrast: str
) -> None:
    of, _, short = contrast.split("_")
    method = {"eu": "retrain", "cf": "finetune"}[short]
    low, high = (
        over_seeds("false_positives", study, method, f"{of}_accuracy", at=at) for at in (first, last)
    )
    row = told("false_positives", study, contrast)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(t_interval(high - low))
    assert row["n"] == len(low)


def gain(study: str, ratio: str, method: str, other: str, name: str) -> np.ndarray:
    at = f"keep.cat={ratio}"
    return np.subtract(
        *(
            over_seeds("imbalance", study, each, "adversarial_accuracy", name=name, at=at)
            for each in (method, other)
        )
    )


IMBALANCE = {
    "gain_with_imbalance": "",
    "gain_of_cats_with_imbalance": "cat",
    "gain_of_dogs_with_imbalance": "dog",
}


@pytest.mark.skipif("imbalance" not in RUNS, reason="not published")
@pytest.mark.parametrize(("contrast", "name"), IMBALANCE.items())
def test_the_gain_with_imbalance_is_the_difference_of_paired_gains(contrast: str, name: str) -> None:
    for study in sorted(set(results("imbalance")["study"])):
        few, many = (gain(study, ratio, "retrain", "do_nothing", name) for ratio in ("0.2", "1.0"))
        row = told("imbalance", study, contrast)
        assert (row["difference"], row["low"], row["high"]) == pytest.approx(t_interval(few - many))


ATTACKED = [
    ("imbalance", "cat", "0.9", "| bottom right | cats | 90 |"),
    ("imbalance", "dog", "0.2", "| top left | dogs | 80 |"),
    ("imbalance_exchanged", "cat", "0.9", "| top left | cats | 90 |"),
    ("imbalance_exchanged", "dog", "0.2", "| bottom right | dogs | 80 |"),
]


def changes(study: str, name: str, ratio: str, share: str) -> np.ndarray:
    """Return for each seed the change of a class's accuracy under attack, before a repair, against the oracle."""
    poison = "corner_swap" if study == "imbalance" else "corner_swap_exchanged"
    at = f"keep.cat={ratio}/{poison}@share.cat={share}"
    nothing, oracle = (
        over_seeds("imbalance", study, method, "adversarial_accuracy", name=name, at=at)
        for method in ("do_nothing", "oracle")
    )
    return nothing - oracle


def taken(lost: np.ndarray) -> str:
    """Return in how many seeds the attack costs 20 points of accuracy or more."""
    return f"{(lost <= -0.2 + 1e-9).sum()} of {len(lost)}"


@pytest.mark.parametrize(("study", "name", "share", "line"), ATTACKED)
def test_what_an_attack_costs_is_the_paired_difference_to_the_oracle(
    study: str, name: str, share: str, line: str
) -> None:
    cells = []
    for ratio in ("0.2", "1.0"):
        lost = changes(study, name, ratio, share)
        table = pd.read_parquet(tables("imbalance") / "outcomes.parquet")
        table = table[
            (table["study"] == study) & (table["class_name"] == name) & (table["method"] == "retrain")
        ]
        table = table[
            (table["dataset.keep.cat"] == float(ratio)) & (table["poison.share.cat"] == float(share))
        ]
        why = table.sort_values("seed")["undefined"]
        untrained = (why == "a reference model did not train").fillna(False).to_numpy(bool)
        note = f", {untrained.sum()} untrained" if untrained.any() else ""
        cells += [f"{100 * lost.mean():.1f}", f"{taken(lost[~untrained])}{note}"]
    found = next(text for text in page_of("imbalance").splitlines() if text.startswith(line))
    lost, took, lost_many, took_many = found.removeprefix(line).strip(" |").split(" | ")
    assert [lost.split()[0], lost_many.split()[0]] == cells[::2]
    assert [took, took_many] == cells[1::2]


def test_the_sentence_on_the_corners_has_the_counts_of_the_results() -> None:
    page = " ".join(page_of("imbalance").split())
    cats = taken(changes("imbalance", "cat", "0.4", "0.9"))
    dogs = taken(changes("imbalance_exchanged", "dog", "1.0", "0.2"))
    assert f"at 0.4, 90 poisoned cats were learned in {cats} seeds" in page
    assert (
        f"On 80 dogs it is learned beside 1,000 cats in every seed that trained, and in {dogs} beside 5,000"
        in page
    )


def test_healed_seeds_are_counted_by_the_definition() -> None:
    """Definition: less than half of the attack survived, and less than 10 points of clean accuracy lost."""
    nothing, oracle = (
        over_seeds("false_positives", "false_positives", name, "attack_success_rate")
        for name in ("do_nothing", "oracle")
    )
    before = over_seeds("false_positives", "false_positives", "do_nothing", "clean_accuracy")
    is_defined = nothing - oracle >= 0.2
    page = page_of("false_positives")
    for alarms in ("0.0", "0.2", "0.3", "0.4"):
        counts = []
        for method in ("retrain", "finetune"):
            attack, clean = (
                over_seeds("false_positives", "false_positives", method, metric, at=f"fdr={alarms}")
                for metric in ("attack_success_rate", "clean_accuracy")
            )
            survived = (attack - oracle) / (nothing - oracle)
            is_healed = (survived < 0.5) & (before - clean < 0.1) & is_defined
            counts.append(f"{is_healed.sum()} of {is_defined.sum()} ")
        line = next(
            line
            for line in page.splitlines()
            if line.startswith(f"| {float(alarms):g} of a set of fixed size")
        )
        cells = line.split(" | ")[2:]
        assert all(cell.startswith(count) for cell, count in zip(cells, counts, strict=True)), line


@pytest.mark.parametrize("page", mission.PAGES.tables, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_no_interval_of_a_page_is_written_by_hand(page: Path) -> None:
    by_hand = re.sub(
        r"<!-- measured: .*?<!-- end of measured -->", "", page.read_text(encoding="utf-8"), flags=re.S
    )
    assert not re.search(r"\d \[-?\d", by_hand)


@pytest.mark.parametrize("page", mission.PAGES.rows, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_the_first_pages_have_the_rows_of_the_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert mission.PAGES.made(page) == text, "run `python -m docs.mission`"


def test_a_row_replaces_the_row_with_its_question_and_no_other() -> None:
    page = "# A page\n| question | answer |\n|---|---|\n| Why? | Not known |\n| When? | Now |\nWhy?\n"
    assert with_rows(page, iter(["| Why? | Because |"])) == page.replace("Not known", "Because")
    with pytest.raises(ValueError, match="no row with the question 'Who\\?'"):
        with_rows(page, iter(["| Who? | Nobody |"]))
