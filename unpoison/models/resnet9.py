"""The ResNet-9 of the corrective unlearning benchmark (Goel et al. 2024, arXiv 2402.14015)."""

from torch import Tensor, nn

from unpoison.models._celu import CELU
from unpoison.types import Logits, NormalisedImages, PositiveInt

# Allowed values of `last`, a number of layers from the end. A residual block has two and is never split.
LAST = (1, 2, 4, 5, 7, 8, 9)


class Residual(nn.Module):
    """Add the output of the layers to their input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class GlobalMax(nn.Module):
    """The largest value of each channel."""

    def forward(self, features: Tensor) -> Tensor:
        # Not AdaptiveMaxPool2d: on CUDA its backward pass has no deterministic form and raises.
        return features.amax((2, 3))


class ResNet9(nn.Module):
    """The ResNet-9 of the corrective unlearning benchmark (Goel et al. 2024); takes normalised images."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            convolution(3, w),
            convolution(w, 2 * w, kernel=5, stride=2),
            Residual(convolution(2 * w, 2 * w), convolution(2 * w, 2 * w)),
            convolution(2 * w, 4 * w, pool=nn.MaxPool2d(2)),
            Residual(convolution(4 * w, 4 * w), convolution(4 * w, 4 * w)),
            convolution(4 * w, 2 * w, padding=0, pool=GlobalMax()),
            nn.Linear(2 * w, classes, bias=False),
        )

    def forward(self, images: NormalisedImages) -> Logits:
        return self.layers(images)


def convolution(
    channels: int,
    filters: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: int | None = None,
    pool: nn.Module | None = None,
) -> nn.Module:
    """Return the block that the network is made of: convolution, batch norm, CELU(0.075).

    A max-pool comes before the CELU and not, as published, after it. The CELU is monotonic, so the values are
    the same, and it is computed on a quarter of them.
    """
    padding = kernel // 2 if padding is None else padding
    layers = [
        nn.Conv2d(channels, filters, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(filters),
        pool,
        CELU(0.075, inplace=True),
    ]
    return nn.Sequential(*(layer for layer in layers if layer is not None))


def network(classes: int, image_size: int, *, width: PositiveInt = 64) -> nn.Module:
    """Return a ResNet-9 with `width` channels after the first layer, for images of any size.

    The literature has a width of 64; 8 to 16 suit CPUs.
    """
    return ResNet9(classes, width)
