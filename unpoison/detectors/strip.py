"""STRIP: a triggered image keeps its prediction when other images are added to it (Gao et al. 2019, arXiv
1902.06531).

Each row is added to `overlays` trusted images, pixel by pixel and in floats. A sum may be brighter than
white, as in the authors' code (weights 1 and 1, no cut-off), and is normalised like any image. The entropy of
the network's prediction, averaged over the overlays, is low if a trigger alone decides the prediction. A
row's score is minus that entropy, in bits. The own rule is the authors': it accuses rows below the quantile
`rejected` of a normal distribution fitted to the entropies of the trusted rows (the false rejection rate that
is set in advance).

The overlays of a row are consecutive trusted rows in their order by hash, from a start given by the row's own
hash. The authors draw each overlay anew, with replacement.
"""

import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import entr
from scipy.stats import norm
from torch import Tensor

from unpoison.contracts.evidence import Evidence
from unpoison.contracts.scores import Scores
from unpoison.examples import Examples
from unpoison.pixels import EVALUATION_BATCH
from unpoison.seeds import priorities
from unpoison.training import predict
from unpoison.types import Images, Pixels, PositiveInt, Share

NEEDS = ("validation",)
OWN_RULE = True


def score(evidence: Evidence, *, overlays: PositiveInt = 100, rejected: Share = 0.01) -> Scores:
    """Score every row by how little overlays disturb its prediction.

    Args:
        overlays: number of trusted images added to each row (all if there are fewer), with a forward pass
            each; 100 as published.
        rejected: share of clean rows that the own rule accuses by the fitted distribution; 0.01 as published.
    """
    trusted = torch.cat([images for images, _ in evidence.validation.unmetered().in_order()])
    trusted = trusted[_by_hash(evidence.validation_ids, evidence.seed).argsort()]
    parts = ((evidence.training, evidence.training_ids), (evidence.validation, evidence.validation_ids))
    training, clean = (
        _entropies(evidence, rows, _by_hash(ids, evidence.seed), trusted, overlays) for rows, ids in parts
    )
    limit = norm.ppf(rejected, clean.mean(), max(clean.std(), np.finfo(float).tiny))
    return Scores(-training, -clean, training < limit)


def _by_hash(ids: np.ndarray, seed: int) -> np.ndarray:
    return priorities(ids, "overlays", seed)


def _entropies(
    evidence: Evidence, rows: Examples, hashes: np.ndarray, trusted: Tensor, overlays: int
) -> Float64[np.ndarray, " rows"]:
    """Return the mean entropy in bits of each row's predictions under its overlays."""
    count, total, start = min(overlays, len(trusted)), np.zeros(len(rows)), 0
    first = torch.from_numpy((hashes % len(trusted)).astype(np.int64)).to(trusted.device)
    for images, _ in rows.unmetered().in_order(EVALUATION_BATCH):
        part = slice(start, start + len(images))
        for step in range(count):
            laid_over = trusted[(first[part] + step) % len(trusted)]
            rows.count_forward(len(images))
            total[part] += entropy(predict(evidence.model, add(images, laid_over), evidence.precision))
        start = part.stop
    return total / count


def add(images: Images, others: Images) -> Pixels:
    """Return the sums of the levels as floats, from 0 to 510: a cut-off at white would hide bright triggers."""
    return images.float() + others


def entropy(logits: Tensor) -> Float64[np.ndarray, " rows"]:
    """Shannon entropy in bits of the predicted distribution of each row."""
    return entr(logits.double().softmax(1).cpu().numpy()).sum(1) / np.log(2)
