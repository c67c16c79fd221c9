"""The benchmark compares equal workloads, and its published figures are complete."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from arithmetic import PASS, assert_same
from tiny import build

from benchmarks import methods, passes
from benchmarks.dag import measure
from benchmarks.plain_loop import DEVIATION, MEAN, ResNet9
from benchmarks.spread import spread
from benchmarks.throughput import operations_per_image
from unpoison.contracts.request import Request
from unpoison.costs import FORWARD_AND_BACKWARD, PER_SAMPLE_GRADIENT, SECOND_DERIVATIVE
from unpoison.metrics import METRICS
from unpoison.study.plan import Plan

PASSES = Path(passes.__file__).with_name("passes.json")
DEMO = Path(__file__).parents[1] / "config/demo.yaml"
LATEST = Path(__file__).parents[1] / "benchmarks/latest.json"


def test_the_plain_network_is_ours_without_the_layer_that_normalises() -> None:
    ours = build("resnet9", 10, {"width": 4}, seed=0).eval()
    plain = ResNet9(width=4).eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    assert_same(plain((images / 255 - mean) / deviation), ours(images), terms=PASS)


def test_operations_of_an_image_grow_with_the_square_of_the_width() -> None:
    assert operations_per_image(64) / operations_per_image(16) == pytest.approx(16, rel=0.02)


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "rounds": [3.0, 1.0, 2.0]}


def test_the_published_figures_are_whole() -> None:
    figures = json.loads(LATEST.read_text())
    assert {"date", "commit", "machine", "command"} <= set(figures)
    for key in ("throughput_vs_plain", "fraction_of_peak", "training_peak_mb"):
        assert set(figures[key]) == {"16", "64"}
        assert all(found["min"] <= found["median"] <= found["max"] for found in figures[key].values())
    assert figures["orchestration_overhead"]["median"] > 1
    assert {"1000", "5000", "20000"} <= set(figures["dag"]["dry_run"])
    assert set(figures["dag"]["no_change_rerun"]) == {"1000", "5000"}


def test_the_bare_snakefile_has_the_jobs_of_ours() -> None:
    assert measure(50, rounds=1)["jobs"] > 40  # `measure` compares the job counts of each rule


def test_the_weights_of_passes_are_those_that_were_measured() -> None:
    figures = json.loads(PASSES.read_text())["passes_forward"]
    weights = {
        "forward and backward": FORWARD_AND_BACKWARD,
        "per-sample gradient": PER_SAMPLE_GRADIENT,
        "product with the Hessian": SECOND_DERIVATIVE,
    }
    for kind, weight in weights.items():
        found = figures["16"][kind]
        assert found["min"] <= weight <= found["max"]
        assert f"{weight:.0f}" in METRICS["weighted_passes"].formula


def test_passes_are_measured_against_those_forward() -> None:
    found = passes.measure(width=2, images=8, rounds=1)
    assert set(found) == {"forward and backward", "per-sample gradient", "product with the Hessian"}
    assert all(kind["median"] > 0 for kind in found.values())


def test_methods_are_measured_on_one_model_and_its_largest_deletion_set() -> None:
    plan = Plan(yaml.safe_load(DEMO.read_text()))
    study = next(iter(plan.studies.values()))
    cells = methods.cells_of(plan)
    assert {cell.method for cell in cells} == {method.name for method in study.methods}
    assert len({(cell.dataset, cell.poison, cell.training, cell.seed) for cell in cells}) == 1
    assert len({cell.deletion for cell in cells}) == 1


def test_a_measured_method_has_its_weighted_passes_and_its_seconds(
    make_request: Callable[..., Request],
) -> None:
    request = make_request(range(8))
    todo = {"none": (request, "do_nothing", {}), "more": (request, "finetune", {"length": 1.0})}
    table = methods.measure(todo, rounds=2).set_index("method")
    assert table["weighted_passes"].to_dict() == {"none": 0.0, "more": 3 * 2 * 46}
    assert (table["seconds_lowest"] <= table["seconds"]).all()
    assert (table["seconds"] <= table["seconds_highest"]).all()
