"""Markers that would cover each other, moved apart sideways."""

import numpy as np

STEPS = 40  # how many places to each side are tried


def moved_apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Return places (n, 2) of which no two are nearer than `gap`: each moved sideways as little as can be.

    A marker that finds no free place within 40 half gaps stays where it is.

    Args:
        places: where the markers belong, in pixels; earlier ones move less.
        gap: the least distance of two, in pixels.
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
