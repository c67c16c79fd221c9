"""The benchmark compares like with like, and its published figures are whole."""

import json
from pathlib import Path

import pytest
import torch
from arithmetic import PASS, assert_same
from tiny import build

from benchmarks.dag import measure
from benchmarks.plain_loop import DEVIATION, MEAN, ResNet9
from benchmarks.spread import spread
from benchmarks.throughput import operations_per_image

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
    assert measure(50, rounds=1)["jobs"] > 40  # it holds the counts of each rule against each other
