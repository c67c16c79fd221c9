"""The network of the tutorial: a plain torch module without imports from unpoison."""

from torch import Tensor, nn


class SmallNet(nn.Module):
    """Four convolutions and a linear head, for images of 32 pixels."""

    def __init__(self, classes: int = 5, width: int = 16) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(3, width), nn.MaxPool2d(2),
            *_block(width, 2 * width), nn.MaxPool2d(2),
            *_block(2 * width, 3 * width),
            *_block(3 * width, 3 * width), nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = nn.Linear(3 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, classes) of normalised images (n, 3, height, width)."""
        return self.head(self.features(images).amax((2, 3)))


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
