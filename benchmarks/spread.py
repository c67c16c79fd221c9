"""A figure of several rounds: its median and how far the rounds lie apart."""

import statistics
from collections.abc import Sequence
from typing import Any


def spread(rounds: Sequence[float]) -> dict[str, Any]:
    """Median, lowest and highest of the rounds, and the rounds themselves in their order."""
    return {
        "median": round(statistics.median(rounds), 4),
        "min": round(min(rounds), 4),
        "max": round(max(rounds), 4),
        "rounds": [round(value, 4) for value in rounds],
    }
