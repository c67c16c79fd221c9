"""The cost of a job in network passes and wall seconds, and the share of the weights that a repair changed."""

from dataclasses import asdict, dataclass

# Cost of one pass of a kind, in forward passes. Forward and backward: by count of operations; 2.8 measured.
FORWARD_AND_BACKWARD = 3.0
# Medians of seven rounds by benchmarks/passes.py (ResNet-9 of width 16, one thread of an Intel Xeon (Emerald Rapids),
# benchmarks/passes.json): 9.8 and 13.7. At width 8 they are 16.0 and 11.2, at width 64 6.6 and 12.1.
PER_SAMPLE_GRADIENT = 10.0
SECOND_DERIVATIVE = 12.0  # between the three widths


@dataclass
class Meter:
    """Counts images sent through a network: forward and backward, and forward alone.

    gradient_passes, curvature_passes: the image passes with per-sample gradients, and those that multiply by second
    derivatives. Both are counted in image_passes too.
    """

    image_passes: int = 0
    forward_passes: int = 0
    gradient_passes: int = 0
    curvature_passes: int = 0


@dataclass(frozen=True)
class Cost:
    """The cost of a job: wall seconds, and images sent through a network as `Meter` counts them.

    weights_changed: for a repair, the share of the network's weights and running statistics that differ from the
    poisoned network's (0 to 1); None for a job that repairs no network.
    tuning_passes: the weighted passes of the search that chose the method's options; None without a search.
    """

    seconds: float
    image_passes: int
    forward_passes: int
    weights_changed: float | None = None
    gradient_passes: int = 0
    curvature_passes: int = 0
    tuning_passes: float | None = None

    @classmethod
    def metered(cls, seconds: float, meter: Meter, weights_changed: float | None = None) -> "Cost":
        """Return the cost of a job whose passes a meter counted."""
        return cls(seconds=seconds, weights_changed=weights_changed, **asdict(meter))

    @property
    def weighted_passes(self) -> float:
        """Return the cost of all passes in forward passes."""
        plain = self.image_passes - self.gradient_passes - self.curvature_passes
        return (
            self.forward_passes
            + FORWARD_AND_BACKWARD * plain
            + PER_SAMPLE_GRADIENT * self.gradient_passes
            + SECOND_DERIVATIVE * self.curvature_passes
        )

    def known(self) -> dict[str, float | int]:
        """Return the known fields by name, with seconds to the millisecond."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return found | {"seconds": round(self.seconds, 3)}
