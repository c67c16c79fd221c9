"""The tiny study from its config to its figures, checked from the user's point of view."""

import hashlib
import json
import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import unpoison
from unpoison.columns import TABLES
from unpoison.runs.current import Current
from unpoison.study.plan import Plan

CELL = "results/pair@keep.cat=0.5/seed0/corner_swap@share.cat=0.2/resnet9"


@pytest.fixture(scope="module")
def results(finished) -> pd.DataFrame:
    return pd.read_parquet(finished.folder / "results/tables/results.parquet")


def test_the_table_has_the_columns_that_people_rest_on(results: pd.DataFrame) -> None:
    identity = "study dataset poison attack training seed deletion detector method"
    promised = f"{identity} metric class_name value unit higher_is_better"
    varied = ["dataset.keep.cat", "deletion.fpr", "poison.share.cat"]
    assert list(results.columns) == [*promised.split(), "recall", "fdr", "fpr", "size", *varied]
    assert results.index.equals(pd.RangeIndex(len(results)))


@pytest.mark.parametrize(
    ("table", "path"),
    [
        *((name, f"tables/{name}.parquet") for name in ("results", "summary", "paired", "provenance")),
        ("history", f"{CELL.removeprefix('results/')}/base/history.parquet"),
        ("rows", f"{CELL.removeprefix('results/')}/../rows.parquet"),
        ("deletion", f"{CELL.removeprefix('results/')}/everything_found/deletion.parquet"),
    ],
)
def test_a_table_has_the_columns_that_the_data_dictionary_defines(finished, table: str, path: str) -> None:
    schema = parquet.read_schema(finished.folder / "results" / path)
    assert {name for name in schema.names if "." not in name} == set(TABLES[table].columns)


def test_every_cell_has_every_metric(results: pd.DataFrame) -> None:
    whole = results[results["class_name"].isna()]
    cells = whole.groupby(["study", "dataset", "seed", "deletion", "method"], dropna=False)["metric"]
    metrics = set(whole["metric"])
    assert metrics == {
        "clean_accuracy",
        "adversarial_accuracy",
        "attack_success_rate",
        "corrected_accuracy",
        "utility_x_healed",
        "retained_accuracy",
        "given_label_agreement",
        "worst_class_clean_accuracy",
        "worst_class_adversarial_accuracy",
        "unlearning_seconds",
        "image_passes",
        "forward_passes",
        "gradient_passes",
        "curvature_passes",
        "weighted_passes",
        "weights_changed",
    }
    for cell, found in cells:
        # The oracle repairs no network, so it has no changed weights.
        promised = metrics - ({"weights_changed"} if cell[-1] == "oracle" else set())
        assert sorted(found) == sorted(promised), cell
    assert len(cells) == 2 * 4 + (2 + 4)


def test_shares_are_between_0_and_1(results: pd.DataFrame) -> None:
    assert results.loc[results["unit"] == "share", "value"].between(0, 1).all()


def test_references_have_no_deletion_set(results: pd.DataFrame) -> None:
    references = results[results["method"].isin(["do_nothing", "oracle"])]
    assert references[["deletion", "recall", "fdr", "fpr"]].isna().all(axis=None)
    assert set(references["method"]) == {"do_nothing", "oracle"}
    others = results.drop(references.index)
    assert others[["deletion", "recall", "fpr"]].notna().all(axis=None)


def test_the_achieved_rates_are_exact(results: pd.DataFrame) -> None:
    found = results[(results["deletion.fpr"] == 0.25) & (results["method"] == "retrain")].iloc[0]
    clean = 54 + 45 - 10  # 60 cats and 50 dogs, a tenth of them set aside, 10 poisoned
    assert found["recall"] == 1
    assert found["fpr"] == 22 / clean
    assert found["fdr"] == 22 / 32


def test_csv_twins_hold_the_same_numbers(finished, results: pd.DataFrame) -> None:
    twin = pd.read_csv(finished.folder / "results/tables/results.csv")
    assert np.allclose(twin["value"], results["value"])
    assert list(twin.columns) == list(results.columns)


def test_the_same_rows_serve_every_job_of_a_cell(finished) -> None:
    deleted = pd.read_parquet(finished.folder / CELL / "everything_found/deletion.parquet")
    rows = pd.read_parquet(finished.folder / CELL / "../rows.parquet")
    assert set(deleted["row_id"]) == set(rows.loc[rows["is_poisoned"], "row_id"])


def test_every_model_can_be_loaded_and_used(finished) -> None:
    images = np.load(finished.folder / "results/sources/generated/images.npy")[:3]
    import torch

    for path in (finished.folder / "results").rglob("model.safetensors"):
        model = unpoison.load_model(path.parent)
        logits = model(torch.from_numpy(images).permute(0, 3, 1, 2))
        assert logits.shape == (3, 2)
        assert not model.training
        assert model.class_names == ("cat", "dog")


def test_run_records_tell_cost_and_origin(finished) -> None:
    record = json.loads((finished.folder / CELL / "everything_found/retrain/run.json").read_text())
    assert record["spec"]["method"] == "retrain"
    assert record["image_passes"] == 27 + 45 - 10
    assert record["seconds"] > 0
    assert record["versions"]["torch"]


def test_every_artifact_has_a_record_and_every_row_leads_to_it(finished, results: pd.DataFrame) -> None:
    folder = finished.folder / "results"
    provenance = pd.read_parquet(folder / "tables/provenance.parquet")
    assert provenance["is_current"].all()
    recorded = {path for outputs in provenance["outputs"] for path in json.loads(outputs)}
    there = {
        path.relative_to(finished.folder).as_posix()
        for kind in ("npy", "parquet", "safetensors")
        for path in folder.rglob(f"*.{kind}")
        if path.parent.name != "tables"
    }
    assert recorded == there
    levels = ["dataset", "poison", "training", "seed", "deletion", "method"]
    found = results.merge(provenance, on=levels)
    assert len(found) == len(results)
    assert all((finished.folder / path).is_file() for path in set(found["record"]))


def test_history_and_progress_are_kept(finished) -> None:
    history = pd.read_parquet(finished.folder / CELL / "base/history.parquet")
    assert {"loss", "train_accuracy", "validation_accuracy", "learning_rate", "seconds"} <= set(
        history.columns
    )
    assert history["validation_accuracy"].notna().all()
    log = finished.folder / "results/logs" / CELL.removeprefix("results/") / "base/train.log"
    assert "epoch 1/1" in log.read_text()


def test_figures_are_there_as_pdf_and_png(finished) -> None:
    figures = finished.folder / "results/figures"
    names = {"imbalance", "false_positives"}
    names |= {f"{kind}_{name}" for kind in ("samples", "training") for name in names}
    assert {path.name for path in figures.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("pdf", "png")
    }
    assert all(path.stat().st_size > 5000 for path in figures.iterdir())


def test_the_study_ends_in_a_report_that_needs_nothing_else(finished) -> None:
    page = (finished.folder / "results/report.html").read_text()
    assert page.count("<figure>") == 6
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "EU is " in page or "CF is " in page
    assert "too few seeds for a test" in page.lower()


def test_snakemake_makes_a_report_of_its_own_from_the_same_tables_and_figures(project) -> None:
    done = project.snakemake("--report", "report.zip")
    assert done.returncode == 0, done.stderr
    page = ZipFile(project.folder / "report.zip").read("report/report.html").decode()
    categories = json.loads(re.search(r"var categories = (.*);", page)[1])
    listed = {
        kind: [path for paths in kinds.values() for path in paths] for kind, kinds in categories.items()
    }
    there = {path.relative_to(project.folder).as_posix() for path in project.folder.glob("results/*/*.*")}
    assert set(listed.pop("Tables")) == {path for path in there if path.endswith(".csv")}
    assert set(listed.pop("Figures")) == {path for path in there if path.endswith(".png")}
    assert listed == {"Report": ["results/report.html"]}
    assert page.count('"labels": {"') == 12 + 6 + 1
    assert page.count("Drawn as ") == 2


def test_a_deleted_model_is_made_again_bit_for_bit(project) -> None:
    path = project.folder / CELL / "everything_found/finetune/model.safetensors"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    done = project.snakemake(str(path.relative_to(project.folder)))
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_users_own_list_of_rows_is_a_deletion_set(project, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.read_parquet(project.folder / CELL / "../rows.parquet")
    flagged = rows[rows["split"] == "train"].iloc[:7]
    (project.folder / "data").mkdir()
    flagged[["row_id"]].to_csv(project.folder / "data/mine.csv", index=False)
    project.set("deletions/mine", {"rows": "mine.csv"})
    project.set("studies/imbalance/deletions", ["mine"])
    done = project.snakemake(f"{CELL}/mine/deletion.parquet")
    assert done.returncode == 0, done.stderr
    deleted = pd.read_parquet(project.folder / CELL / "mine/deletion.parquet")
    assert set(deleted["row_id"]) == set(flagged["row_id"])

    monkeypatch.chdir(project.folder)
    made = Path(f"{CELL}/mine/deletion.parquet")
    assert Current(Plan(project.config)).holds(made)
    (project.folder / "data/mine.csv").rename(project.folder / "data/theirs.csv")
    project.set("deletions/mine", {"rows": "theirs.csv"})
    assert not Current(Plan(project.config)).holds(made), "it was read from another list"


def test_rows_that_are_not_there_are_refused_by_name(project) -> None:
    (project.folder / "data").mkdir()
    (project.folder / "data/mine.csv").write_text("row_id\ntrain/cat/nobody\n")
    project.set("deletions/mine", {"rows": "mine.csv"})
    project.set("studies/imbalance/deletions", ["mine"])
    done = project.snakemake(f"{CELL}/mine/deletion.parquet")
    assert done.returncode != 0
    assert "error: 1 of 1 flagged rows are not training rows of this data set" in done.stdout + done.stderr
    assert "train/cat/nobody" in done.stdout + done.stderr


def test_more_threads_than_cores_are_refused_and_not_capped(project) -> None:
    project.set("threads", 3)
    done = project.snakemake("-n")
    assert done.returncode != 0
    assert "error: threads: found 3, allowed: up to 2, the --cores" in done.stderr
