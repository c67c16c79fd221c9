"""The cost of a job: images sent through networks, and wall seconds."""

from dataclasses import dataclass


@dataclass
class Meter:
    """Counts images sent through a network: forward and backward, and forward alone."""

    image_passes: int = 0
    forward_passes: int = 0


@dataclass(frozen=True)
class Cost:
    """The cost of a job: wall seconds, and images sent through a network forward and backward, and forward alone."""

    seconds: float
    image_passes: int
    forward_passes: int
