"""A figure of several rounds: its median and extremes."""

import statistics
from collections.abc import Sequence
from typing import Any


def spread(rounds: Sequence[float]) -> dict[str, Any]:
    """Return median, lowest and highest of the rounds, and the rounds in their order."""
    return {
        "median": round(statistics.median(rounds), 4),
        "min": round(min(rounds), 4),
        "max": round(max(rounds), 4),
        "rounds": [round(value, 4) for value in rounds],
    }
