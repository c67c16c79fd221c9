"""The ResNet-9 of the corrective unlearning benchmark (Goel et al. 2024, arXiv 2402.14015)."""

import torch
from torch import Tensor, nn

from unpoison.models._celu import CELU
from unpoison.types import Logits, Pixels, PositiveInt

# Channel means and deviations of CIFAR-10's training images, used for every source: a constant of the
# network and not a statistic of the (poisoned) training rows.
PIXEL_MEAN = (0.4914, 0.4822, 0.4465)
PIXEL_DEVIATION = (0.2470, 0.2435, 0.2616)
# How many of its layers, from the end, `last` can ask for: a residual block has two, and is never cut.
LAST = (1, 2, 4, 5, 7, 8, 9)


class Normalise(nn.Module):
    """uint8 images in, float images of about zero mean and unit variance out."""

    def __init__(self) -> None:
        super().__init__()
        scale = 1 / (255 * torch.tensor(PIXEL_DEVIATION))
        shift = -torch.tensor(PIXEL_MEAN) / torch.tensor(PIXEL_DEVIATION)
        self.register_buffer("scale", scale.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return torch.addcmul(self.shift, images.to(self.scale.dtype), self.scale)  # type: ignore[arg-type]


class Residual(nn.Module):
    """Adds what its layers make of the input to the input."""

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
    """The ResNet-9 of the corrective unlearning benchmark (Goel et al. 2024); takes uint8 images."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            Normalise(),
            convolution(3, w),
            convolution(w, 2 * w, kernel=5, stride=2),
            Residual(convolution(2 * w, 2 * w), convolution(2 * w, 2 * w)),
            convolution(2 * w, 4 * w, pool=nn.MaxPool2d(2)),
            Residual(convolution(4 * w, 4 * w), convolution(4 * w, 4 * w)),
            convolution(4 * w, 2 * w, padding=0, pool=GlobalMax()),
            nn.Linear(2 * w, classes, bias=False),
        )

    def forward(self, images: Pixels) -> Logits:
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
    """Convolution, batch norm, CELU(0.075): the block that the network is made of.

    A pool that takes maxima stands before the CELU and not, as published, after it: the CELU never falls, so
    the values are the same, and it has a quarter of them to compute.
    """
    padding = kernel // 2 if padding is None else padding
    layers = [
        nn.Conv2d(channels, filters, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(filters),
        pool,
        CELU(0.075, inplace=True),
    ]
    return nn.Sequential(*(layer for layer in layers if layer is not None))


def network(classes: int, *, width: PositiveInt = 64) -> nn.Module:
    """ResNet-9 with `width` channels after the first layer (64 in the literature, 8 to 16 for CPUs)."""
    return ResNet9(classes, width)
