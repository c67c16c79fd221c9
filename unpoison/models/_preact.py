"""Pre-activation residual networks for small images (He et al. 2016, arXiv 1603.05027)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PreactivationBlock(nn.Module):
    """Two 3x3 convolutions, batch norm and ReLU before each, added to the block's input.

    If the block changes the shape, a 1x1 convolution of the activated input takes the place of the input.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        changes = stride != 1 or channels != filters
        self.stride = stride
        self.shortcut = nn.Conv2d(channels, filters, 1, bias=False) if changes else None

    def forward(self, features: Tensor) -> Tensor:
        active = torch.relu(self.norm1(features))
        # Every other pixel, then a convolution without a stride: with one, oneDNN (of torch 2.14, on processors without
        # AVX512) writes outside of its memory where there are fewer than eight channels.
        kept = (
            features if self.shortcut is None else self.shortcut(active[:, :, :: self.stride, :: self.stride])
        )
        return kept + self.conv2(torch.relu(self.norm2(self.conv1(active))))


class PreactivationResNet(nn.Module):
    """A 3x3 convolution, stages of blocks, batch norm, ReLU, mean over the image, and a linear layer.

    Args:
        classes: number of logits.
        stem: channels of the first convolution, which keeps the image's size.
        stages: channels of each stage; every stage but the first halves height and width.
        blocks: blocks of each stage.
    """

    def __init__(self, classes: int, stem: int, stages: Sequence[int], blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, stem, 3, padding=1, bias=False)]
        channels = stem
        for stage, filters in enumerate(stages):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(PreactivationBlock(channels, filters, stride))
                channels = filters
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.layers = nn.Sequential(*layers, nn.Linear(channels, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)
