"""Horizontal shifts of markers, so that none covers another."""

import numpy as np

STEPS = 40  # positions that are tried to each side


def moved_apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Return positions (n, 2) at least `gap` apart, each shifted sideways as little as possible.

    A marker without a free position within 40 half gaps is not shifted.

    Args:
        places: the true positions of the markers, in pixels, (n, 2); earlier ones move less.
        gap: the smallest distance between two markers, in pixels.
    """
    moved = np.empty((0, 2))
    reach = gap / 2 * np.arange(STEPS + 1)
    shifts = np.column_stack([reach, -reach]).ravel()
    for place in places:
        tried = place + np.column_stack([shifts, np.zeros_like(shifts)])
        near = np.hypot(*(tried[:, None] - moved[None]).T).min(axis=0, initial=np.inf)
        free = np.flatnonzero(near >= gap)
        moved = np.vstack([moved, tried[free[0]] if len(free) else place])
    return moved
