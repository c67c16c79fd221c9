"""PreAct-ResNet-18 with a stem for small images (He et al. 2016, arXiv 1603.05027).

The paper's ImageNet network of 18 layers with the first layer of its CIFAR networks: a 3x3 convolution of stride 1
and no max-pool. The identity shortcut of the first unit takes the stem's output before its activation; the
paper takes it after.
"""

from torch import nn

from unpoison.models._preact import PreactivationResNet
from unpoison.types import PositiveInt

# Allowed values of `last`, a number of layers from the end. A block has two or three and is never split.
LAST = (1, 3, 6, 8, 11, 13, 16, 18, 20, 21)


def network(classes: int, image_size: int, *, width: PositiveInt = 64) -> nn.Module:
    """Return a PreAct-ResNet-18 with `width` channels after the stem (64 in the paper), for images of any
    size.

    It takes normalised float images (n, 3, height, width) and gives logits (n, classes).
    """
    return PreactivationResNet(classes, width, (width, 2 * width, 4 * width, 8 * width), blocks=2)
