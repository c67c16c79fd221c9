"""The paper's classifier of spectra: six convolutions, trained with and without synthetic triggers."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import nn
from torch.nn.functional import cross_entropy

from unpoison.pixels import EVALUATION_BATCH

Spectra = Float32[np.ndarray, "rows 3 height width"]
EPOCHS, BATCH = 10, 64  # of each round of synthetic triggers, as published
DECAY = 1e-4  # of the convolutions: the penalty is DECAY x the sum of the squared weights, as Keras has it


def spectral_network(height: int, width: int) -> nn.Sequential:
    """Return the untrained network: pairs of convolutions of 32, 64 and 128 filters, each with ELU and batch
    norm.

    Args:
        height, width: of its input in pixels, 8 or more.
    """
    layers: list[nn.Module] = []
    channels = 3
    for filters, dropout in ((32, 0.2), (64, 0.3), (128, 0.4)):
        for given in (channels, filters):
            # Keras's epsilon and momentum (0.99 there is 0.01 here).
            norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
            layers += [nn.Conv2d(given, filters, 3, padding=1), nn.ELU(), norm]
        layers += [nn.MaxPool2d(2), nn.Dropout(dropout)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (height // 8) * (width // 8), 2))


def trained_network(
    clean: Spectra,
    stamped: Callable[[int], Spectra],
    *,
    rounds: int,
    seed: int,
    device: torch.device,
    count: Callable[[int], None],
) -> nn.Sequential:
    """Return a network that separates clean spectra (0) from those of images with a synthetic trigger (1).

    Args:
        stamped: returns the spectra of the same images in a given round, each with a newly drawn trigger.
        rounds: number of rounds of 10 epochs each.
        count: is called with the number of images that go forward and backward.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # for the weights, the batches and the dropout
        network = spectral_network(*clean.shape[2:]).to(device).train()
        convolutions = [layer.weight for layer in network if isinstance(layer, nn.Conv2d)]
        optimizer = torch.optim.Adadelta(network.parameters(), lr=0.05, rho=0.95, eps=1e-7)
        labels = torch.arange(2 * len(clean), device=device).ge(len(clean)).long()
        for number in range(rounds):
            spectra = torch.from_numpy(np.concatenate([clean, stamped(number)])).to(device)
            for chosen in (part for _ in range(EPOCHS) for part in torch.randperm(len(labels)).split(BATCH)):
                count(len(chosen))
                penalty = DECAY * torch.stack([(weights**2).sum() for weights in convolutions]).sum()
                loss = cross_entropy(network(spectra[chosen]), labels[chosen]) + penalty
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return network.eval()


@torch.inference_mode()
def logits(network: nn.Sequential, spectra: Spectra) -> Float64[np.ndarray, " rows"]:
    """Return the logit of a trigger minus that of a clean image, for each spectrum."""
    device = next(network.parameters()).device
    parts = torch.from_numpy(spectra).split(EVALUATION_BATCH)
    found = torch.cat([network(part.to(device)).cpu() for part in parts])
    return (found[:, 1] - found[:, 0]).double().numpy()
