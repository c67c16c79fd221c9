"""The training loop that users write today: torchvision transforms on PIL images, float32, standard layout.

It is the other arm of `throughput_vs_plain`. It imports nothing of unpoison, so it has its own copy of the
ResNet-9, without the layer that normalises uint8 images: `ToTensor` and `Normalize` do that here.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

MEAN = (0.4914, 0.4822, 0.4465)
DEVIATION = (0.2470, 0.2435, 0.2616)


class ArrayImages(Dataset[tuple[Tensor, int]]):
    """uint8 images (n, height, width, 3) and labels, returned in the form of torchvision.datasets.CIFAR10."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images = images
        self.labels = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, DEVIATION),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def loader(
    images: np.ndarray, labels: np.ndarray, workers: int, batch_size: int = 128
) -> DataLoader[tuple[Tensor, int]]:
    """Return shuffled batches."""
    return DataLoader(
        ArrayImages(images, labels),
        batch_size=batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def block(channels: int, filters: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Sequential:
    """Return a convolution with batch norm and CELU."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(filters),
        nn.CELU(0.075, inplace=True),
    )


class ResNet9(nn.Module):
    """The ResNet-9 of Goel et al. (2024) for images of 32 x 32 pixels and mean 0."""

    def __init__(self, width: int, classes: int = 10) -> None:
        super().__init__()
        w = width
        self.stem = nn.Sequential(block(3, w), block(w, 2 * w, kernel=5, stride=2, padding=2))
        self.first = nn.Sequential(block(2 * w, 2 * w), block(2 * w, 2 * w))
        self.middle = nn.Sequential(block(2 * w, 4 * w), nn.MaxPool2d(2))
        self.second = nn.Sequential(block(4 * w, 4 * w), block(4 * w, 4 * w))
        self.end = nn.Sequential(block(4 * w, 2 * w, padding=0), nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.head = nn.Linear(2 * w, classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        features = features + self.first(features)
        features = self.middle(features)
        features = features + self.second(features)
        return self.head(self.end(features))


def train(
    model: nn.Module, batches: DataLoader[tuple[Tensor, int]], epochs: int, device: str = "cpu"
) -> float:
    """Train for some epochs on the device of the model, and return the mean loss of the last epoch."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    model.train()
    mean_loss = float("nan")
    for _ in range(epochs):
        running_loss = 0.0
        for images, labels in batches:
            optimizer.zero_grad()
            loss = criterion(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        mean_loss = running_loss / len(batches)
    return mean_loss
