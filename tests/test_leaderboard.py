"""The leaderboard and its data set agree with the published tables."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from published import healed, interval, seeds
from scipy import stats

from docs.leaderboard import board, dataset
from docs.leaderboard.page import PAGE, by_setting, filled
from unpoison.columns import COLUMNS

TEXT = PAGE.read_text(encoding="utf-8")
LABELS = {"retrain": "EU (retrain)", "random_labels": "random labels", "finetune": "CF (finetune)"}


def row(section: str, method: str) -> list[str]:
    """Return a method's cells in the table below a heading of the page."""
    part = re.search(rf"^### {re.escape(section)}\n(.*?)(?=^### |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert part, section
    rows = [line.strip("| ").split(" | ") for line in part[1].splitlines() if line.startswith("|")]
    return next(cells for cells in rows if cells[0] == LABELS[method])[1:]


def test_the_page_is_the_one_that_the_tables_give() -> None:
    assert filled(TEXT) == TEXT, "python -m docs.leaderboard"


@pytest.mark.parametrize(
    ("run", "study", "method", "deletion"),
    [
        ("methods_cifar10", "methods", "random_labels", "found@fpr=0.0@recall=0.9"),
        ("methods_cifar10", "false_alarms", "retrain", "found@fpr=0.1@recall=1.0"),
        ("plane", "plane", "finetune", "drawn@fpr=0.0@recall=0.9"),
        ("plane_cifar10", "plane", "finetune", "drawn@fpr=0.0@recall=0.9"),
    ],
)
def test_a_row_is_what_the_measurements_give(run: str, study: str, method: str, deletion: str) -> None:
    count, share, cost, price = row(f"{run}, {study}", method)
    lost = seeds(run, study, "do_nothing", deletion, "clean_accuracy") - seeds(
        run, study, method, deletion, "clean_accuracy"
    )
    k, n = healed(run, study, method, deletion), len(lost)
    low = stats.beta.ppf(0.025, k + 0.5, n - k + 0.5) if k else 0
    high = stats.beta.ppf(0.975, k + 0.5, n - k + 0.5) if k < n else 1
    assert (count, share) == (f"{k} of {n}", f"{k / n:.2f} [{low:.2f}, {high:.2f}]")
    assert cost == "{} [{}, {}]".format(*interval(lost))
    rows = board.published(run).query(
        "study == @study and deletion == @deletion and metric.str.endswith('_passes')"
    )
    spent = rows[rows["metric"].isin(["image_passes", "forward_passes"])].groupby("method")["value"].sum()
    assert price == f"{spent[method] / spent['retrain']:.2f}"


def test_a_setting_is_sorted_by_share_then_cost_then_price() -> None:
    for _, lines in by_setting():
        keys = [
            (-line.healed / line.n, line.cost, line.price if pd.notna(line.price) else float("inf"))
            for line in lines.itertuples()
        ]
        assert keys == sorted(keys)


def test_settings_without_an_attack_and_those_that_compare_deletion_sets_are_left_out() -> None:
    there = {setting[:2] for setting, _ in by_setting()}
    assert {("plane", "plane"), ("deviations", "deviations"), ("adaptive", "grid")} <= there
    assert there & {("plane", "detectors"), ("plane", "biased"), ("deviations", "unpoisoned")} == set()
    assert there & {("adaptive", "bisected"), ("adaptive", "settled")} == set(), "results chose the seeds"


def test_a_run_without_tables_or_with_a_column_missing_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "RESULTS", tmp_path)
    for run in ("whole", "older", "no_tables"):
        (tmp_path / run / "tables").mkdir(parents=True)
    table = pd.DataFrame(columns=[*COLUMNS])
    table.to_parquet(tmp_path / "whole/tables/results.parquet")
    table.drop(columns=["size"]).to_parquet(tmp_path / "older/tables/results.parquet")
    board.published.cache_clear()
    try:
        assert board.runs() == ["whole"]
    finally:
        board.published.cache_clear()


def test_the_data_set_holds_every_published_measurement_once() -> None:
    written = pd.read_parquet(dataset.TABLE)
    assert written.equals(dataset.whole()), "python -m docs.leaderboard"
    paths = board.RESULTS.glob("*/tables/results.parquet")
    sums = {path.parts[-3]: round(pd.read_parquet(path)["value"].sum(), 3) for path in paths}
    assert written.groupby("run")["value"].sum().round(3).to_dict() == sums


def test_the_description_has_a_field_for_each_column_and_the_checksum_of_the_file() -> None:
    told = json.loads(dataset.DESCRIPTION.read_text(encoding="utf-8"))
    assert told == dataset.description(), "python -m docs.leaderboard"
    (file,), (records,) = told["distribution"], told["recordSet"]
    assert file["sha256"] == sha256(dataset.TABLE.read_bytes()).hexdigest()
    fields = {field["source"]["extract"]["column"]: field for field in records["field"]}
    assert list(fields) == list(pd.read_parquet(dataset.TABLE))
    assert all(COLUMNS[name].meaning in fields[name]["description"] for name in COLUMNS)
    kinds = {
        name: fields[name]["dataType"] for name in ("seed", "value", "method", "higher_is_better", "size")
    }
    assert list(kinds.values()) == ["sc:Integer", "sc:Float", "sc:Text", "sc:Boolean", "sc:Integer"]


def test_mlcroissant_reads_the_data_set_by_its_description() -> None:
    croissant = pytest.importorskip(
        "mlcroissant", reason="mlcroissant is not installed: pip install mlcroissant"
    )
    read = croissant.Dataset(jsonld=str(dataset.DESCRIPTION))
    assert not read.metadata.issues.errors
    first = next(iter(read.records("results")))
    expected = pd.read_parquet(dataset.TABLE).iloc[0]
    assert first["results/method"].decode() == expected["method"]
    assert first["results/value"] == expected["value"]
