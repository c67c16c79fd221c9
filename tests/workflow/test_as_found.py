"""Data as found, from the config to the report: unknown truth appears in no table, figure or sentence."""

import base64
import copy
import gzip
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import TINY
from matplotlib.text import Text
from PIL import Image

from unpoison.drawing.found import draw_found
from unpoison.drawing.style import save
from unpoison.drawing.training_curves import draw_training
from unpoison.errors import UserError
from unpoison.identity.specs import Specs
from unpoison.rows import read_rows
from unpoison.study.describe import caption_of
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[2]
NOT_KNOWN = re.compile(
    r"recall|\bfdr\b|\bfpr\b|false (positive|discovery|alarm)|attack|oracle|poisoned|adversarial|\basr\b",
    re.I,
)
CLASSES = ("cat", "dog")


def write_images(root: Path, split: str, per_class: int, *, trigger: bool = False) -> None:
    """Write different grey images of two classes; the files of a class are 0.png, 1.png and so on."""
    for label, name in enumerate(CLASSES):
        (root / split / name).mkdir(parents=True)
        for place in range(per_class):
            rng = np.random.default_rng([label, place, *split.encode()])
            pixels = rng.integers(60 * label, 60 * label + 90, (16, 16, 3), dtype=np.uint8)
            if trigger:
                pixels[-3:, -3:] = 255
            Image.fromarray(pixels).save(root / split / name / f"{place}.png")


def config(folder: Path, **source: object) -> dict[str, Any]:
    """Return a study of the folder's images as found, with a detector and a list of rows."""
    tiny = yaml.safe_load(TINY)
    kept = {name: tiny[name] for name in ("recipes", "trainings")}
    study = {
        "dataset": "pets",
        "poison": "as_found",
        "training": "resnet9",
        "methods": ["finetune"],
        "seeds": [0],
    }
    return {
        **kept,
        "results_folder": str(folder / "results"),
        "data_folder": str(folder / "data"),
        "sources": {"pets": {"source": "image_folder", "image_size": 16, **source}},
        "datasets": {"pets": {"source": "pets"}},
        "poisons": {"as_found": {}, "patch": {"target": "dog", "count": 4}},
        "detectors": {"loss": {}},
        "deletions": {
            "suspects": {"detector": "loss", "top": 0.1},
            "mine": {"rows": "mine.csv"},
            "half": {"recall": 0.5},
        },
        "methods": {"finetune": {"length": 0.5}},
        "studies": {"found": {**study, "deletions": ["suspects", "mine"]}},
    }


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its config, and the output of Snakemake."""

    folder: Path
    config: dict[str, Any]
    said: str

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.results / f"tables/{name}.parquet")

    def command(self, name: str) -> str:
        command = [
            sys.executable,
            "-m",
            "unpoison",
            name,
            str(self.folder / "config.yaml"),
        ]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def run(folder: Path, config: dict[str, Any]) -> Run:
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2"]
    command += ["--configfile", "config.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder, config, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def unknown(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A study of data as found without any ground truth, and without a test split."""
    folder = tmp_path_factory.mktemp("unknown")
    write_images(folder / "data", "train", 20)
    (folder / "data/mine.csv").write_text("row_id\ntrain/cat/0.png\ntrain/dog/3.png\n")
    return run(folder, config(folder))


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same study with test, trusted and triggered images, a list of poisons, and a planted attack."""
    folder = tmp_path_factory.mktemp("listed")
    for split, count in (("train", 20), ("test", 3), ("trusted", 4)):
        write_images(folder / "data", split, count)
    write_images(folder / "data", "stamped", 3, trigger=True)
    (folder / "data/truth.csv").write_text("row_id\n" + "".join(f"train/cat/{n}.png\n" for n in range(4)))
    whole = config(folder, trusted="trusted", triggered="stamped")
    whole["poisons"]["as_found"] = {"truth": "truth.csv", "target": "dog"}
    whole["methods"]["do_nothing"] = {}
    study = {**whole["studies"]["found"], "deletions": ["half"]}
    whole["studies"] = {
        "found": study,
        "calibration": {**study, "poison": "patch", "methods": ["do_nothing"]},
    }
    return run(folder, whole)


class Visible(HTMLParser):
    """The visible and spoken text of a page, and the data that its script shows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.data = ""
        self.inside: list[tuple[str, str | None]] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("script", "style"):
            self.inside.append((tag, told.get("id")))
        self.texts += [told[name] or "" for name in ("alt", "aria-label", "data-caption") if name in told]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1][0] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts.append(data)
        elif self.inside[-1][1] == "data":
            self.data = gzip.decompress(base64.b64decode(data.strip())).decode()


def words_not_known(text: str) -> list[str]:
    """Return excerpts of a text that mention unknown ground truth; the column name `attack` is allowed."""
    text = text.replace('"attack":', "")
    return [text[max(0, found.start() - 60) : found.end() + 20] for found in NOT_KNOWN.finditer(text)]


# -- unknown ground truth ---------------------------------------------------------------------------


def test_no_table_tells_what_nobody_knows(unknown: Run) -> None:
    tables = sorted((unknown.results / "tables").glob("*.parquet"))
    assert len(tables) == 12
    for path in tables:
        table = pd.read_parquet(path)
        values = table.drop(columns=["inputs", "outputs"], errors="ignore")
        texts = {
            str(value) for column in values for value in values[column].dropna() if isinstance(value, str)
        }
        assert not words_not_known(" ".join(sorted(texts))), path.name
        rates = [name for name in table if re.match(r"(recall|fdr|fpr|false_alarm_rate)(_low|_high)?$", name)]
        assert table[rates].isna().all(axis=None), path.name
        assert set(table.get("attack", ["as found"])) <= {"as found"}
        csv = pd.read_csv(path.with_suffix(".csv"))
        assert len(csv) == len(table)


def test_what_needs_neither_truth_nor_test_images_is_measured(unknown: Run) -> None:
    whole = unknown.table("results").query("class_name.isna()")
    passes = {f"{kind}_passes" for kind in ("image", "forward", "gradient", "curvature", "weighted")}
    costs = passes | {"unlearning_seconds", "weights_changed"}
    assert set(whole["metric"]) == {"given_label_agreement", *costs}
    models = whole[["method", "deletion"]].drop_duplicates().fillna("").itertuples(index=False, name=None)
    assert set(models) == {("do_nothing", ""), ("finetune", "suspects"), ("finetune", "mine")}
    assert unknown.table("best").empty
    assert unknown.table("thresholds").empty
    assert unknown.table("references")["method"].tolist() == ["do_nothing"]
    rows = read_rows(unknown.results / "pets/seed0/as_found/rows.parquet")
    assert rows.is_poisoned is None


def test_the_report_says_what_it_cannot_tell_and_nothing_that_nobody_knows(unknown: Run) -> None:
    page = Visible((unknown.results / "report.html").read_text())
    assert not words_not_known(page.text)
    assert not words_not_known(page.data)
    assert "nothing is planted, and nobody knows which training rows are wrong" in page.text
    assert "not whether it removed what was suspected" in page.text
    assert "The data set pets is used as it was found" in page.text
    assert "Without repair, the model scores" in page.text


def test_no_figure_tells_what_nobody_knows(unknown: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(unknown.folder)
    plan = Plan(unknown.config)
    rows = read_rows(unknown.results / "pets/seed0/as_found/rows.parquet")
    stored = np.load(unknown.results / "sources/pets/images.npy")
    history = pd.read_parquet(unknown.results / "pets/seed0/as_found/resnet9/base/history.parquet")
    spec = Specs(plan).draw_training(SimpleNamespace(study="found"))
    assert not Specs(plan).draw_samples(SimpleNamespace(study="found"))["plants"]
    figures = [
        draw_found(stored, rows),
        draw_training(history.assign(variant="pets", seed=0), spec["what"]),
    ]
    texts = [text.get_text() for figure in figures for text in figure.findobj(Text)]
    captions = [caption_of(plan, name) for name in plan.all_figures]
    assert not words_not_known(" ".join([*texts, *captions]))
    assert spec["note"] == ""
    names = {path.name for path in (unknown.results / "figures").iterdir()}
    assert names == {
        f"{kind}_found.{ending}" for kind in ("samples", "training") for ending in ("pdf", "png")
    }


def test_no_log_no_message_and_no_command_tells_what_nobody_knows(unknown: Run) -> None:
    logs = sorted((unknown.results / "logs").rglob("*.log"))
    assert len(logs) > 10
    for path in logs:
        assert not words_not_known(path.read_text()), path
    assert not words_not_known(unknown.said.replace("recall_thresholds", ""))  # the name of an empty table
    for name in ("status", "run"):
        assert not words_not_known(unknown.command(name)), name


def test_the_partial_report_of_a_study_tells_no_more(unknown: Run, tmp_path: Path) -> None:
    said = unknown.command("partial")
    page = Visible((unknown.results / "partial/report.html").read_text())
    assert not words_not_known(said + page.text + page.data)
    shutil.rmtree(unknown.results / "partial")


# -- ground truth from the user ---------------------------------------------------------------------


def test_a_list_and_triggered_images_give_the_metrics_that_they_allow(listed: Run) -> None:
    whole = listed.table("results").query("class_name.isna() and study == 'found'")
    known = {"adversarial_accuracy", "attack_success_rate", "retained_accuracy", "clean_accuracy"}
    assert known <= set(whole["metric"])
    assert not {"corrected_accuracy", "utility_x_healed"} & set(whole["metric"])
    assert set(whole["method"]) == {"do_nothing", "oracle", "finetune"}
    repaired = whole[whole["method"] == "finetune"]
    assert (set(repaired["recall"]), set(repaired["fpr"])) == ({0.5}, {0.0})
    assert set(whole["attack"]) == {"as found, truth listed"}
    assert listed.table("best").query("study == 'found'")["metric"].tolist() == ["adversarial_accuracy"]
    rows = read_rows(listed.results / "pets/seed0/as_found/rows.parquet")
    assert len(rows.of("validation")) == 2 * 4
    assert len(rows.of("triggered")) == 2 * 3
    page = Visible((listed.results / "report.html").read_text()).text
    assert "recall and false alarms are counted by the user's list of poisoned rows" in page


def test_an_attack_planted_on_suspect_data_is_called_so_wherever_its_numbers_stand(
    listed: Run, tmp_path: Path
) -> None:
    for name in ("results", "summary", "references", "paired"):
        table = listed.table(name)
        assert set(table.loc[table["study"] == "calibration", "attack"]) == {"planted on suspect data"}, name
    assert not (read_rows(listed.results / "pets/seed0/patch/rows.parquet").split == "triggered").any()
    page = Visible((listed.results / "report.html").read_text())
    note = "lanted attack on suspect data: it measures the planted poisons alone"
    assert page.text.count(f"P{note}") >= 3  # in its findings and in the captions of its figures
    assert '"note":"planted attack on suspect data"' in page.data
    plan = Plan(listed.config)
    for draw in (Specs(plan).draw_samples, Specs(plan).draw_training):
        assert draw(SimpleNamespace(study="calibration"))["note"].startswith(f"p{note}")
        assert draw(SimpleNamespace(study="found"))["note"] == ""
    history = pd.read_parquet(listed.results / "pets/seed0/patch/resnet9/base/history.parquet")
    figure = draw_training(history.assign(variant="pets", seed=0))
    save(figure, tmp_path / "a.pdf", tmp_path / "a.png", f"p{note}")
    assert any(f"p{note[:20]}" in text.get_text() for text in figure.findobj(Text))


# -- refused by the plan ----------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with images of every kind and a list of rows."""
    for split in ("train", "test", "trusted", "stamped"):
        write_images(tmp_path / "data", split, 6)
    (tmp_path / "data/mine.csv").write_text("row_id\ntrain/cat/0.png\n")
    return tmp_path


def with_counts(config: dict[str, Any]) -> None:
    config["studies"]["found"]["deletions"] = ["half"]


def with_nothing_to_forget(config: dict[str, Any]) -> None:
    config["deletions"]["half"] = {"recall": 0.0}
    with_counts(config)


def with_validation(config: dict[str, Any]) -> None:
    config["datasets"]["pets"]["validation"] = 2


def with_a_target_alone(config: dict[str, Any]) -> None:
    config["poisons"]["as_found"] = {"target": "dog"}


def with_triggered_images_of_the_target_alone(config: dict[str, Any]) -> None:
    shutil.rmtree(Path(config["data_folder"], "stamped/cat"))
    config["sources"]["pets"]["triggered"] = "stamped"
    config["poisons"]["as_found"] = {"target": "dog"}


def with_an_empty_list(config: dict[str, Any]) -> None:
    Path(config["data_folder"], "empty.csv").write_text("row_id\n")
    config["poisons"]["as_found"] = {"truth": "empty.csv"}


def with_an_attack_on_the_same_axis(config: dict[str, Any]) -> None:
    config["sources"]["pets"] = {"source": "generated", "train_per_class": 200, "image_size": 16}
    config["poisons"]["mixed"] = {"poison": "as_found", "target": None}  # patch has 1000 poisons by default
    config["studies"]["found"] |= {"poison": "mixed", "vary": {"poison.poison": ["as_found", "patch"]}}


def with_a_figure_of_both(config: dict[str, Any]) -> None:
    config["sources"]["pets"]["triggered"] = "stamped"
    config["poisons"] |= {"as_found": {"truth": "mine.csv"}, "patch": {"target": "dog", "count": 1}}
    config["deletions"]["half"] = {"recall": 1.0}
    study = {**config["studies"]["found"], "deletions": ["half"], "vary": {"deletion.recall": [1.0]}}
    config["studies"] = {"found": study, "planted": {**study, "poison": "patch"}}
    config["figures"] = {"heatmap": {"studies": ["found", "planted"]}}


def with_a_repair_by_trusted_rows_of_one_class(config: dict[str, Any]) -> None:
    shutil.rmtree(Path(config["data_folder"], "trusted/cat"))
    config["sources"]["pets"]["trusted"] = "trusted"
    with_a_repair_by_trusted_rows(config)


def with_a_tuning_by_trusted_rows_of_one_class(config: dict[str, Any]) -> None:
    shutil.rmtree(Path(config["data_folder"], "trusted/cat"))
    config["sources"]["pets"]["trusted"] = "trusted"
    config["tunings"] = {"small": {"seeds": [8, 9], "deletion": "mine"}}
    config["methods"]["finetune"] = {"tuning": "small"}


def with_an_unknown_target(config: dict[str, Any]) -> None:
    config["poisons"]["as_found"] = {"target": "fox"}


def with_a_missing_list(config: dict[str, Any]) -> None:
    config["poisons"]["as_found"] = {"truth": "nowhere.csv"}


def with_a_bias_by_class(config: dict[str, Any]) -> None:
    config["poisons"]["as_found"] = {"truth": "mine.csv"}
    config["deletions"]["half"] = {"recall": 1.0, "bias": "class"}
    with_counts(config)


def with_a_planted_trigger_to_show(config: dict[str, Any]) -> None:
    config["sources"]["pets"]["trusted"] = "trusted"
    config["detectors"] = {"influence": {"triggered_examples": 2}}
    config["deletions"]["suspects"]["detector"] = "influence"


def with_a_figure(config: dict[str, Any]) -> None:
    config["figures"] = {
        "imbalance": {"studies": ["found"], "ratio": "dataset.keep.cat", "share": "training.width"}
    }
    config["studies"]["found"]["vary"] = {"dataset.keep.cat": [0.5, 1.0], "training.width": [2, 4]}
    config["studies"]["found"]["deletions"] = ["mine"]


def with_a_part(config: dict[str, Any]) -> None:
    config["poisons"]["both"] = {"poison": "several", "parts": ["as_found", "patch"]}


def with_trusted_images_that_are_not_there(config: dict[str, Any]) -> None:
    config["sources"]["pets"]["trusted"] = "nowhere"


def with_a_name_that_no_file_system_takes(config: dict[str, Any]) -> None:
    config["sources"]["pets"]["triggered"] = "x" * 300


def with_training_images_as_trusted_ones(config: dict[str, Any]) -> None:
    config["sources"]["pets"]["trusted"] = "train"


def with_a_trusted_folder_of_another_class(config: dict[str, Any]) -> None:
    Path(config["data_folder"], "trusted/cat").rename(Path(config["data_folder"], "trusted/fox"))
    config["sources"]["pets"]["trusted"] = "trusted"


def with_a_repair_by_trusted_rows(config: dict[str, Any]) -> None:
    config["methods"]["fine_pruning"] = {}
    config["studies"]["found"]["methods"] = ["fine_pruning"]


REFUSED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (with_counts, "needs to know which rows are poisoned, which is unknown for data as found"),
    (with_nothing_to_forget, "a set by counts needs to know which rows are poisoned"),
    (with_validation, "validation: found 2, allowed: 0; rows drawn from data as found are not trusted"),
    (with_a_target_alone, "target: found 'dog' and triggered images of the data set's classes: none"),
    (with_triggered_images_of_the_target_alone, "only those of 'dog'; allowed: .* of other classes"),
    (with_an_empty_list, "empty.csv lists no row; allowed: one or more, or no list"),
    (
        with_an_attack_on_the_same_axis,
        r"studies.found: found attacks that are planted and data as found \(found\)",
    ),
    (with_a_figure_of_both, r"figures.heatmap: found attacks that are planted and .* \(found, planted\)"),
    (with_a_repair_by_trusted_rows_of_one_class, "method 'fine_pruning' works on .* found none of cat"),
    (with_a_tuning_by_trusted_rows_of_one_class, "tunings.small works on .* found none of cat"),
    (with_an_unknown_target, "unknown target class 'fox'; choose from cat, dog"),
    (with_a_missing_list, "nowhere.csv is no file"),
    (with_a_bias_by_class, "bias: class needs the true class of each row"),
    (with_a_planted_trigger_to_show, "detectors.influence is shown examples of a planted trigger"),
    (
        with_a_figure,
        "figures.imbalance cannot show found, a study of data as found without a list of the poisons",
    ),
    (with_a_part, "poisons.both: its part as_found plants nothing"),
    (with_trusted_images_that_are_not_there, "no such folder: .*nowhere"),
    (with_a_name_that_no_file_system_takes, "no such folder: .*xxx"),
    (with_training_images_as_trusted_ones, "are one file; allowed: one split"),
    (with_a_trusted_folder_of_another_class, "is of class 'fox', which train/ does not have"),
    (with_a_repair_by_trusted_rows, "or trusted images in its source"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED, ids=lambda part: getattr(part, "__name__", ""))
def test_what_data_as_found_do_not_allow_is_refused_in_one_line(
    data: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    whole = config(data)
    Plan(whole)
    change(whole)
    with pytest.raises(UserError, match=sentence) as error:
        Plan(whole)
    assert "\n" not in str(error.value)


def test_trusted_images_serve_detectors_and_repairs_of_data_as_found(data: Path) -> None:
    whole = config(data, trusted="trusted")
    with_a_repair_by_trusted_rows(whole)
    whole["deletions"]["suspects"] = {"detector": "loss", "fpr_budget": 0.1}
    plan = Plan(whole)
    assert plan.counts.validation(plan.datasets["pets"]) == {"cat": 6, "dog": 6}
    assert {cell.method for cell in plan.cells} == {"do_nothing", "fine_pruning"}


def test_a_source_is_suspect_that_says_so_or_is_used_as_found_under_any_name(data: Path) -> None:
    whole = config(data)
    whole["sources"]["large"] = {"source": "image_folder", "image_size": 32}
    whole["datasets"]["large"] = {"source": "large"}
    planted = {**whole["studies"]["found"], "poison": "patch", "dataset": "large", "deletions": ["half"]}
    both = {**whole, "studies": {"found": whole["studies"]["found"], "planted": planted}}
    kinds = Specs(Plan(both)).collect_results(SimpleNamespace())["attacks"]
    assert kinds == {"pets": {"as_found": "as found"}, "large": {"patch": "planted on suspect data"}}
    alone = {**copy.deepcopy(whole), "studies": {"planted": planted}}
    assert Specs(Plan(alone)).collect_results(SimpleNamespace())["attacks"] == {"large": {"patch": "planted"}}
    alone["sources"]["large"]["suspect"] = True
    told = Specs(Plan(alone)).collect_results(SimpleNamespace())["attacks"]
    assert told == {"large": {"patch": "planted on suspect data"}}


@pytest.mark.parametrize(
    "source",
    [
        {"source": "image_folder", "path": "../data/."},
        {"source": "class_folders", "path": "train"},
        {"source": "image_list", "train": "some.csv"},
    ],
    ids=["path", "folders", "list"],
)
def test_a_source_is_suspect_that_reads_the_same_images_in_another_way(
    data: Path, source: dict[str, Any]
) -> None:
    lines = "".join(f"train/{name}/{n}.png,{name}\n" for name in CLASSES for n in range(3))
    (data / "data/some.csv").write_text(f"path,label\n{lines}")
    whole = config(data)
    whole["sources"]["again"] = {**source, "image_size": 32}
    whole["sources"]["trusted"] = {"source": "class_folders", "path": "trusted", "image_size": 16}
    whole["poisons"]["patch"]["count"] = 2
    for name in ("again", "trusted"):
        whole["datasets"][name] = {"source": name}
        planted = {"dataset": name, "poison": "patch", "deletions": ["half"]}
        whole["studies"][name] = {**whole["studies"]["found"], **planted}
    kinds = Specs(Plan(whole)).collect_results(SimpleNamespace())["attacks"]
    assert kinds["again"] == {"patch": "planted on suspect data"}
    assert kinds["trusted"] == {"patch": "planted"}


def test_another_list_of_poisons_makes_other_rows_and_a_moved_folder_the_same(data: Path) -> None:
    whole = config(data)
    whole["poisons"]["as_found"] = {"truth": "mine.csv"}
    wildcards = SimpleNamespace(dataset="pets", poison="as_found", seed="0")
    first = Specs(Plan(whole)).poison_dataset(wildcards)
    shutil.copytree(data / "data", data / "moved")
    moved = Specs(Plan({**whole, "data_folder": str(data / "moved")})).poison_dataset(wildcards)
    assert moved == first
    (data / "data/mine.csv").write_text("row_id\ntrain/dog/0.png\n")
    assert Specs(Plan(whole)).poison_dataset(wildcards) != first


def test_the_configs_of_the_page_on_ones_own_data_are_planned(tmp_path: Path) -> None:
    page = (ROOT / "docs/your-own-data.md").read_text()
    found, planted = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    for name in ("sparrow", "tit"):
        (tmp_path / "birds/train" / name).mkdir(parents=True)
        for place in range(80):
            Image.new("RGB", (16, 16), (place, 0, 0)).save(tmp_path / f"birds/train/{name}/{place}.png")
    found |= {"data_folder": str(tmp_path), "results_folder": str(tmp_path / "results")}
    assert {cell.method for cell in Plan(found).cells} == {"do_nothing", "retrain", "finetune"}
    found["poisons"] |= planted["poisons"]
    found["deletions"] |= planted["deletions"]
    found["studies"]["calibration"] = planted["studies"]["calibration"]
    attacks = Specs(Plan(found)).collect_results(SimpleNamespace())["attacks"]
    assert attacks == {"birds": {"as_found": "as found", "patch": "planted on suspect data"}}
