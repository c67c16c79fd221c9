"""A method's results become one file, and the leaderboard accepts comparable files."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from docs.leaderboard import board, entries, submissions
from unpoison import registration
from unpoison.columns import COLUMNS, TABLES
from unpoison.command.submitting import submit_method
from unpoison.errors import UserError
from unpoison.files import read_table, write_table
from unpoison.identity.specs import Specs
from unpoison.provenance import options_digest
from unpoison.runs import submission
from unpoison.runs.read import plan_of
from unpoison.runs.submission import FILES, read_submission
from unpoison.study.plan import Plan

CONFIG = """results_folder: results/mine
sources: {generated: {train_per_class: 60, test_per_class: 10, image_size: 16}}
datasets: {pair: {source: generated, classes: [cat, dog]}}
poisons: {patch: {target: cat, count: 10}}
recipes: {quick: {epochs: 1, batch_size: 32, learning_rate: 0.05}}
trainings: {resnet9: {width: 2, recipe: quick}}
deletions: {found: {recall: 1.0}}
methods: {retrain: {}, finetune: {length: 0.5}}
studies:
  plane:
    dataset: pair
    poison: patch
    training: resnet9
    vary: {deletion.recall: [0.5, 0.9]}
    deletions: [found]
    methods: [retrain, finetune]
    seeds: 3
"""
OURS = {
    "plugins": "mine",
    "methods": {"gentle": {"length": 0.5}},
    "studies": {"plane": {"methods": ["gentle"]}},
}
GENTLE = '"""Gentle."""\n\n\ndef unlearn(request, *, length: float = 0.1):\n    return request.model\n'
ATTACK = {"do_nothing": 0.9, "oracle": 0.1, "retrain": 0.2, "finetune": 0.8, "gentle": 0.3}
STEPS = {"do_nothing": "train_base", "oracle": "train_oracle"}


def results_of(plan: Plan) -> pd.DataFrame:
    """Return made-up results of a plan's cells: `gentle` heals only at recall 0.9, and costs 2 points."""
    lines = []
    for study in plan.studies.values():
        for cell in study.cells():
            late = cell.deletion is None or "0.9" in cell.deletion
            recall = None if cell.deletion is None else (0.9 if late else 0.5)
            values = {
                ("attack_success_rate", None): ATTACK[cell.method] if late else 0.85,
                ("clean_accuracy", None): 0.78 if cell.method == "gentle" else 0.8,
                **{("retained_accuracy", name): 0.9 for name in ("cat", "dog")},
                ("image_passes", None): {"gentle": 30, "finetune": 50}.get(cell.method, 100),
                ("forward_passes", None): 20 if cell.method == "gentle" else 0,
            }
            for (metric, name), value in values.items():
                unit = "images" if metric.endswith("passes") else "share"
                found = {"metric": metric, "class_name": name, "value": float(value), "unit": unit}
                rates = {"recall": recall, "fpr": None if recall is None else 0.0, "attack": "planted"}
                lines.append({"study": study.name, **vars(cell), **found, **rates})
    table = pd.DataFrame(lines).reindex(columns=[*COLUMNS])
    return table.astype({name: column.dtype for name, column in COLUMNS.items()})


def records_of(plan: Plan) -> pd.DataFrame:
    """Return records of the jobs of a plan, with the digests of their options."""
    specs, jobs = Specs(plan), {}
    for cell in plan.cells:
        wildcards = SimpleNamespace(**vars(cell))
        base = {"dataset": cell.dataset, "poison": cell.poison, "seed": cell.seed}
        trained = base | {"training": cell.training}
        steps = {"poison_dataset": base}
        if cell.deletion is None:
            steps[STEPS[cell.method]] = trained | {"method": cell.method}
        else:
            steps["select_deletion"] = trained | {"deletion": cell.deletion}
            steps["unlearn"] = trained | {"deletion": cell.deletion, "method": cell.method}
        for step, identity in steps.items():
            options = options_digest(getattr(specs, step)(wildcards))
            jobs[step, *identity.values()] = {"step": step, **identity, "options": options}
    table = pd.DataFrame(jobs.values()).reindex(columns=[*TABLES["provenance"].columns])
    return table.assign(is_current=True, dirty=False, commit="a" * 40, record="run.json")


def write_run(folder: Path, plan: Plan) -> None:
    (folder / "tables").mkdir(parents=True)
    write_table(folder / "tables/results.parquet", results_of(plan))
    write_table(folder / "tables/provenance.parquet", records_of(plan))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a published run, `published/plane`, and a user's finished run, `results/mine`."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "mine").mkdir()
    (folder / "mine/gentle.py").write_text(GENTLE)
    (folder / "plane.yaml").write_text(CONFIG)
    (folder / "mine.yaml").write_text(yaml.safe_dump(OURS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(registration, "_TABLE", {})  # undone after the test
        write_run(folder / "published/plane", plan_of(["plane.yaml"]))
        write_run(folder / "results/mine", plan_of(["plane.yaml", "mine.yaml"]))
    (folder / "published/plane/study.yaml").write_text("config: plane.yaml\n")
    return folder


@pytest.fixture
def place(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of `runs` that a test may change; it is the project's folder."""
    folder = tmp_path / "project"
    shutil.copytree(runs, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(registration, "_TABLE", {})
    monkeypatch.setattr(board, "RESULTS", folder / "published")
    monkeypatch.setattr(entries, "FOLDER", folder / "submissions")
    monkeypatch.setattr(submissions, "FOLDER", folder / "submissions")
    caches = (board.published, entries.entries)
    for cache in caches:
        cache.cache_clear()
    yield folder
    for cache in caches:
        cache.cache_clear()


def submitted(place: Path, *words: str, published: str = "plane") -> Path:
    """Submit the method `gentle`, and return its file."""
    out = place / "gentle.zip"
    files = [*(words or ("plane.yaml", "mine.yaml"))]
    folder = place / "published" / published
    submit_method(Path("results/mine"), files, method="gentle", published=folder, out=out, name="ours")
    return out


def changed(path: Path, **columns: object) -> None:
    """Put other values into columns of a table."""
    write_table(path, read_table(path).assign(**columns))


def repacked(file: Path, **parts: bytes) -> Path:
    """Return a copy of a submission with other content in the files with these stems."""
    with zipfile.ZipFile(file) as whole:
        contents = {name: whole.read(name) for name in FILES}
    contents |= {next(name for name in FILES if name.startswith(stem)): part for stem, part in parts.items()}
    copy = file.with_name("copy.zip")
    with zipfile.ZipFile(copy, "w") as whole:
        for name, content in contents.items():
            whole.writestr(name, content)
    return copy


def test_a_submission_holds_the_method_its_references_and_its_source(place: Path) -> None:
    made = read_submission(submitted(place))
    assert set(made.results["method"]) == {"gentle", "do_nothing", "oracle"}
    assert set(made.records["step"]) == {
        "poison_dataset",
        "train_base",
        "train_oracle",
        "select_deletion",
        "unlearn",
    }
    assert made.config["studies"]["plane"]["methods"] == ["gentle"]
    told = {key: made.told[key] for key in ("name", "published", "studies", "method", "options")}
    assert told == {
        **{"name": "ours", "published": "plane", "studies": ["plane"], "method": "gentle"},
        "options": {"length": 0.5},
    }
    before = made.told["source_sha256"]
    (place / "mine/gentle.py").write_text(GENTLE + "# another\n")
    assert read_submission(submitted(place)).told["source_sha256"] != before


def test_equal_results_give_equal_files(place: Path) -> None:
    first = submitted(place).read_bytes()
    assert submitted(place).read_bytes() == first


@pytest.mark.parametrize("has_options", [True, False])
def test_an_added_submission_has_its_line_on_the_board(place: Path, has_options: bool) -> None:
    if not has_options:  # older runs lack the column: the published config is used
        path = place / "published/plane/tables/provenance.parquet"
        write_table(path, read_table(path).drop(columns="options"))
    assert "lines on the leaderboard: 1" in submissions.add(submitted(place))
    (entry,) = entries.entries()
    own = board.lines_of("plane", board.published("plane"))
    (line,) = entries.submitted_lines(entry, own).to_dict("records")
    assert (line["healed"], line["n"], line["setting_deletion"]) == (3, 3, "found@recall=0.9")
    assert line["cost"] == pytest.approx(2.0)
    assert line["price"] == pytest.approx(0.5)  # (30 + 20 forward passes) / 100 of the published EU
    assert sorted(path.name for path in entry.folder.iterdir()) == sorted(FILES)
    with pytest.raises(UserError, match="found the name ours, which is taken"):
        submissions.add(submitted(place))


def test_other_options_than_the_published_ones_are_refused(place: Path) -> None:
    path = place / "published/plane/tables/provenance.parquet"
    before = read_table(path)
    changed(path, options=before["options"].where(before["step"] != "train_base", "other"))
    with pytest.raises(
        UserError, match="ours: train_base of pair, patch, resnet9 had other options than in the"
    ):
        submitted(place)
    write_table(path, before.drop(columns="options"))
    (place / "plane.yaml").write_text(CONFIG.replace("epochs: 1", "epochs: 2"))
    (place / "before.yaml").write_text(CONFIG)
    with pytest.raises(UserError, match=r"block ours: train_.* had other options than the config gives it"):
        submitted(place, "before.yaml", "mine.yaml")


def test_results_of_another_config_are_refused(place: Path) -> None:
    with pytest.raises(UserError, match=r"block mine: unlearn of .*gentle had other options"):
        submitted(place, "plane.yaml", "mine.yaml", "methods={gentle: {length: 0.25}}")


def test_seeds_are_all_those_that_are_published(place: Path) -> None:
    for table in ("results", "provenance"):
        path = place / f"results/mine/tables/{table}.parquet"
        rows = read_table(path)
        write_table(path, rows[rows["seed"] != 1])
    with pytest.raises(UserError, match=r"gentle of pair, patch, .*: found the seeds 0, 2, allowed: 0-2"):
        submitted(place)


@pytest.mark.parametrize(
    ("table", "column", "value", "why"),
    [
        ("provenance", "is_current", False, "files that were remade later"),
        ("provenance", "dirty", True, "uncommitted changes"),
        ("results", "value", 2.0, "found a share of 2.0, allowed: 0 to 1"),
        ("results", "metric", "clean_accuracy", "found a measurement twice"),
    ],
)
def test_tables_that_tell_no_measurements_of_one_run_are_refused(
    place: Path, table: str, column: str, value: object, why: str
) -> None:
    changed(place / f"results/mine/tables/{table}.parquet", **{column: value})
    with pytest.raises(UserError, match=why):
        submitted(place)


def test_a_model_without_a_record_is_refused(place: Path) -> None:
    path = place / "results/mine/tables/provenance.parquet"
    records = read_table(path)
    write_table(path, records[~((records["step"] == "unlearn") & (records["seed"] == 2))])
    with pytest.raises(
        UserError, match=r"lacks the record of pair, patch, resnet9, 2, found@recall=0.5, gentle"
    ):
        submitted(place)


def test_what_is_published_already_is_refused(place: Path) -> None:
    path = place / "published/plane/tables/results.parquet"
    changed(path, method=read_table(path)["method"].replace("finetune", "gentle"))
    with pytest.raises(UserError, match="the method gentle is published already"):
        submitted(place)


def test_a_file_with_a_path_outside_is_refused(place: Path) -> None:
    file = submitted(place)
    with zipfile.ZipFile(file, "a") as whole:
        whole.writestr("../outside.txt", "x")
    with pytest.raises(UserError, match=r"found \.\./outside.txt, config.yaml"):
        submissions.add(file)
    told = json.loads(zipfile.ZipFile(submitted(place)).read("submission.json"))
    for key in ("name", "published"):
        copy = repacked(file.with_name("gentle.zip"), submission=json.dumps(told | {key: "../up"}).encode())
        with pytest.raises(UserError, match=rf"found {key} '\.\./up', allowed: letters"):
            submissions.add(copy)
    assert not (place / "submissions").exists()


def test_files_that_are_too_large_or_damaged_are_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = submitted(place)
    cut = repacked(file, results=zipfile.ZipFile(file).read("results.parquet")[:-9])
    with pytest.raises(UserError, match=r"copy.zip: results.parquet is damaged"):
        submissions.add(cut)
    for part in (b"[]", b"{", b'{"format": 1}'):
        with pytest.raises(UserError, match=r"copy.zip: found "):
            submissions.add(repacked(file, submission=part))
    (place / "text.zip").write_text("no zip")
    for name in ("text.zip", "none.zip"):
        with pytest.raises(UserError, match=f"{name}: found no zip that can be read"):
            submissions.add(place / name)
    monkeypatch.setattr(submission, "MOST_BYTES", 100)
    with pytest.raises(UserError, match="is larger than allowed: 100 bytes"):
        submissions.add(file)


def test_a_run_that_is_not_published_is_refused(place: Path) -> None:
    shutil.copytree(place / "published/plane", place / "published/other")
    file = submitted(place, published="other")
    shutil.rmtree(place / "published/other")
    with pytest.raises(UserError, match="unknown published run 'other'; choose from plane"):
        submissions.add(file)
