"""WideResNet for small images (Zagoruyko and Komodakis 2016, arXiv 1605.07146).

It has no dropout; the paper tries one between the two convolutions of a block.
"""

from torch import nn

from unpoison.errors import UserError
from unpoison.models._preact import PreactivationResNet
from unpoison.types import PositiveInt


def network(classes: int, image_size: int, *, depth: PositiveInt = 28, width: PositiveInt = 10) -> nn.Module:
    """Return a WRN-depth-width: `depth` layers of `width` times the channels of a ResNet, for images of any
    size.

    It takes normalised float images (n, 3, height, width) and gives logits (n, classes).

    Raises:
        UserError: for a depth that is not 6 n + 4.
    """
    if depth < 10 or depth % 6 != 4:
        raise UserError(
            f"depth of wide_resnet: found {depth}, allowed: 6 n + 4 (10, 16, 22, 28, 34, 40, ...)"
        )
    return PreactivationResNet(classes, 16, (16 * width, 32 * width, 64 * width), blocks=(depth - 4) // 6)
