"""The cost of a job, images sent through networks and wall seconds, and how much a repair changed."""

from dataclasses import asdict, dataclass


@dataclass
class Meter:
    """Counts images sent through a network: forward and backward, and forward alone."""

    image_passes: int = 0
    forward_passes: int = 0


@dataclass(frozen=True)
class Cost:
    """The cost of a job: wall seconds, and images sent through a network forward and backward, and forward alone.

    weights_changed: of a repair, the share of the network's weights and running statistics that differ from the
    poisoned network's (0 to 1); None for a job that repairs no network.
    """

    seconds: float
    image_passes: int
    forward_passes: int
    weights_changed: float | None = None

    def known(self) -> dict[str, float | int]:
        """Return what is known of it by name, seconds to the millisecond."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return found | {"seconds": round(self.seconds, 3)}
