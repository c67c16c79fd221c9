"""Bad input ends in one line that says what, found and allowed, before any job runs."""

import copy
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from unpoison.errors import UserError
from unpoison.runs.read import config_of
from unpoison.study.plan import Plan

ROOT = Path(__file__).parents[2]
DEMO = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())


def changed(path: str, value: object, config: dict = DEMO) -> dict:
    """Return the demo's config with one key set, or removed (value None)."""
    config = copy.deepcopy(config)
    *folders, last = path.split("/")
    place = config
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


HUGE = 10**309  # more than a float can hold
REFUSED = {
    "a number that is no float": ("recipes/quick/learning_rate", HUGE, "learning_rate is 1000"),
    "steps without end": ("recipes/quick/iterations", 10**12, "2147483647 or less"),
    "a batch without end": ("recipes/quick/batch_size", 10**12, "2147483647 or less"),
    "a seed below zero": (
        "poisons/patch",
        {"poison": "blend", "target": "airplane", "count": 9, "pattern_seed": -1},
        "blend takes a pattern_seed from 0 on; found -1",
    ),
    "unknown key at the top": ("sedes", 3, "unknown key 'sedes'"),
    "unknown key in a study": ("studies/imbalance/sedes", 3, "unknown key 'sedes' in studies.imbalance"),
    "missing section": ("recipes", None, "lacks the key 'recipes'"),
    "missing key in a study": ("studies/imbalance/poison", None, "studies.imbalance lacks the key 'poison'"),
    "unknown class": ("datasets/catdog/classes", ["cat", "dgo"], "unknown class 'dgo'; choose from airplane"),
    "one class": ("datasets/catdog/classes", ["cat"], "at least 2"),
    "unknown class to keep": ("datasets/catdog/keep", {"cta": 0.5}, "unknown class in keep: 'cta'"),
    "unknown source": (
        "sources/generated/source",
        "imagenet",
        "unknown source 'imagenet'; choose from cifar10",
    ),
    "unknown source entry": ("datasets/catdog/source", "cifar", "unknown source in datasets.catdog"),
    "unknown poison": (
        "poisons/patch/poison",
        "pacth",
        "unknown poison 'pacth'; choose from as_found, blend, class_confusion",
    ),
    "unknown poison entry": ("studies/imbalance/poison", "x", "unknown poison in studies.imbalance: 'x'"),
    "unknown method": ("methods/finetune/method", "scurb", "unknown unlearning method 'scurb'; choose from"),
    "unknown method entry": (
        "studies/imbalance/methods",
        ["scurb"],
        "'scurb'; choose from finetune, retrain",
    ),
    "unknown option of a method": (
        "methods/finetune/lenght",
        1,
        "unknown option in methods.finetune: 'lenght'",
    ),
    "wrong type of an option": ("methods/finetune/length", "long", "found 'long', allowed: a number above 0"),
    "unknown option of a poison": ("poisons/patch/sise", 3, "unknown option in poisons.patch: 'sise'"),
    "missing option of a poison": ("poisons/patch/target", None, "poisons.patch.target is missing"),
    "unknown target": ("poisons/patch/target", "boat", "unknown target class 'boat'"),
    "unknown part": (
        "poisons/both",
        {"poison": "several", "parts": ["pacth"]},
        "unknown part in poisons.both: 'pacth'",
    ),
    "part twice": (
        "poisons/both",
        {"poison": "several", "parts": ["patch", "patch"]},
        "allowed: each part once",
    ),
    "part of parts": (
        "poisons/several",
        {"parts": ["several", "patch"]},
        "its part several is several attacks itself; name the parts of it instead",
    ),
    "part with a surrogate": (
        "poisons",
        {
            **DEMO["poisons"],
            "hard": {"poison": "clean_label", "target": "cat"},
            "several": {"parts": ["hard", "patch"]},
        },
        "its part hard needs a surrogate, which several attacks at once cannot have",
    ),
    "parts that are no names": (
        "poisons/both",
        {"poison": "several", "parts": "patch"},
        "a list of names of poisons",
    ),
    "parts stamped at two times": (
        "poisons/both",
        {"poison": "several", "parts": ["patch", "corner_swap"], "stamp": "before_augmentation"},
        "poisons.both.stamp: found before_augmentation, and its part corner_swap has after_augmentation",
    ),
    "unknown recipe": ("trainings/resnet9/recipe", "fast", "unknown recipe in trainings.resnet9: 'fast'"),
    "unknown model": (
        "trainings/resnet9/model",
        "resnet18",
        "unknown model 'resnet18'; choose from preact_resnet18, python, resnet9",
    ),
    "unknown deletion": (
        "studies/imbalance/deletions",
        ["all"],
        "unknown deletion in studies.imbalance: 'all'",
    ),
    "unknown figure": ("figures/imbalance/figure", "pie", "unknown figure 'pie'"),
    "unknown study of a figure": ("figures/imbalance/studies", ["x"], "unknown study in figures.imbalance"),
    "epochs and iterations": (
        "recipes/quick",
        {"epochs": 3, "iterations": 3, "batch_size": 9, "learning_rate": 0.1},
        "either epochs or iterations",
    ),
    "no learning rate": ("recipes/quick/learning_rate", 0, "above 0"),
    "share above 1": ("datasets/catdog/keep/cat", 1.5, "found 1.5"),
    "share below 0": ("datasets/catdog/keep/cat", -0.1, "found -0.1"),
    "share of poisons above 1": ("studies/imbalance/vary", {"poison.share.cat": [1.2]}, "found {'cat': 1.2}"),
    "too many to keep": (
        "studies/imbalance/vary",
        {"dataset.keep.cat": [5000]},
        "cannot keep 5000 training images of class 'cat'",
    ),
    "no image kept": ("datasets/ten_classes/keep/cat", 0, "cannot keep 0"),
    "validation of everything": (
        "datasets/ten_classes/validation",
        1.0,
        "rows aside for validation: there are",
    ),
    "more poisons than images": ("poisons/patch/count", 100000, "cannot poison 100000 training images"),
    "more poisons than of a class": ("poisons/corner_swap/count", 3000, "images of class"),
    "no poisons but fewer": (
        "poisons/patch/count",
        -1,
        "poisons.patch.count: found -1, allowed: an integer above 0",
    ),
    "patch larger than the image": ("poisons/patch/size", 33, "33 pixels wide; it must be 1 to 32"),
    "patch of no size": ("poisons/patch/size", 0, "found 0, allowed: an integer above 0"),
    "pixel value": ("poisons/patch/value", 256, "a pixel is 0 to 255"),
    "unknown corner": ("poisons/patch/corner", "middle", "unknown corner 'middle'; choose from top_left"),
    "three classes in corners": (
        "poisons/corner_swap/corners",
        {"cat": "top_left", "dog": "top_left", "bird": "top_left"},
        "class",
    ),
    "deletion of nothing said": ("deletions/everything_found", {}, "size or recall"),
    "deletion of both readings": (
        "deletions/everything_found",
        {"recall": 1.0, "fpr": 0.1, "fdr": 0.1},
        "fpr or fdr",
    ),
    "deletion that cannot be met": ("deletions/everything_found", {"size": 500, "fdr": 0.1}, "450 poisoned"),
    "Sf too small for its Cf": ("deletions/everything_found", {"size": 100, "fpr": 0.2}, "-140 poisoned"),
    "no clean row left": ("deletions/everything_found", {"recall": 1.0, "fpr": 1.0}, "none would be left"),
    "recall above 1": ("deletions/everything_found", {"recall": 1.1}, "1 or less"),
    "no such list of rows": (
        "deletions/everything_found",
        {"rows": "mine.csv"},
        "no such file: data/mine.csv",
    ),
    "no seeds": ("studies/imbalance/seeds", [], "studies.imbalance.seeds"),
    "zero seeds": ("studies/imbalance/seeds", 0, "studies.imbalance.seeds"),
    "seed twice": ("studies/imbalance/seeds", [1, 1], "studies.imbalance.seeds"),
    "no methods": ("studies/imbalance/methods", [], "at least 1"),
    "empty axis": ("studies/imbalance/vary", {"dataset.keep.cat": []}, "at least 1"),
    "axis of no level": ("studies/imbalance/vary", {"keep.cat": [1]}, "keep.cat"),
    "axis of an unknown key": ("studies/imbalance/vary", {"dataset.kepe": [1]}, "unknown key 'kepe'"),
    "axis of an unknown option": ("studies/imbalance/vary", {"method.speed": [1]}, "unknown option"),
    "name with a path in it": ("datasets/..", {"source": "generated"}, "datasets"),
    "name that is reserved": ("deletions/base", {"recall": 1.0}, None),
    "results above the folder": ("results_folder", "../../etc/x y", "results_folder"),
    "axis below a number": (
        "studies/imbalance/vary",
        {"poison.count.cat": [1]},
        "'count' has no keys to vary",
    ),
    "figure without its axis": (
        "figures/imbalance",
        {"studies": ["false_positives_fpr"]},
        "figures.imbalance needs a study that varies dataset.keep.cat; false_positives_fpr varies deletion.fpr",
    ),
    "figure of a study with one more axis": (
        "studies/imbalance/vary",
        {"dataset.keep.cat": [0.5, 1.0], "poison.share.cat": [0.2], "training.width": [4, 8]},
        "cannot show a study that also varies training.width",
    ),
    "figure of words": (
        "studies/false_positives_fpr/vary",
        {"training.recipe": ["quick"], "deletion.fpr": [0.1]},
        "also varies training.recipe",
    ),
    "figure of an unknown class": (
        "figures/imbalance/class_name",
        "bird",
        "unknown class in figures.imbalance",
    ),
    "figure that is called as samples are": (
        "figures/samples_imbalance",
        {"studies": ["imbalance"]},
        "reserved",
    ),
    "figure of a study without recalls": (
        "figures/cost_quality",
        {"studies": ["false_positives_fpr"], "recall": 0.5},
        "figures.cost_quality needs a study that varies deletion.recall",
    ),
    "plane of one axis": (
        "figures/plane",
        {"studies": ["false_positives_fpr"]},
        "figures.plane needs a study that varies deletion.recall; false_positives_fpr varies deletion.fpr",
    ),
    "value of an axis twice": ("studies/imbalance/vary", {"dataset.keep.cat": [0.5, 0.5]}, "each entry once"),
    "axis of numbers and words": (
        "studies/imbalance/vary",
        {"dataset.keep.cat": [0.5, "all"]},
        "all numbers",
    ),
    "more last layers than there are": (
        "methods/finetune/last",
        12,
        "methods.finetune.last: found 12; the model resnet9 of trainings.resnet9 allows 1, 2, 4, 5, 7, 8, 9",
    ),
    "last layers through a block": (
        "methods/retrain",
        {"last": 3},
        "methods.retrain.last: found 3; the model resnet9",
    ),
    "last layers varied too far": (
        "studies/imbalance/vary",
        {"dataset.keep.cat": [0.5], "poison.share.cat": [0.2], "method.last": [2, 6]},
        "@last=6.last: found 6; the model resnet9",
    ),
    "weights of which none may move": (
        "methods/idle",
        {"method": "salun", "share": 0},
        "methods.idle.share: found 0, allowed: a number above 0, to 1",
    ),
    "one fold": (
        "detectors",
        {"confident_learning": {"folds": 1}},
        "detectors.confident_learning.folds: found 1, allowed: an integer from 2 on",
    ),
    "flooding below nothing": (
        "detectors",
        {"loss": {"flooding": -0.1}},
        "detectors.loss.flooding: found -0.1, allowed: a number from 0 on",
    ),
    "no word of an option that takes a number or a word": (
        "methods/finetune",
        {"method": "gradient_ascent", "bound": "chanc"},
        "methods.finetune.bound: found 'chanc', allowed: a number above 0 or 'chance' or null",
    ),
    "rate of zero": ("methods/finetune/learning_rate", 0, "found 0, allowed: a number above 0 or null"),
    "negative length": ("methods/finetune/length", -1, "found -1, allowed: a number above 0"),
    "network of no width": ("trainings/resnet9/width", 0, "found 0, allowed: an integer above 0"),
    "no test images": ("sources/generated/test_per_class", 0, "found 0, allowed: an integer above 0"),
    "option of a method that no study uses": (
        "methods/idle",
        {"method": "finetune", "lenght": 1},
        "'lenght'",
    ),
    "method that no study uses": ("methods/idle", {"method": "nosuch"}, "unknown unlearning method 'nosuch'"),
    "everything poisoned": ("poisons/patch/count", 3000, "no clean one is left"),
    "recall of no row": ("deletions/everything_found", {"recall": 0.001}, "it selects no row; for an empty"),
    "results in a name too long": ("results_folder", "x" * 300, "cannot be written"),
    "glob of nothing": (
        "sources/generated",
        {"source": "parquet", "train": "", "test": ""},
        "a file or a glob",
    ),
    "unknown tuning": (
        "methods/finetune/tuning",
        "x",
        "unknown tuning in methods.finetune: 'x'; choose from",
    ),
    "tuning on no seed": ("tunings", {"small": {"seeds": [], "deletion": "x"}}, "tunings.small.seeds"),
    "one trial": ("tunings", {"small": {"trials": 1, "seeds": [8, 9], "deletion": "x"}}, "2 or more"),
    "tuning on one seed": ("tunings", {"small": {"seeds": [9], "deletion": "x"}}, "at least 2"),
    "a budget without a tuning": (
        "methods/finetune/budget",
        4,
        "methods.finetune.budget: found 4, allowed: no budget for a method without tuning",
    ),
    "a budget of no trial": ("methods/finetune/budget", 0, "1 or more"),
    "device": ("device", "tpu", "one of ['auto', 'cpu', 'cuda']"),
    "no threads": ("threads", 0, "1 or more"),
    "half a thread": ("threads", 1.5, "threads"),
    "not a number": ("recipes/quick/momentum", math.nan, "must be finite"),
    "infinity": ("recipes/quick/weight_decay", math.inf, "must be finite"),
    "a list for a mapping": ("studies", [], "studies"),
    "text for a mapping": ("datasets/catdog", "generated", "datasets.catdog"),
    "a number for a name": ("studies/imbalance/dataset", 3, "studies.imbalance.dataset"),
    "no studies": ("studies", {}, "found no entry of studies, repairs and scans, allowed: one or more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_config_is_refused_in_one_line(case: str) -> None:
    path, value, words = REFUSED[case]
    config = changed(path, value)
    if words is None:  # refused only if a study uses it
        config, words = changed("studies/imbalance/deletions", ["base"], config), "reserved"
    with pytest.raises(UserError) as error:
        Plan(config)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_figure_at_a_recall_that_its_study_lacks_is_refused() -> None:
    config = changed("figures/cost_quality", {"studies": ["false_positives_fpr"], "recall": 0.6})
    vary = {"deletion.recall": [0.5, 1.0], "deletion.fpr": [0.0, 0.1]}
    config = changed("studies/false_positives_fpr/vary", vary, config)
    config = changed("figures/false_positives", None, config)
    with pytest.raises(
        UserError, match=r"unknown recall in figures.cost_quality: '0.6'; choose from 0.5, 1.0"
    ):
        Plan(config)
    config = changed("figures/cost_quality/recall", 0.5, config)
    assert Plan(config).averaged == ["false_positives_fpr"]


def test_parts_may_be_named_in_any_order_and_are_what_they_are_alone() -> None:
    config = changed("poisons/wave", {"poison": "sinusoid", "target": "cat", "count": 50})
    config = changed("studies/false_positives_fpr/poison", "both", config)
    first, second = (
        Plan(changed("poisons/both", {"poison": "several", "parts": parts}, config))
        for parts in (["patch", "wave"], ["wave", "patch"])
    )
    both = first.poisons["both"]
    options = both.options
    assert second.poisons["both"].options == options
    assert [part["poison"] for part in options["parts"]] == ["patch", "sinusoid"]
    patch = options["parts"][0]["options"]
    assert patch == {
        "victims": None,
        "corner": "bottom_right",
        "size": 3,
        "value": 255,
        **DEMO["poisons"]["patch"],
    }
    assert both.kinds == ("several", "patch", "sinusoid")
    assert first.counts.poisoned(first.datasets["ten_classes"], both) == patch["count"] + 50


TUNINGS = {
    "reported seed": ({"seeds": [1000, 1]}, {}, "tunings.small.seeds: 1 is a seed that studies.imbalance"),
    "no validation rows": ({}, {"datasets/catdog/validation": 0}, "validation rows of datasets.catdog"),
    "unknown deletion": ({"deletion": "third"}, {}, "unknown deletion in tunings.small: 'third'"),
    "reported recall": (
        {"deletion": "everything_found"},
        {},
        "tunings.small.deletion: found 'everything_found' with recall 1.0, which studies.imbalance reports; "
        "allowed: a deletion set of another recall",
    ),
    "reported recall at another FPR": (
        {},
        {"deletions/half": {"recall": 1, "fpr": 0.25}},
        "found 'half' with recall 1, which studies.imbalance reports",
    ),
    "four rows": (
        {},
        {"deletions/half": {"size": 4}},
        "tunings.small.deletion: 'half' on dataset 'catdog@keep.cat=0.4': a tuning holds out a fifth of its deletion "
        "set: found 4 rows, allowed: 5 or more",
    ),
    "a budget above the trials": (
        {"trials": 4},
        {"methods/finetune/budget": 5},
        "methods.finetune.budget: found 5, allowed: up to 4, the trials of tunings.small",
    ),
    "nothing to forget": ({}, {"deletions/half": {"recall": 0.0}}, "'half' has no row to forget"),
    "no option": ({}, {"methods/finetune/method": "retrain"}, "methods.finetune.tuning: no option is left"),
    "two of which one is allowed": (
        {},
        {"methods/finetune": {"method": "anp", "neurons": 3, "accuracy_drop": 0.1}},
        "methods.finetune: found neurons: 3 and accuracy_drop: 0.1, allowed: one of neurons, accuracy_drop",
    ),
    "no open option": (
        {},
        {"methods/finetune/length": 0.1, "methods/finetune/learning_rate": 0.1},
        "no option is left to search; finetune has length, learning_rate",
    ),
}


@pytest.mark.parametrize("case", TUNINGS)
def test_a_tuning_that_would_not_be_honest_is_refused(case: str) -> None:
    settings, changes, words = TUNINGS[case]
    tuning = {"seeds": [1000, 1001], "deletion": "half", **settings}
    config = changed("tunings", {"small": tuning})
    given = {"methods/finetune": {"tuning": "small"}, "datasets/catdog/validation": 0.1}
    changes = {**given, "deletions/half": {"recall": 0.5}, **changes}
    for path, value in changes.items():
        config = changed(path, value, config)
    with pytest.raises(UserError) as error:
        Plan(config)
    assert words in str(error.value)


def test_a_tuning_does_not_search_what_a_given_option_takes_the_place_of() -> None:
    config = changed("tunings", {"small": {"seeds": [1000, 1001], "deletion": "half"}})
    config = changed("deletions/half", {"recall": 0.5}, config)
    for name in ("catdog", "ten_classes"):
        config = changed(f"datasets/{name}/validation", 0.1, config)
    config = changed("methods/finetune", {"method": "ssd", "selection": 5.0, "tuning": "small"}, config)
    tuning = Plan(config).methods["finetune"].tuning
    assert tuning is not None
    assert set(tuning.space) == {"dampening"}


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(UserError, match="keys are text"):
        Plan(changed("datasets/catdog/keep", {True: 1}))


def test_a_missing_path_of_a_source_is_refused() -> None:
    config = changed("sources/generated", {"source": "parquet", "train": "no-*.parquet", "test": "t.parquet"})
    with pytest.raises(UserError, match=r"no such file: data/no-\*\.parquet"):
        Plan(config)


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "a@b", "-x", "ä", "x" * 61, "a\nb", "a\n"])
def test_names_that_could_be_more_than_a_folder_are_refused(name: str) -> None:
    config = changed("methods", {**DEMO["methods"], name: {"method": "retrain"}})
    with pytest.raises(UserError, match="methods"):
        Plan(config)


def test_a_results_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        Plan({**DEMO, "results_folder": str(tmp_path / "file" / "results")})


PLACES = {
    "the project": (ROOT, "holds this project"),
    "above the project": (ROOT.parent, "holds this project"),
    "the root": ("/", "holds this project"),
    "git's": (ROOT / ".git", "is the folder .git of this project"),
    "in git's": (ROOT / ".git" / "results", "is in the folder .git of this project"),
    "another repository's": ("/elsewhere/.git/results", "is part of a git repository's own files"),
    "the package": (ROOT / "unpoison", "is the folder unpoison of this project"),
    "in the workflow": (ROOT / "workflow" / "results", "is in the folder workflow of this project"),
    "the configs": (ROOT / "config", "is the folder config of this project"),
    "in the tests": (ROOT / "tests" / "a" / "b", "is in the folder tests of this project"),
    "home": (Path.home(), "holds your home folder"),
    "the data": ("data", "holds the data data"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_results_folder_that_holds_something_else_is_refused(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, words = PLACES[case]
    monkeypatch.chdir(ROOT)
    with pytest.raises(
        UserError, match=f"results_folder '{folder}' {words}; choose a folder for results alone"
    ):
        Plan({**DEMO, "results_folder": str(folder)})


def test_a_results_folder_that_holds_images_or_a_list_of_rows_is_refused(tmp_path: Path) -> None:
    places = {"results_folder": str(tmp_path / "mine"), "data_folder": str(tmp_path / "data")}
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for place in ("../mine/photos", str(tmp_path / "mine"), str(tmp_path / "link" / "photos")):
        config = changed("sources/photos", {"source": "image_folder", "path": place})
        with pytest.raises(UserError, match=f"mine' holds the data .*{place}"):
            Plan({**config, **places})
    config = changed("deletions/flagged", {"rows": "../mine/rows.csv"})
    with pytest.raises(UserError, match=r"holds the data .*rows\.csv"):
        Plan({**config, **places})
    assert Plan({**DEMO, **places, "data_folder": str(tmp_path)}).cells  # results may be next to the data
    places["results_folder"] = str(tmp_path / "data" / "birds" / "train" / "mine")
    config = changed("sources/photos", {"source": "image_folder", "path": "birds"})
    with pytest.raises(UserError, match=r"is among the images of .*birds/train"):
        Plan({**config, **places})


@pytest.mark.parametrize(("share", "is_fine"), [(1.0, False), (0.999, False), (0.98, True)])
def test_an_fpr_budget_of_all_validation_rows_is_refused(share: float, is_fine: bool) -> None:
    config = changed("datasets/ten_classes/validation", 50)
    config["detectors"] = {"spectral_signatures": {}}
    config["deletions"]["cut"] = {"detector": "spectral_signatures", "fpr_budget": share}
    config["studies"] = {
        "one": {**config["studies"]["false_positives_fpr"], "deletions": ["cut"], "vary": {}}
    }
    del config["figures"]
    if is_fine:
        Plan(config)
        return
    with pytest.raises(UserError, match="of 50 validation rows is all of them, and would flag all 2950"):
        Plan(config)


@pytest.mark.parametrize("name", ["null", "Null", "~"])
def test_a_target_of_null_beside_a_class_of_that_name_is_refused(name: str, tmp_path: Path) -> None:
    for split, label in ((split, label) for split in ("train", "test") for label in (name, "dog")):
        (tmp_path / split / label).mkdir(parents=True)
        for number in range(4):
            colour = (number, len(split), len(label))
            Image.new("RGB", (16, 16), colour).save(tmp_path / split / label / f"{number}.png")
    config = changed("sources", {"generated": {"source": "image_folder"}})
    config |= {"data_folder": str(tmp_path), "datasets": {"ten_classes": {"source": "generated"}}}
    config["poisons"] = {"patch": {"target": None, "count": 2}}
    config["studies"] = {"one": {**config["studies"]["false_positives_fpr"], "vary": {}}}
    del config["figures"]
    with pytest.raises(
        UserError, match=f"there is a class '{name}'; for that class write target: \"{name}\""
    ):
        Plan(config)
    config["poisons"]["patch"]["target"] = name
    Plan(config)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_path_that_no_file_system_takes_is_refused_in_a_line(name: str) -> None:
    config = changed("deletions/everything_found", {"rows": name})
    del config["studies"]["false_positives_fpr"], config["figures"]
    with pytest.raises(UserError):
        Plan(config)
    for source in ({"source": "image_folder"}, {"source": "parquet", "train": "/", "test": "."}):
        with pytest.raises(UserError):
            Plan(changed("sources", {"generated": source}) | {"data_folder": name})
    with pytest.raises(UserError, match="no such config"):
        config_of([name])


def test_names_that_differ_by_capitals_alone_are_refused() -> None:
    config = changed("methods", {**DEMO["methods"], "Retrain": {"method": "retrain"}})
    with pytest.raises(UserError, match="methods has 'retrain' and 'Retrain'"):
        Plan(config)


@pytest.mark.parametrize("config", ["config.yaml", "demo.yaml"])
def test_a_shipped_config_is_accepted_without_any_data(config: str) -> None:
    assert Plan(yaml.safe_load((ROOT / "config" / config).read_text())).cells


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("methods/finetune/method", "scurb", "error: unknown unlearning method 'scurb'"),
        ("deletions/everything_found", {"size": 500}, "the deletion set asks for 500 poisoned"),
    ],
)
def test_the_command_ends_in_one_line_and_writes_nothing(
    tmp_path: Path, path: str, value: object, words: str
) -> None:
    config = {**changed(path, value), "results_folder": f"{tmp_path}/results"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", f"{tmp_path}/config.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if not line.startswith(("Using", "Assuming"))]
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in errors if line.startswith("error:")]) == 1
    assert not (tmp_path / "results").exists()


PLANE = yaml.safe_load((ROOT / "config" / "plane.yaml").read_text())


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "figures/plane/studies",
            ["detectors"],
            "needs one study that varies deletion.recall and deletion.fdr or",
        ),
        (
            "studies/detectors/vary",
            {"training.width": [4, 8]},
            "a study of detectors that varies training.width",
        ),
        (
            "studies/detectors/poison",
            "attack_2",
            "of one poison; detectors has attack_2 and plane has attack",
        ),
    ],
)
def test_a_plane_that_cannot_be_drawn_is_refused(path: str, value: object, sentence: str) -> None:
    config = changed("poisons/attack_2", PLANE["poisons"]["attack"], PLANE)
    with pytest.raises(UserError, match=sentence):
        Plan(changed(path, value, config))
