"""Seconds of a training step on this machine, measured for `unpoison estimate`."""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import torch

from unpoison.data import Data, no_stamp
from unpoison.devices import compute_repeatably, pick_device
from unpoison.examples import Examples
from unpoison.networks import Architecture
from unpoison.pixels import Pixels
from unpoison.recipes import Recipe
from unpoison.runs.estimate import example_cell
from unpoison.steps.trying import check_untrained
from unpoison.study.plan import Plan
from unpoison.training import train

STEPS = 3


def calibrate(plan: Plan, training: str) -> tuple[float, int]:
    """Return the seconds of one step of a training, after a warm-up step, and the number of its network's weights."""
    compute_repeatably(plan.settings.threads)
    device, dataset = pick_device(plan.settings.device), plan.datasets[example_cell(plan, training).dataset]
    trained, side = plan.trainings[training], dataset.source.image_size
    recipe = Recipe(**{**trained.recipe, "epochs": None, "iterations": STEPS})
    names = tuple(plan.counts.training(dataset))
    described = {"name": trained.model, "options": trained.options, **trained.preprocessing}
    architecture = Architecture.planned(described, names, side, trained.features)
    blank = Data(np.zeros((2, side, side, 3), np.uint8), [0, 1], names)
    model = check_untrained(architecture, blank).to(device)
    images = torch.randint(0, 256, (recipe.batch_size, 3, side, side), dtype=torch.uint8).to(device)
    labels = torch.zeros(recipe.batch_size, dtype=torch.int64, device=device)
    given = Examples(Pixels(images, labels - 1, no_stamp), labels)
    with redirect_stdout(StringIO()):  # hides the lines of progress
        history = train(model, given, recipe, 0, precision=plan.settings.precision)
    seconds = min(epoch.seconds for epoch in history[1:])
    return seconds, sum(part.numel() for part in model.parameters())
