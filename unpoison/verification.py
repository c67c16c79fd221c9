"""The held-out check: the success of an attack after a repair, estimated without knowing which rows are poisoned.

Part of the flagged rows is left out of the repair. The raw share of them is the share whose given label the repaired
model still predicts. A poison is an image with its trigger on, so it stands for an attacked test image. A false alarm
is a clean row, and a good model predicts its given label. So the raw share is a mixture:

    raw = f * q + (1 - f) * attack

q is the same share of control rows: unflagged rows of the same class, left out in the same way. f, the share of false
alarms, has two upper bounds. Each class uses the first bound, or the second if it is clearly smaller:

- The reference model is trained from scratch without any of these rows. It predicts the given label for a share
  s = f * q' + (1 - f) * p0 of them, with q' of control rows and p0 by chance. A poison that still works makes this
  bound too large.
- The poisoned model has learned its poisons better than half of the clean rows. So flagged rows whose log-odds of the
  given label are below the median of unflagged rows of the class are false alarms. They are half of all false alarms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from unpoison.contracts.verification import OfClass, Verification
from unpoison.proportions import jeffreys
from unpoison.readings import Readings
from unpoison.types import Labels

CONFIDENCE = 0.95
DRAWS = 2000
PRIOR = 4.0  # weight of the mean of all classes, in control rows added to those of a class
APART = 0.1  # least distance of q' from chance: closer, the reference model cannot separate false alarms
FEWEST = 5.0  # least estimated number of poisons in a list
Shares = Float[np.ndarray, " *draws classes"]


def verification_of(readings: Readings, class_names: Sequence[str]) -> Verification:
    """Return the estimate from the readings.

    The interval comes from draws of the posterior of each share (Jeffreys' prior; for control rows the mean of all
    classes counts as four more rows). It is widened by the variation between folds beyond chance.
    """
    flagged, classes = readings.is_flagged, len(class_names)
    labels = np.unique(readings.label[flagged])
    counts = _Counts.of(readings, labels, classes)
    shares, draws = counts.shares(), counts.draws(np.random.default_rng(0))
    bounds, drawn = _bounds(counts, shares), _bounds(counts, draws)
    # A class with few rows keeps the reference bound, which is unbiased; the smaller of two bounds is biased.
    is_larger = bounds[0] - bounds[1] > 2 * (drawn[0] - drawn[1]).std(axis=0)
    false, false_drawn = (
        np.where(is_larger, by_doubt, by_reference) for by_reference, by_doubt in (bounds, drawn)
    )
    attack = _attack(counts, shares, false)
    by_fold = np.array(
        [
            readings.held_out[flagged & (readings.fold == fold)].mean()
            for fold in np.unique(readings.fold[flagged])
        ]
    )
    read, rows = float(readings.held_out[flagged].mean()), float(counts.flagged.sum())
    poisons = max(0.0, float((counts.flagged * (1 - false)).sum()))
    low, high = _interval(
        _attack(counts, draws, false_drawn), _spread(by_fold, read, rows) * rows / max(poisons, 1.0)
    )
    told = None if poisons < FEWEST else float(attack)
    if told is not None:
        low, high = min(low, told), max(high, told)
        if told == 0:  # an estimate cut off at 0: the number of rows limits the precision
            high = max(high, jeffreys(0, poisons)[1])
    return Verification(
        told,
        *((0.0, 1.0) if told is None else (low, high)),
        read,
        tuple(by_fold.tolist()),
        max(0.0, 1 - poisons / rows),
        {
            class_names[label]: counts.of_class(place, float(np.clip(false[place], 0, 1)))
            for place, label in enumerate(labels)
        },
    )


@dataclass(frozen=True)
class _Counts:
    """Numbers by class (classes,) of rows, and of rows predicted as labelled or doubted.

    chance: the probability that a clean model predicts this class for a row of another class.
    """

    flagged: np.ndarray
    raw: np.ndarray
    reference: np.ndarray
    doubted: np.ndarray
    controls: np.ndarray
    held_controls: np.ndarray
    reference_controls: np.ndarray
    chance: float

    @classmethod
    def of(cls, readings: Readings, labels: Labels, classes: int) -> "_Counts":
        def count(which: Bool[np.ndarray, " n"]) -> np.ndarray:
            return np.array([(which & (readings.label == label)).sum() for label in labels], float)

        flagged, control = readings.is_flagged, ~readings.is_flagged
        read = readings.reference[control].mean() if control.any() else 1.0
        return cls(
            count(flagged),
            count(flagged & readings.held_out),
            count(flagged & readings.reference),
            count(flagged & readings.is_doubted),
            count(control),
            count(control & readings.held_out),
            count(control & readings.reference),
            float(1 - read) / (classes - 1),
        )

    def shares(self) -> tuple[Shares, ...]:
        """Return the shares predicted as labelled, by the reference, and doubted; and of controls, by both models."""
        own = tuple(of / self.flagged for of in (self.raw, self.reference, self.doubted))
        return (*own, *(above / (above + below) for above, below in self._of_controls()))

    def draws(self, rng: np.random.Generator) -> tuple[Shares, ...]:
        """Return draws (draws, classes) from the posteriors of the same shares."""
        shape = (DRAWS, len(self.flagged))
        pairs = [(of + 0.5, self.flagged - of + 0.5) for of in (self.raw, self.reference, self.doubted)]
        return tuple(rng.beta(*pair, size=shape) for pair in (*pairs, *self._of_controls()))

    def of_class(self, place: int, false_alarms: float) -> OfClass:
        rows, controls = self.flagged[place], self.controls[place]
        told = float(self.held_controls[place] / controls) if controls else None
        return OfClass(int(rows), float(self.raw[place] / rows), told, false_alarms)

    def _of_controls(self) -> list[tuple[np.ndarray, np.ndarray]]:
        pairs = []
        for of in (self.held_controls, self.reference_controls):
            mean = (of.sum() + 0.5) / (self.controls.sum() + 1)
            pairs.append((of + PRIOR * mean, self.controls - of + PRIOR * (1 - mean)))
        return pairs


def _bounds(counts: _Counts, shares: tuple[Shares, ...]) -> tuple[Shares, Shares]:
    """Return the share of false alarms by class, from the reference model and from doubted rows.

    They are not clipped to 0 and 1: over many small classes clipping would count false alarms as poisons.
    """
    _, read, doubted, _, clean = shares
    return (read - counts.chance) / np.maximum(clean - counts.chance, APART), 2 * doubted


def _attack(counts: _Counts, shares: tuple[Shares, ...], false: Shares) -> np.ndarray:
    """Return the attack's success over all classes; `false` is the share of false alarms by class."""
    raw, _, _, held, _ = shares
    poisons = np.maximum((counts.flagged * (1 - false)).sum(-1), 1e-9)
    return np.asarray(np.clip((counts.flagged * (raw - false * held)).sum(-1) / poisons, 0.0, 1.0))


def _spread(by_fold: np.ndarray, read: float, rows: float) -> float:
    """Return the standard deviation of the folds' shares beyond that explained by their number of rows."""
    explained = read * (1 - read) * len(by_fold) / rows
    return float(np.sqrt(max(0.0, by_fold.var(ddof=1) - explained)))


def _interval(drawn: np.ndarray, spread: float) -> tuple[float, float]:
    rng = np.random.default_rng(1)
    moved = np.clip(drawn + spread * rng.standard_t(4, size=len(drawn)), 0.0, 1.0)
    low, high = np.quantile(moved, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
