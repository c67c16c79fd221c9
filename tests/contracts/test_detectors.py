"""Contracts of every registered detector."""

import re
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import Case, case, rows_of

import unpoison
from unpoison import registration
from unpoison.asking_base import ask_base
from unpoison.attacks import set_triggered_aside
from unpoison.costs import Cost
from unpoison.data import Data
from unpoison.detectors import DETECTORS
from unpoison.errors import UserError
from unpoison.outputs import Pair
from unpoison.poisons import trigger_of
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.scores import Scores, auroc
from unpoison.steps.scoring import run_detector as run
from unpoison.steps.scoring import score_rows
from unpoison.steps.setting import Setting

# Each detector's intended case, and options that make it cheap. A new detector needs an entry here.
PLANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "activation_clustering": ("patch", {}),
    "confident_learning": ("wrong labels", {"folds": 2, "length": 2.0}),
    "frequency": ("patch", {"classifier": "logistic"}),
    "influence": ("patch", {"layers": "last"}),
    "left_out": ("patch", {"length": 2.0}),
    "loss": ("patch", {"early": False}),
    "neighbour_disagreement": ("wrong labels", {"neighbours": 8}),
    "scan": ("patch", {}),
    "spectral_signatures": ("patch", {}),
    "strip": ("patch", {"overlays": 8}),
}
TRAINS = {"confident_learning", "left_out"}  # these detectors train networks: a second for each call
every_detector = pytest.mark.parametrize("name", list(DETECTORS))
Made = tuple[Case, Scores]


def detected(name: str, found: Case, **options: Any) -> Scores:
    return run(DETECTORS[name], found.evidence, {**PLANTED[name][1], **options})[0]


def triggered(name: str) -> int:
    return 2 * ("triggered_examples" in DETECTORS.constant(name, "NEEDS"))


def planted_case(name: str, **changes: Any) -> Case:
    if name not in PLANTED:
        pytest.fail(f"the detector '{name}' has no planted case in PLANTED of {__file__}: add a line for it")
    return case(rows_of(PLANTED[name][0]), triggered=triggered(name), **changes)


@pytest.fixture(scope="module")
def planted() -> dict[str, Made]:
    """Each detector's case and scores, computed on first access."""

    class Once(dict[str, Made]):
        def __missing__(self, name: str) -> Made:
            found = planted_case(name)
            self[name] = found, detected(name, found)
            return self[name]

    return Once()


@every_detector
def test_every_row_has_a_finite_score(name: str, planted: dict[str, Made]) -> None:
    found, scores = planted[name]
    assert scores.training.shape == (len(found.train),)
    assert scores.validation.shape == (len(found.evidence.validation),)
    assert scores.training.dtype == scores.validation.dtype == np.float64
    assert np.isfinite(scores.training).all() and np.isfinite(scores.validation).all()


@every_detector
def test_an_own_rule_accuses_some_rows_where_one_is_declared(name: str, planted: dict[str, Made]) -> None:
    _, scores = planted[name]
    assert (scores.flagged is not None) == DETECTORS.constant(name, "OWN_RULE")
    if scores.flagged is not None:
        assert scores.flagged.dtype == bool
        assert not scores.flagged.all()


@every_detector
def test_the_planted_poisons_score_higher_than_clean_rows(name: str, planted: dict[str, Made]) -> None:
    if name == "left_out":
        pytest.skip(
            "groups need more rows than there are here; tests/reference/test_left_out_by_hand.py has them"
        )
    found, scores = planted[name]
    assert auroc(scores.training, found.is_poisoned) > 0.75


@every_detector
def test_another_order_of_the_rows_gives_the_same_scores(name: str, planted: dict[str, Made]) -> None:
    found, scores = planted[name]
    shuffled = planted_case(name, order=np.random.default_rng(1).permutation)
    assert shuffled.train.row_id.tolist() != found.train.row_id.tolist()
    torch.rand(3)  # no detector may draw from the global generators
    np.random.seed(4)
    again = detected(name, shuffled)
    places = [np.argsort(part.train.row_id) for part in (found, shuffled)]
    assert scores.training[places[0]].tolist() == again.training[places[1]].tolist()
    assert sorted(scores.validation) == sorted(again.validation)
    if scores.flagged is not None:
        assert scores.flagged[places[0]].tolist() == again.flagged[places[1]].tolist()


@every_detector
def test_the_model_and_the_images_are_left_untouched(name: str) -> None:
    found = planted_case(name)
    model, parts = found.evidence.model, (found.evidence.training, found.evidence.validation)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    images = [part._pixels.images.clone() for part in parts]
    detected(name, found)
    assert not model.training
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())
    assert all(torch.equal(kept, part._pixels.images) for kept, part in zip(images, parts, strict=True))


SIZES = st.tuples(*[st.sampled_from([1, 2, 3, 7, 20])] * 3).filter(lambda sizes: sum(sizes) > 5)


@pytest.mark.parametrize("name", [name for name in DETECTORS if name not in TRAINS])
@settings(max_examples=8)
@given(SIZES, st.sampled_from(["patch", "wrong labels"]))
def test_classes_of_any_size_are_scored(name: str, sizes: tuple[int, int, int], kind: str) -> None:
    keep = dict(zip(tiny.CLASS_NAMES, sizes, strict=True))
    needs = DETECTORS.constant(name, "NEEDS")
    if triggered(name):
        kind = "patch"
    rows = rows_of(kind, keep, validation=len(needs) and 4)
    there = len(rows.of("validation").take(rows.of("validation").label != 1))
    found = case(rows, triggered=min(triggered(name), there))
    if triggered(name) and not there:
        return  # already refused: there is no image to stamp
    scores = detected(name, found)
    assert np.isfinite(scores.training).all()


@pytest.mark.parametrize("name", sorted(TRAINS))
def test_a_class_of_two_rows_and_no_trusted_row_are_enough(name: str) -> None:
    scores = detected(name, case(rows_of("wrong labels", {"cat": 2, "dog": 9, "ship": 9}, validation=0)))
    assert np.isfinite(scores.training).all()
    assert scores.validation.shape == (0,)


@pytest.mark.parametrize("name", [name for name in DETECTORS if not DETECTORS.constant(name, "NEEDS")])
def test_what_is_not_needed_changes_no_score(name: str, planted: dict[str, Made]) -> None:
    """A detector that declares no needs gives the same scores without trusted rows."""
    found, scores = planted[name]
    evidence = found.evidence
    nobody = torch.zeros(0, dtype=torch.int64)
    without = planted_case(
        name, validation=evidence.validation.take(nobody), validation_ids=np.array([], object)
    )
    again = detected(name, without)
    assert again.training.tolist() == scores.training.tolist()
    assert again.validation.shape == (0,)


# -- outputs that detectors share --------------------------------------------------------------------

SHARE = [name for name in DETECTORS if "evidence.outputs" in DETECTORS.path(name).read_text()]


def test_most_detectors_share_the_outputs_of_the_base_model() -> None:
    assert set(SHARE) == set(DETECTORS) - {"confident_learning", "frequency", "strip"}


@pytest.mark.parametrize("name", SHARE)
def test_stored_outputs_give_the_same_scores_at_the_same_cost(name: str) -> None:
    rows = rows_of(PLANTED[name][0])
    rows = rows.take(np.random.default_rng(8).permutation(len(rows)))
    data = Data.of_rows(tiny.draw_squares(tiny.source_rows().label), rows, trigger_of("patch", {}))
    model = tiny.build("resnet9", 3, {"width": 2}, 1).eval()
    setting = Setting(0, torch.device("cpu"), "float32")
    _, outputs = ask_base(data, model, "float32")
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _, images: seen.append(len(images[0])))

    def scored(stored: Pair | None) -> tuple[Scores, Cost, int]:
        seen.clear()
        recipe = Recipe(learning_rate=0.05, batch_size=8, epochs=6, crop_padding=2)
        options = {"recipe": recipe, "triggered_examples": triggered(name), "outputs": stored}
        scores, cost, _ = score_rows(data, model, name, PLANTED[name][1], setting, **options)
        return scores, cost, sum(seen)

    (computed, cost, passes), (read, cost_of_stored, fewer) = scored(None), scored(outputs)
    assert fewer <= triggered(name) + 1 < passes  # one forward pass finds the feature layer
    assert computed.training.tobytes() == read.training.tobytes()
    assert computed.validation.tobytes() == read.validation.tobytes()
    assert np.array_equal(computed.flagged, read.flagged)
    assert (cost.image_passes, cost.forward_passes) == (
        cost_of_stored.image_passes,
        cost_of_stored.forward_passes,
    )


# -- directions, options and costs -------------------------------------------------------------------


def test_the_detector_of_the_docs_scores_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "_TABLE", {})
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    (text,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def score(" in block
    )
    (tmp_path / "margin.py").write_text(text)
    unpoison.register(tmp_path)
    found = case(rows_of("patch"))
    scores, _ = run(DETECTORS["margin"], found.evidence, {})
    assert scores.training.shape == (len(found.train),)
    assert (scores.training > 0).all()


def test_losses_are_turned_round_for_wrong_labels() -> None:
    wrong = case(rows_of("wrong labels"))
    assert auroc(detected("loss", wrong, suspect="high").training, wrong.is_poisoned) > 0.9
    assert auroc(detected("loss", wrong, suspect="low").training, wrong.is_poisoned) < 0.1


def test_losses_come_from_a_network_of_their_own_by_default() -> None:
    found = planted_case("loss")
    scores, cost = run(DETECTORS["loss"], found.evidence, {"length": 0.5, "suspect": "high"})
    assert scores.training.tolist() != detected("loss", found).training.tolist()
    steps = found.evidence.recipe.steps(len(found.train), 0.5)
    assert cost.image_passes == 3 * len(found.train)  # half of six epochs
    assert steps == 3 * 6
    assert cost.forward_passes == len(found.train) + len(found.evidence.validation)


def test_the_rate_of_early_training_is_the_recipes_own_or_holds() -> None:
    found = planted_case("loss")
    scores = {
        rate: detected("loss", found, early=True, rate=rate).training for rate in ("constant", "recipe")
    }
    assert scores["constant"].tolist() != scores["recipe"].tolist()
    level = replace(found.evidence.recipe, warmup=0.0, decay_span=1e9)  # a schedule with a constant rate
    held = replace(found, evidence=replace(found.evidence, recipe=level))
    assert detected("loss", held, early=True, rate="recipe").training == pytest.approx(scores["constant"])


def test_influence_by_all_weights_costs_a_backward_pass_of_every_row() -> None:
    found = planted_case("influence")
    scores, cost = run(DETECTORS["influence"], found.evidence, {"layers": "all"})
    assert auroc(scores.training, found.is_poisoned) > 0.75
    assert cost.image_passes == len(found.train) + len(found.evidence.validation) + triggered("influence")
    assert cost.gradient_passes == cost.image_passes  # one gradient for each image
    assert cost.forward_passes == 0


def test_flooding_keeps_early_losses_up() -> None:
    found = planted_case("loss")
    losses = {
        level: -detected("loss", found, early=True, length=1.0, flooding=level).training.mean()
        for level in (0.0, 1.0)
    }
    assert losses[0.0] < losses[1.0]


def test_the_gate_of_activation_clustering_lets_classes_go() -> None:
    found = planted_case("activation_clustering")
    gated = detected("activation_clustering", found, silhouette=0.3).flagged
    everywhere = detected("activation_clustering", found, silhouette=None).flagged
    labels = found.train.given_label
    assert {int(label) for label in labels[everywhere]} == {0, 1, 2}
    assert gated.sum() < everywhere.sum()
    assert not (gated & ~everywhere).any()


def test_every_overlay_is_counted_and_nothing_else() -> None:
    found = planted_case("strip")
    _, cost = run(DETECTORS["strip"], found.evidence, {"overlays": 5})
    rows, trusted = len(found.train), len(found.evidence.validation)
    assert cost.forward_passes == 5 * (rows + trusted)
    assert cost.image_passes == 0


def test_the_frequency_detector_sends_no_image_through_a_network() -> None:
    _, cost = run(DETECTORS["frequency"], planted_case("frequency").evidence, {"classifier": "logistic"})
    assert (cost.image_passes, cost.forward_passes) == (0, 0)


def test_the_network_of_the_frequency_detector_is_counted_and_follows_the_ids() -> None:
    options = {"classifier": "network", "rounds": 1, "folds": 2}
    found = planted_case("frequency")
    scores, cost = run(DETECTORS["frequency"], found.evidence, options)
    rows, trusted = len(found.train), len(found.evidence.validation)
    assert (
        cost.image_passes == 10 * 2 * trusted
    )  # ten epochs of half the images, with and without a trigger, twice
    assert cost.forward_passes == 2 * rows + trusted
    assert np.isfinite(scores.training).all()
    shuffled = planted_case("frequency", order=np.random.default_rng(1).permutation)
    again, _ = run(DETECTORS["frequency"], shuffled.evidence, options)
    by_id = [
        dict(zip(one.train.row_id, s.training, strict=True))
        for one, s in ((found, scores), (shuffled, again))
    ]
    assert by_id[0] == by_id[1]


# -- information hidden from detectors ----------------------------------------------------------------

GROUND_TRUTH = {"is_poisoned", "label", "true_label", "trigger_id", "trigger_ids", "target", "rows", "count"}


def test_evidence_exposes_no_ground_truth() -> None:
    frontier: list[tuple[str, object]] = [("evidence", planted_case("loss").evidence)]
    while frontier:
        path, value = frontier.pop()
        for name in (name for name in dir(value) if not name.startswith("_")):
            part = getattr(value, name)
            assert name not in GROUND_TRUTH, f"{path}.{name} tells a detector what it must not know"
            assert not isinstance(part, Rows), f"{path}.{name} is a whole table of rows"
            if is_dataclass(part) and not isinstance(part, type):
                frontier.append((f"{path}.{name}", part))


def test_the_training_rows_are_seen_as_they_were_trained_on() -> None:
    found = planted_case("loss")
    assert found.evidence.training.labels.tolist() == found.train.given_label.tolist()
    seen = torch.cat([images for images, _ in found.evidence.training.in_order()])
    white = (seen[:, :, -3:, -3:] == 255).all(3).all(2).all(1).numpy()
    assert white.tolist() == found.is_poisoned.tolist()


def test_triggered_examples_are_taken_out_of_the_trusted_rows() -> None:
    rows = rows_of("patch")
    shown, others = set_triggered_aside(rows, 5, seed=0)
    assert len(shown) == 5
    assert set(shown.row_id) | set(others.row_id) == set(rows.of("validation").row_id)
    assert not set(shown.row_id) & set(others.row_id)
    assert set(shown.given_label) == {1}
    assert 1 not in shown.label  # a stamped image of the target class shows nothing
    assert set(shown.trigger_id) == {0}
    fewer, _ = set_triggered_aside(rows, 2, seed=0)
    assert set(fewer.row_id) < set(shown.row_id)


def test_more_triggered_examples_than_there_are_are_refused() -> None:
    with pytest.raises(UserError, match="19 triggered examples are asked for; 12 validation rows can be"):
        set_triggered_aside(rows_of("patch"), 19, seed=0)
    with pytest.raises(UserError, match="1 triggered examples are asked for; 0 validation rows can be"):
        set_triggered_aside(rows_of("wrong labels"), 1, seed=0)
