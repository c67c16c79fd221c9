"""Measure repairs of a user's network: `python docs/company_repairs.py FOLDER`, in the project's folder.

Data sets and network come from the tests (`tests/company.py`): a sticker at a jittered place, and `CompanyNet` with and
without BatchNorm, trained by Adam; and a ResNet-9 of width 8. The lines go to
docs/results/company/tables/results.csv as they are measured, and a second call continues after the first. FOLDER
receives the images.
"""

import csv
import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import company
import company_net

import unpoison

TABLE = Path(__file__).parent / "results/company/tables/results.csv"
COLUMNS = (
    "images",
    "network",
    "batch_norm",
    "recall",
    "fpr",
    "method",
    "options",
    "attack",
    "clean",
    "target",
    "passes",
)
SCHEDULE = {
    "epochs": 20,
    "batch_size": 64,
    "warmup": 0.2,
    "decay_span": 1.0,
    "crop_padding": 2,
    "flip": False,
}
# The recipes of the command for a user's network, and for its own network.
RECIPES = {
    "CompanyNet": {**SCHEDULE, "learning_rate": 0.02, "adam_rate": 0.1},
    "ResNet-9": {**SCHEDULE, "epochs": 10, "learning_rate": 0.1, "filter_rate": 0.6, "label_smoothing": 0.1},
}
NETWORKS = (("CompanyNet", True), ("CompanyNet", False), ("ResNet-9", True))
SIZE = {"rows": 2000, "test_rows": 600, "classes": 5, "rate": 0.04, "seed": 1}
WIDTH = 16
METHODS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("do_nothing", {}),
    ("retrain", {}),
    ("negative_learning", {}),
    ("negative_gradient_plus", {"learning_rate": 0.01, "length": 0.625}),
    ("finetune", {"length": 1.0}),
)
LISTS = ((0.85, 0.05), (1.0, 0.05))


def flagged_rows(data: unpoison.Data, poisoned: set[str], recall: float, fpr: float) -> np.ndarray:
    """Return positions of a share of the poisons and of a share of the clean rows, drawn at random."""
    ids = data.rows.of("train").row_id
    is_poisoned = np.array([str(row_id) in poisoned for row_id in ids])
    assert is_poisoned.sum() == len(poisoned), "row ids of image_folder are paths below the folder"
    rng = np.random.default_rng(7)
    parts = [(np.flatnonzero(is_poisoned), recall), (np.flatnonzero(~is_poisoned), fpr)]
    return np.concatenate(
        [rng.choice(rows, round(share * len(rows)), replace=False) for rows, share in parts]
    )


def measured(model: torch.nn.Module, made: company.CompanySet) -> dict[str, float]:
    """Return attack success, clean accuracy and clean accuracy of the target class, in %."""
    target = made.class_names.index(made.targets[0])
    answers = {}
    for split in ("test", "triggered"):
        images, labels = company_net.read_folder(made.folder / split, made.class_names)
        mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in (company_net.MEAN, company_net.DEVIATION))
        pixels = ((images * deviation + mean) * 255).round().to(torch.uint8)
        answers[split] = (
            torch.cat([model(part).argmax(1) for part in pixels.split(500)]).numpy(),
            labels.numpy(),
        )
    told, labels = answers["test"]
    return {
        "attack": 100 * float((answers["triggered"][0] == target).mean()),
        "clean": 100 * float((told == labels).mean()),
        "target": 100 * float((told == labels)[labels == target].mean()),
    }


def done() -> set[tuple[str, ...]]:
    """Return the keys of the lines that were measured."""
    if not TABLE.exists():
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(",".join(COLUMNS) + "\n")
    with TABLE.open() as lines:
        return {tuple(line[name] for name in COLUMNS[:6]) for line in csv.DictReader(lines)}


def main(folder: Path, kinds: list[str]) -> None:
    """Measure all repairs that the table does not hold yet."""
    torch.set_num_threads(1)
    known = done()
    for lists, images, (network, batch_norm) in product(LISTS, kinds, NETWORKS):
        made = company.make_set(folder / images, images=images, attack="sticker", **SIZE)
        data = unpoison.load_data(made.folder, image_size=32)
        weights = folder / f"{images}_{network}_{batch_norm}.safetensors"
        model = shipped(data, weights) if network == "ResNet-9" else trained(made, weights, batch_norm)
        rows = flagged_rows(data, set(made.poisoned), *lists)
        for method, options in METHODS:
            entry = (method, json.dumps(options, sort_keys=True))
            key = (images, network, str(batch_norm), str(lists[0]), str(lists[1]), *entry)
            if key not in known:
                note([*key, *line_of(made, model, data, rows, method, **options)])


def trained(made: company.CompanySet, weights: Path, batch_norm: bool) -> torch.nn.Module:
    """Return the company's network, trained by its own loop and wrapped for unpoison."""

    def new() -> torch.nn.Module:
        return company_net.CompanyNet(len(made.class_names), WIDTH, batch_norm)

    if not weights.exists():
        how = {"batch_norm": batch_norm, "width": WIDTH, "epochs": 15}
        company_net.train_company_net(made.folder, made.class_names, weights, **how)
    net = new()
    net.load_state_dict(load_file(weights))
    statistics = {"mean": company_net.MEAN, "deviation": company_net.DEVIATION}
    return unpoison.wrap_model(
        net.eval(), made.class_names, new=new, recipe=RECIPES["CompanyNet"], **statistics
    )


def shipped(data: unpoison.Data, weights: Path) -> torch.nn.Module:
    """Return ResNet-9, trained on the same data."""
    if not weights.exists():
        unpoison.save_model(weights, unpoison.train(data, "resnet9", width=8, recipe=RECIPES["ResNet-9"]))
    return unpoison.load_model(weights)


def line_of(
    made: company.CompanySet,
    model: torch.nn.Module,
    data: unpoison.Data,
    rows: np.ndarray,
    method: str,
    **options: Any,
) -> list[str]:
    """Return the measurements after a repair; they are missing if its loss was not finite."""
    try:
        repaired, cost = unpoison.repair(model, data, rows, method, **options)
    except unpoison.UserError as error:
        print(error, file=sys.stderr)
        return ["nan", "nan", "nan", "0"]
    found = measured(repaired, made)
    numbers = [f"{found[name]:.2f}" for name in ("attack", "clean", "target")]
    return [*numbers, str(cost.image_passes + cost.forward_passes)]


def note(line: list[str]) -> None:
    """Add a line to the table."""
    with TABLE.open("a", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerow(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["drawn", "cifar10"])
