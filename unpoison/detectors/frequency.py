"""Frequency: triggers leave traces in the cosine transform that clean images lack (Zeng et al. 2021, arXiv 2104.03413).

A classifier is trained to tell trusted images from the same images with synthetic triggers: a white block, a
block of noise, noise all over, a shadow, another image blended in. It sees the discrete cosine transform
(type II), and nothing of the network or the labels. A row's score is the classifier's logit; the own rule
accuses rows with a logit above 0.

`classifier: network` is that of the authors' code (YiZeng623/frequency-backdoor): six convolutions on the coefficients
of the three channels, trained for `rounds` of ten epochs. Before each round every image gets one newly drawn
trigger.
`classifier: logistic` is a logistic regression on the logarithm of the magnitudes, mean over the channels; it
is trained on every image with each of the triggers, which takes a second.

Deviations: the classifier is trained on the trusted rows; the authors train on 50,000 images of CIFAR-10.
Blocks and margins are theirs, as shares of the width. A shadow is a rectangle; theirs is a polygon.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy.random import Generator
from scipy.fft import dctn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.detectors._spectral_network import Spectra, logits, trained_network
from unpoison.errors import UserError
from unpoison.examples import Examples
from unpoison.seeds import derive_seed, priorities
from unpoison.types import PositiveFloat, PositiveInt, Several

NEEDS = ("validation",)
OWN_RULE = True
AT_ONCE = 64  # images that are stamped with each trigger in one batch
Trigger = Callable[[np.ndarray, np.ndarray, Generator], np.ndarray]
Judge = Callable[[np.ndarray], Float64[np.ndarray, " rows"]]


def score(
    evidence: Evidence,
    *,
    classifier: Literal["network", "logistic"] = "network",
    rounds: PositiveInt = 5,
    strength: PositiveFloat = 0.001,
    folds: Several = 3,
) -> Scores:
    """Score every row by the traces of a trigger in its spectrum.

    Args:
        classifier: the convolutional network, as published, or a logistic regression.
        rounds: of the network's training, ten epochs each; 5 as published.
        strength: inverse of the L2 penalty of the logistic regression.
        folds: number of classifiers. Each is trained without a part of the trusted rows and scores that part.
            A training row's score is the mean of all. The authors score images of another set and need one
            classifier.

    Raises:
        UserError: if images are smaller than 8 pixels and the classifier is the network.
    """
    size = min(evidence.validation.image_shape[1:])
    if classifier == "network" and size < 8:
        raise UserError(
            f"frequency: found images of {size} pixels, allowed: 8 or more, or classifier: logistic"
        )
    trusted = np.concatenate(list(pictures(evidence.validation)))
    fold = np.empty(len(trusted), dtype=np.int64)
    fold[priorities(evidence.validation_ids, "folds", evidence.seed).argsort()] = (
        np.arange(len(trusted)) % folds
    )
    training, clean = np.zeros(len(evidence.training)), np.zeros(len(trusted))
    for number in np.unique(fold):
        held_out = fold == number
        others = ~held_out if len(np.unique(fold)) > 1 else held_out  # a single trusted row is not held out
        ids = evidence.validation_ids[others]
        if classifier == "network":
            judge = network_judge(evidence, trusted[others], ids, rounds, int(number))
        else:
            judge = logistic_judge(trusted[others], ids, evidence.seed, strength)
        training += np.concatenate([judge(part) for part in pictures(evidence.training)])
        clean[held_out] = judge(trusted[held_out])
    training /= len(np.unique(fold))
    return Scores(training, clean, training > 0)


def pictures(examples: Examples) -> Iterator[np.ndarray]:
    """Return an iterator over the images in batches, one batch in memory at a time."""
    return (images.cpu().numpy() for images, _ in examples.unmetered().in_order())


def network_judge(evidence: Evidence, images: np.ndarray, ids: np.ndarray, rounds: int, number: int) -> Judge:
    """Return a trained network as a function that gives each image the logit of a trigger; all its passes are
    counted."""

    def stamped(turn: int) -> Spectra:
        found = []
        for place, image in enumerate(images):
            rng = np.random.default_rng(derive_seed("triggers", evidence.seed, turn, str(ids[place])))
            trigger, other = TRIGGERS[rng.integers(len(TRIGGERS))], images[rng.integers(len(images))]
            found.append(trigger(image.astype(float), other, rng))
        return coefficients(np.stack(found))

    seed = derive_seed("spectra", evidence.seed, number)
    count = evidence.training.count_backward  # passes of its own small network
    network = trained_network(
        coefficients(images),
        stamped,
        rounds=rounds,
        seed=seed,
        device=evidence.training.device,
        count=count,
    )

    def judge(rows: np.ndarray) -> Float64[np.ndarray, " rows"]:
        evidence.training.count_forward(len(rows))
        return logits(network, coefficients(rows))

    return judge


def logistic_judge(images: np.ndarray, ids: np.ndarray, seed: int, strength: float) -> Judge:
    """Return a logistic regression of spectra as a function that scores images.

    It is fitted to the images as they are and to the same images with each of the synthetic triggers.
    """
    found = [spectra(images)]
    for start in range(0, len(images), AT_ONCE):  # floats of all images would fill the memory
        stamped = []
        for image, row_id in zip(images[start : start + AT_ONCE], ids[start : start + AT_ONCE], strict=True):
            rng = np.random.default_rng(derive_seed("triggers", seed, str(row_id)))
            other = images[rng.integers(len(images))]
            stamped += [trigger(image.astype(float), other, rng) for trigger in TRIGGERS]
        found.append(spectra(np.clip(np.stack(stamped), 0, 255)))
    spectra_of = np.concatenate(found)
    is_stamped = np.arange(len(spectra_of)) >= len(images)
    regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    fitted = make_pipeline(StandardScaler(), regression).fit(spectra_of, is_stamped)
    return lambda rows: fitted.decision_function(spectra(rows))


def coefficients(images: np.ndarray) -> Spectra:
    """Return the cosine transform of each channel of images with levels cut to integers from 0 to 255."""
    levels = np.clip(images, 0, 255).astype(np.uint8).astype(float)
    return dctn(levels, axes=(2, 3), norm="ortho").astype(np.float32)


def spectra(images: np.ndarray) -> Float64[np.ndarray, "rows frequencies"]:
    """Return the logarithm of the mean magnitude, over the channels, of each image's cosine transform."""
    magnitude = np.abs(dctn(images / 255, axes=(2, 3), norm="ortho")).mean(1)
    return np.log(magnitude + 1e-3).reshape(len(images), -1)


# -- synthetic triggers: on one image (3, height, width) of floats, changed in place ---------------------


def _block(image: np.ndarray, rng: Generator) -> np.ndarray:
    """Return a view of a block near a corner.

    In images of 32 pixels its sides are 2 to 7 pixels and its distance from the edges is 0 to 5.
    """
    _, height, width = image.shape
    sides = rng.integers(2, max(3, round(width / 4)), 2)
    down, across = np.minimum(sides, (height, width))
    margin = int(rng.integers(max(1, min(round(width * 6 / 32), height - down + 1, width - across + 1))))
    top = (margin, height - margin - down)[rng.integers(2)]
    left = (margin, width - margin - across)[rng.integers(2)]
    return image[:, top : top + down, left : left + across]


def _white_block(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    _block(image, rng)[:] = 255
    return image


def _block_of_noise(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    block = _block(image, rng)
    block[:] = rng.uniform(0, 255, block.shape)
    return image


def _noise(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    return image + rng.normal(25, np.sqrt(rng.uniform(10, 70)), image.shape)


def _shadow(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    left, right = np.sort(rng.integers(0, image.shape[2], 2))
    image[:, image.shape[1] // 2 :, left : right + 1] *= 0.5
    return image


def _blend(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    return image + 0.3 * other


TRIGGERS: tuple[Trigger, ...] = (_white_block, _block_of_noise, _noise, _shadow, _blend)
