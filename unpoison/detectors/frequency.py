"""Frequency: triggers leave traces in the cosine transform that clean images lack (Zeng et al. 2021, arXiv 2104.03413).

A classifier is trained to tell trusted images from the same images with made-up triggers on: a white block, a block of
one colour, a block of noise, noise all over, another image blended in. It sees the logarithm of the magnitude of the
discrete cosine transform (type II, mean over the channels), and nothing of the network or the labels. A row's score is
the classifier's logit; the own rule accuses what it calls manipulated (logit above 0).

Deviations: a logistic regression in place of the paper's network of six convolutions, which wants far more trusted
images; trained on trusted rows of this data set and not on another one; no shadows among the triggers.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from numpy.random import Generator
from scipy.fft import dctn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.examples import Examples
from unpoison.seeds import derive_seed, priorities
from unpoison.types import PositiveFloat, Several

NEEDS = ("validation",)
OWN_RULE = True
Trigger = Callable[[np.ndarray, np.ndarray, Generator], np.ndarray]


def score(evidence: Evidence, *, strength: PositiveFloat = 0.001, folds: Several = 3) -> Scores:
    """Score every row by the traces of a trigger in its spectrum.

    Args:
        strength: how freely a classifier fits (the inverse of its L2 penalty).
        folds: so many classifiers, each trained without a part of the trusted rows, which it scores; a
            training row's score is the mean of theirs.
    """
    trusted = np.concatenate(pictures(evidence.validation))
    fold = np.empty(len(trusted), dtype=np.int64)
    fold[priorities(evidence.validation_ids, "folds", evidence.seed).argsort()] = (
        np.arange(len(trusted)) % folds
    )
    training, clean = np.zeros(len(evidence.training)), np.zeros(len(trusted))
    parts = [spectra(images) for images in pictures(evidence.training)]
    for number in np.unique(fold):
        held_out = fold == number
        others = ~held_out if len(np.unique(fold)) > 1 else held_out  # of one trusted row nothing is held out
        classifier = trained_classifier(
            trusted[others], evidence.validation_ids[others], evidence.seed, strength
        )
        training += np.concatenate([classifier.decision_function(part) for part in parts])
        clean[held_out] = classifier.decision_function(spectra(trusted[held_out]))
    training /= len(np.unique(fold))
    return Scores(training, clean, training > 0)


def pictures(examples: Examples) -> list[np.ndarray]:
    """The images in batches."""
    return [images.cpu().numpy() for images, _ in examples.unmetered().in_order()]


def trained_classifier(images: np.ndarray, ids: np.ndarray, seed: int, strength: float) -> Pipeline:
    """A classifier of spectra: 1 for images with one of the made-up triggers, 0 for the images as they are."""
    stamped = []
    for place, image in enumerate(images):
        rng = np.random.default_rng(derive_seed("triggers", seed, str(ids[place])))
        other = images[rng.integers(len(images))]
        stamped += [trigger(image.astype(float), other, rng) for trigger in TRIGGERS]
    spectra_of = np.concatenate([spectra(images), spectra(np.clip(np.stack(stamped), 0, 255))])
    is_stamped = np.arange(len(spectra_of)) >= len(images)
    regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=300)
    return make_pipeline(StandardScaler(), regression).fit(spectra_of, is_stamped)


def spectra(images: np.ndarray) -> Float64[np.ndarray, "rows frequencies"]:
    """Logarithm of the mean magnitude over the channels of each image's cosine transform."""
    magnitude = np.abs(dctn(images / 255, axes=(2, 3), norm="ortho")).mean(1)
    return np.log(magnitude + 1e-3).reshape(len(images), -1)


# -- made-up triggers: on one image (3, height, width) of floats, changed in place -----------------------


def _block(image: np.ndarray, rng: Generator) -> np.ndarray:
    """A view of a random square of a twelfth to a quarter of the image's width."""
    width = image.shape[2]
    size = min(width, int(rng.integers(max(2, width // 12), max(3, width // 4) + 1)))
    top, left = rng.integers(0, width - size + 1, 2)
    return image[:, top : top + size, left : left + size]


def _white_block(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    _block(image, rng)[:] = 255
    return image


def _coloured_block(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    _block(image, rng)[:] = rng.integers(0, 256, (3, 1, 1))
    return image


def _block_of_noise(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    block = _block(image, rng)
    block[:] = rng.integers(0, 256, block.shape)
    return image


def _noise(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    return image + rng.normal(0, 10, image.shape)


def _blend(image: np.ndarray, other: np.ndarray, rng: Generator) -> np.ndarray:
    return 0.85 * image + 0.15 * other[:, ::-1, ::-1]


TRIGGERS: tuple[Trigger, ...] = (_white_block, _coloured_block, _block_of_noise, _noise, _blend)
