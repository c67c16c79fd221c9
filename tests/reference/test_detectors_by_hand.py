"""The mathematics of the detectors against slow, plain versions and cases computed by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from arithmetic import PASS, assert_same
from cleanlab.filter import find_label_issues
from planted import case, rows_of
from scipy.fft import dct
from torch import nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.evidence import Evidence
from unpoison.detectors import (
    confident_learning,
    frequency,
    influence,
    loss,
    neighbour_disagreement,
    scan,
    strip,
)
from unpoison.detectors._spectral_network import spectral_network
from unpoison.detectors.activation_clustering import split_class
from unpoison.detectors.spectral_signatures import main_direction
from unpoison.detectors.spectral_signatures import score as spectral_signatures
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.features import head_of, outputs_of
from unpoison.outputs import Outputs
from unpoison.scores import auroc

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def evidence():
    return case(rows_of("patch"), triggered=2).evidence


def some_outputs(rows: int, seed: int) -> Outputs:
    rng = np.random.default_rng(seed)
    return Outputs(rng.normal(size=(rows, 4)), rng.normal(size=(rows, 3)), rng.integers(0, 3, rows))


def test_the_main_direction_is_numpys_first_right_singular_vector() -> None:
    features = RNG.normal(size=(30, 5)) * [1, 4, 2, 1, 1] + 7
    centre, direction = main_direction(features)
    expected = np.linalg.svd(features - features.mean(0))[2][0]
    assert np.allclose(centre, features.mean(0))
    assert np.allclose(np.abs(direction @ expected), 1)


@pytest.mark.parametrize("centred", [True, False])
def test_spectral_scores_by_hand(evidence, centred: bool) -> None:
    scores = spectral_signatures(evidence, expected=0.2, centred=centred)
    outputs = outputs_of(evidence.model, evidence.training, "float32")
    for label in range(3):
        of_class = outputs.labels == label
        features = outputs.features[of_class]
        residual = features - features.mean(0)
        expected = ((residual if centred else features) @ np.linalg.svd(residual)[2][0]) ** 2
        assert_same(scores.training[of_class], expected, terms=PASS)
        # 1.5 times a fifth of the class is accused: the rows with the highest scores.
        accused = scores.flagged[of_class]
        assert accused.sum() == round(0.3 * of_class.sum())
        assert expected[accused].min() >= expected[~accused].max()


def test_the_default_spectral_score_is_that_of_the_authors_code(evidence) -> None:
    """The authors' compute_corr.py takes v of the centred features and projects the uncentred features."""
    outputs = outputs_of(evidence.model, evidence.training, "float32")
    of_class = outputs.labels == 1
    features = outputs.features[of_class]
    expected = (features @ np.linalg.svd(features - features.mean(0))[2][0]) ** 2
    assert_same(spectral_signatures(evidence).training[of_class], expected, terms=PASS)


def test_the_entropy_of_a_prediction_is_in_bits() -> None:
    even, sure, half = [0.0] * 4, [1e3, 0, 0, 0], [0.0, 0.0, -1e3, -1e3]
    assert strip.entropy(torch.tensor([even, sure, half])).tolist() == pytest.approx([2, 0, 1])


def test_overlaid_images_are_brighter_than_white() -> None:
    first = torch.tensor([0, 100, 200], dtype=torch.uint8).expand(1, 3, 2, 3)
    assert strip.add(first, first)[0, 0, 0].tolist() == [0, 200, 400]


def test_strip_averages_the_entropies_of_all_overlays(evidence) -> None:
    overlays = len(evidence.validation)  # all of them, so that the order of the draws does not matter
    scores = strip.score(evidence, overlays=overlays)
    trusted = torch.cat([images for images, _ in evidence.validation.in_order()])
    row = torch.cat([images for images, _ in evidence.training.in_order()])[3]
    laid = torch.stack([row.float() + other.float() for other in trusted])
    probabilities = evidence.model(laid).detach().double().softmax(1)
    expected = -(probabilities * probabilities.log2()).sum(1).mean()
    assert_same(-scores.training[3].astype(np.float32), expected, terms=PASS)


class Contrast(nn.Module):
    """Two classes; the target's logit is the brightness of the bottom right corner minus that of the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1 / 20))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        corner = images[:, :, -3:, -3:].mean((1, 2, 3)) - images.mean((1, 2, 3))
        return torch.stack([torch.zeros_like(corner), corner * self.scale], 1)


def test_strip_finds_a_bright_trigger_on_bright_images() -> None:
    """If sums were clipped at white, two images of 180 or more would give plain white without a trigger."""
    found = case(rows_of("patch"), model=tiny.bare(Contrast()).eval())
    parts = {}
    for name in ("training", "validation"):
        rows = getattr(found.evidence, name)
        levels = torch.from_numpy(np.random.default_rng(3).integers(180, 220, (len(rows), 1, 1, 1)))
        images = levels.to(torch.uint8).repeat(1, *rows.image_shape)
        parts[name] = replace(rows, _pixels=replace(rows._pixels, stored=images, places=None))
    scores = strip.score(replace(found.evidence, **parts), overlays=8)
    assert auroc(scores.training, found.is_poisoned) == 1


def test_losses_are_torchs_cross_entropy() -> None:
    outputs = some_outputs(7, seed=1)
    expected = cross_entropy(
        torch.from_numpy(outputs.logits), torch.from_numpy(outputs.labels), reduction="none"
    )
    assert np.allclose(loss.losses(outputs), expected)


def test_early_losses_are_those_after_steps_at_one_rate_that_turn_round_at_gamma(evidence) -> None:
    """The authors' loss is sign(loss - gamma) x loss, and their learning rate is constant."""
    recipe = evidence.recipe
    model = evidence.new_model(evidence.seed).train()
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.steps(len(evidence.training), 0.2)
    for images, labels in evidence.training.batches(recipe, evidence.seed, steps=steps):
        found = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        (torch.sign(found - 0.9) * found).backward()
        optimizer.step()
    images = torch.cat([images for images, _ in evidence.training.in_order()])
    expected = cross_entropy(model.eval()(images), evidence.training.labels, reduction="none")
    scores = loss.score(evidence, flooding=0.9).training
    assert_same(-scores.astype(np.float32), expected, terms=PASS * steps)


@pytest.mark.parametrize("renormalised", [True, False])
def test_influence_is_the_product_of_autograds_gradients(renormalised: bool) -> None:
    rows, shown = some_outputs(5, seed=2), some_outputs(2, seed=3)
    head = nn.Linear(4, 3, bias=False).double()

    def gradient(outputs: Outputs, place: int) -> torch.Tensor:
        features = torch.from_numpy(outputs.features[place : place + 1])
        logits = head(features)
        label = torch.from_numpy(outputs.labels[place : place + 1])
        (found,) = torch.autograd.grad(cross_entropy(logits, label), head.weight)
        return found.flatten() / (found.norm() if renormalised else 1)

    def passed(outputs: Outputs) -> Outputs:
        logits = head(torch.from_numpy(outputs.features)).detach().numpy()
        return Outputs(outputs.features, logits, outputs.labels)

    expected = [np.mean([float(gradient(rows, i) @ gradient(shown, j)) for j in range(2)]) for i in range(5)]
    assert np.allclose(influence.likeness(passed(rows), passed(shown), renormalised), expected)


@pytest.mark.parametrize("renormalised", [True, False])
def test_influence_is_the_product_of_autograds_gradients_by_all_weights(evidence, renormalised: bool) -> None:
    """Gradients of the loss without weight decay, one checkpoint: mean cosine (GAS) or product (TracIn)."""
    model = tiny.build("resnet9", 3, {"width": 2}, 1).eval()

    def gradients(rows: Examples, places: list[int]) -> list[torch.Tensor]:
        images = torch.cat([images for images, _ in rows.in_order()])
        found = []
        for place in places:
            model.zero_grad()
            cross_entropy(model(images[place : place + 1]), rows.labels[place : place + 1]).backward()
            gradient = torch.cat([weights.grad.flatten() for weights in model.parameters()]).double()
            found.append(gradient / (gradient.norm() if renormalised else 1))
        return found

    shown = gradients(evidence.triggered, [0, 1])
    expected = [
        float((gradient @ shown[0] + gradient @ shown[1]) / 2)
        for gradient in gradients(evidence.training, [0, 5, 9])
    ]
    scores = influence.score(replace(evidence, model=model), renormalised=renormalised)
    assert_same(scores.training[[0, 5, 9]].astype(np.float32), np.array(expected), terms=PASS)


def test_the_default_influence_is_by_all_weights(evidence) -> None:
    found = influence.score(evidence)
    assert found.training.tolist() == influence.score(evidence, layers="all").training.tolist()
    assert influence.score(evidence, layers="last").training.max() <= 1 + 1e-9


def test_neighbours_are_the_nearest_by_euclidean_distance(evidence) -> None:
    """The authors' k-NN uses unnormalised features; the cosine would ignore their length."""
    rng = np.random.default_rng(6)
    features, labels = rng.normal(size=(30, 3)) * rng.uniform(1, 9, (30, 1)), rng.integers(0, 3, 30)
    training = Outputs(features, np.zeros((30, 3)), labels)
    stored = replace(evidence)
    stored.__dict__["outputs"] = training, training.take(np.array([], dtype=np.int64))
    expected = []
    for place in range(30):
        distances = ((features - features[place]) ** 2).sum(1)
        distances[place] = np.inf
        expected.append((labels[np.argsort(distances)[:8]] != labels[place]).mean())
    found = neighbour_disagreement.score(stored, neighbours=8).training.tolist()
    assert found == pytest.approx(expected)
    by_cosine = neighbour_disagreement.score(stored, neighbours=8, distance="cosine").training.tolist()
    assert by_cosine != pytest.approx(expected)


def test_neighbours_votes_are_shares() -> None:
    found = neighbour_disagreement.votes(np.array([[0, 0, 1, 2], [1, 1, 1, 1]]), 3)
    assert found.tolist() == [[0.5, 0.25, 0.25], [0, 1, 0]]


def test_folds_are_even_in_every_class_and_follow_the_ids() -> None:
    labels, ids = (
        np.repeat([0, 1, 2], [20, 10, 2]),
        np.array([f"row/{number}" for number in range(32)], object),
    )
    folds = confident_learning.folds_of(labels, ids, 5, seed=0)
    counts = np.stack([np.bincount(folds[labels == label], minlength=5) for label in range(3)])
    assert counts.max(1).tolist() == [4, 2, 1]
    order = RNG.permutation(32)
    assert confident_learning.folds_of(labels[order], ids[order], 5, seed=0).tolist() == folds[order].tolist()


def test_wrong_labels_are_counted_by_the_confident_joint() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    believed = np.array([0.9, 0.8, 0.85, 0.1, 0.2, 0.3, 0.25, 0.95])
    believed = np.stack([believed, 1 - believed], 1)
    # Thresholds: mean self-confidence 0.6625 of class 0 and 0.575 of class 1. Counted as the other class with
    # confidence: the fourth row (0.9 of class 1) and the last (0.95 of class 0); each class is pruned by one.
    issues = find_label_issues(labels, believed, filter_by="prune_by_noise_rate", n_jobs=1)
    assert np.flatnonzero(issues).tolist() == [3, 7]


def test_the_variation_within_classes_is_told_from_their_identities() -> None:
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(6), 300)
    identities = rng.normal(size=(6, 3)) * 10
    features = identities[labels] + rng.normal(size=(1800, 3)) * [1, 2, 3]
    found = scan.covariance_of_variation(features, labels)
    assert np.allclose(found, np.diag([1, 4, 9]), atol=0.6)


def test_two_groups_gain_in_likelihood_by_hand() -> None:
    found = scan.split(np.array([[0.0], [0.0], [0.0], [4.0]]), seed=0)
    # One group: mean 1, sum of squares 1 + 1 + 1 + 9. Two groups: sum of squares 0.
    assert found.gain == pytest.approx(12)
    assert found.is_smaller.tolist() == [False, False, False, True]
    assert found.ratio(np.array([[4.0], [0.0], [2.0]])).tolist() == [16, -16, 0]


def test_the_anomaly_index_is_in_deviations_from_the_median() -> None:
    # Median 3, absolute deviations 2, 1, 0, 1, 7: median 1.
    gains = np.array([1.0, 2, 3, 4, 10])
    assert np.allclose(scan.anomaly_indices(gains) * 1.4826, [2, 1, 0, 1, 7])
    assert np.allclose(scan.anomaly_indices(gains, one_sided=True) * 1.4826, [-2, -1, 0, 1, 7])
    assert scan.anomaly_indices(np.array([])).tolist() == []


def unequal_classes(draw: int) -> tuple[Outputs, Outputs]:
    """Return clean features of ten classes, one of 480 rows, the others of 90, and 50 trusted rows each."""
    rng = np.random.default_rng(draw)
    identities = rng.normal(size=(10, 6)) * 5

    def outputs(counts: list[int]) -> Outputs:
        labels = np.repeat(np.arange(10), counts)
        features = identities[labels] + rng.normal(size=(len(labels), 6)) * [1, 1, 2, 2, 3, 3]
        return Outputs(features, np.zeros((len(labels), 10)), labels)

    return outputs([480] + [90] * 9), outputs([50] * 10)


def accused_of_size(evidence: Evidence, **options: Any) -> list[bool]:
    """Return for each of five draws whether SCAn accuses a class of clean rows."""
    found = []
    for draw in range(5):
        shown = replace(evidence, class_names=tuple("0123456789"))
        shown.__dict__["outputs"] = unequal_classes(draw)
        found.append(bool(scan.score(shown, **options).flagged.any()))
    return found


def test_scan_accuses_no_clean_class_for_its_size(evidence) -> None:
    assert accused_of_size(evidence) == [False] * 5


def test_a_total_gain_makes_the_largest_clean_class_an_anomaly(evidence) -> None:
    assert accused_of_size(evidence, gain="total") == [True] * 5


def test_scan_reads_directions_that_trusted_rows_vary_in_alone() -> None:
    """The authors take a pseudo-inverse: three trusted rows in four dimensions span two directions."""
    trusted = Outputs(RNG.normal(size=(3, 4)), np.zeros((3, 2)), np.zeros(3, dtype=np.int64))
    assert scan.whitening(trusted).shape == (4, 2)
    assert scan.whitening(trusted, shrinkage=0.001).shape == (4, 4)


def test_the_variation_has_unit_covariance_in_the_metric_of_scan() -> None:
    _, trusted = unequal_classes(7)
    metric, variation = (
        scan.whitening(trusted),
        scan.covariance_of_variation(trusted.features, trusted.labels),
    )
    assert np.allclose(metric.T @ variation @ metric, np.eye(6))


def test_two_clouds_are_split_into_their_rows() -> None:
    near, far = RNG.normal(size=(12, 6)), RNG.normal(size=(5, 6)) + 20
    ids = np.array([f"row/{number}" for number in range(17)], object)
    found = split_class(np.concatenate([near, far]), ids, dimensions=3, seed=0)
    assert found.is_smaller.tolist() == [False] * 12 + [True] * 5
    assert found.silhouette > 0.8
    side = found.side(np.concatenate([near, far]))
    assert (side[:12] < -0.5).all()
    assert (side[12:] > 0.5).all()


def test_independent_components_split_a_class_of_other_rows() -> None:
    """With ICA (the paper) all directions have the same variance; with PCA (ART) the widest dominates."""
    wide = RNG.normal(size=(40, 4)) * [9, 1, 1, 1]
    wide[:6, 3] += 12
    ids = np.array([f"row/{number}" for number in range(40)], object)
    first = {
        reduction: split_class(wide, ids, dimensions=4, seed=0, reduction=reduction).is_smaller
        for reduction in ("pca", "ica")
    }
    assert first["ica"].tolist() == [True] * 6 + [False] * 34
    assert first["pca"].tolist() != first["ica"].tolist()


def test_the_network_of_spectra_is_that_of_the_authors() -> None:
    """292,898 weights and statistics on images of 32 pixels, as their notebook prints; ELU comes before batch norm."""
    network = spectral_network(32, 32)
    statistics = sum(buffer.numel() for name, buffer in network.named_buffers() if "num_batches" not in name)
    assert sum(weights.numel() for weights in network.parameters()) + statistics == 292_898
    assert [type(layer).__name__ for layer in network[:3]] == ["Conv2d", "ELU", "BatchNorm2d"]


def test_the_network_sees_the_transform_of_each_channel_in_levels() -> None:
    """Expected: SciPy's 1D transform along rows, then columns, of integer levels clipped at white."""
    images = RNG.uniform(0, 300, (2, 3, 8, 8))
    levels = np.floor(np.minimum(images, 255))
    expected = dct(dct(levels, axis=3, norm="ortho"), axis=2, norm="ortho")
    assert_same(frequency.coefficients(images), expected.astype(np.float32), terms=64)


def test_a_single_wave_has_a_single_frequency() -> None:
    places = np.cos(np.pi * (np.arange(8) + 0.5) * 3 / 8)
    waves = np.broadcast_to(places, (1, 3, 8, 8)) * 100.0
    assert frequency.spectra(waves).argmax() == 3


class Colours(nn.Module):
    """The mean of each channel as the logit of a class: no layer is linear."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3))


def test_a_network_without_a_linear_layer_at_its_end_has_logits_and_no_features(evidence) -> None:
    images = torch.cat([images for images, _ in evidence.training.in_order()])
    outputs = outputs_of(tiny.bare(Colours()), evidence.training, "float32")
    assert_same(outputs.logits.astype(np.float32), tiny.bare(Colours())(images), terms=PASS)
    for ask in (lambda: outputs.features, lambda: head_of(tiny.bare(Colours()), images)):
        with pytest.raises(UserError, match=r"does not end on a linear layer .* name the layer"):
            ask()


def test_features_and_logits_are_those_of_the_whole_network(evidence) -> None:
    outputs = outputs_of(evidence.model, evidence.training, "float32")
    images = torch.cat([images for images, _ in evidence.training.in_order()])
    assert_same(outputs.logits.astype(np.float32), evidence.model(images), terms=PASS)
    assert outputs.features.shape == (len(images), 4)
