"""A company's own network and its plain training loop; neither uses unpoison."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


class CompanyNet(nn.Module):
    """Five convolutions and a linear head, about 100,000 parameters with the defaults."""

    def __init__(self, classes: int = 10, width: int = 24, batch_norm: bool = True) -> None:
        super().__init__()
        widths = (3, width, width, 2 * width, 3 * width, 3 * width)
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(pairwise(widths)):
            layers += [nn.Conv2d(before, after, 3, padding=1)]
            layers += [nn.BatchNorm2d(after)] if batch_norm else []
            layers += [nn.ReLU()] + ([nn.MaxPool2d(2)] if place in (0, 1, 3) else [])
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(3 * width, classes)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and not batch_norm:  # torch's default weights are too small
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images).amax((2, 3)))


def read_folder(
    folder: Path, class_names: tuple[str, ...], size: int = 32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return normalised images (n, 3, size, size) and labels (n,) of a folder of class folders."""
    paths = [
        (path, label) for label, name in enumerate(class_names) for path in sorted((folder / name).glob("*"))
    ]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB").resize((size, size))) for path, _ in paths])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (images - mean) / deviation, torch.tensor([label for _, label in paths])


def fit(
    net: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    epochs: int = 8,
    seed: int = 0,
    rate: float = 3e-3,
) -> nn.Module:
    """Train in place by Adam with a linear decay, on mirrored and shifted images."""
    generator = torch.Generator().manual_seed(seed)
    optimizer, batch = torch.optim.Adam(net.parameters(), rate, weight_decay=1e-4), 64
    steps = epochs * (len(labels) // batch)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(batch)[: len(labels) // batch]:
            shift = torch.randint(-2, 3, (2,), generator=generator).tolist()
            shown = images[rows].roll(shift, (2, 3))
            flips = torch.rand(len(rows), 1, 1, 1, generator=generator) < 0.5
            loss = functional.cross_entropy(net(torch.where(flips, shown.flip(3), shown)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def predict(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return predicted labels (n,)."""
    return torch.cat([net.eval()(part).argmax(1) for part in images.split(500)])


def train_company_net(
    folder: Path,
    class_names: tuple[str, ...],
    weights: Path,
    *,
    size: int = 32,
    epochs: int = 8,
    batch_norm: bool = True,
    width: int = 24,
    seed: int = 0,
) -> nn.Module:
    """Train on folder/train and save the state_dict as safetensors."""
    torch.manual_seed(seed)
    net = CompanyNet(len(class_names), width, batch_norm)
    fit(
        net,
        *read_folder(folder / "train", class_names, size),
        epochs=epochs,
        seed=seed,
        rate=3e-3 if batch_norm else 1e-3,
    )
    save_file(net.state_dict(), weights)
    return net
