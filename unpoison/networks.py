"""A network with its preprocessing, and the description from which untrained networks are made."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from unpoison.errors import UserError, first_line
from unpoison.models import MODELS
from unpoison.recipes import Recipe
from unpoison.types import Logits, NormalisedImages, Pixels

DIVERGED = "try a lower learning rate or precision: float32"
# Channel means and deviations of CIFAR-10's training images, the default for every source: a constant of the
# network and not a statistic of the (poisoned) training rows.
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_DEVIATION = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Preprocessing:
    """The preprocessing of images for a network: resized, then normalised.

    mean, deviation: of the three channels, on a scale where white is 1; the network gets (value - mean) / deviation.
    input_size: height and width in pixels to which images are resized; None leaves them as they are.
    """

    mean: tuple[float, ...] = CIFAR10_MEAN
    deviation: tuple[float, ...] = CIFAR10_DEVIATION
    input_size: int | None = None

    def __post_init__(self) -> None:
        for name, values, least in (("mean", self.mean, 0.0), ("deviation", self.deviation, math.ulp(0.0))):
            are_numbers = all(isinstance(value, int | float) and least <= value <= 1 for value in values)
            if not are_numbers or len(values) != 3:
                above = "above 0, to 1" if least else "from 0 to 1"
                raise UserError(f"{name}: found {values!r}, allowed: three numbers {above}, white being 1")
        size = self.input_size
        if size is not None and (
            not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= 4096
        ):
            raise UserError(f"image_size of the network: found {size!r}, allowed: an integer from 1 to 4096")


class Classifier(nn.Module):
    """A network with its preprocessing: takes uint8 images (n, 3, height, width), gives logits (n, classes).

    network: takes normalised float images; class_names: of the logits' columns; features: the name of the layer of
    `network` whose input detectors use, None for its last linear layer; new: returns an untrained network of the same
    kind from a seed, None if there is no such function; recipe: how it was trained, None if unknown; kind: the
    plug-in's name and options that it was built with, None for a user's own module.
    """

    def __init__(
        self,
        network: nn.Module,
        class_names: tuple[str, ...],
        preprocessing: Preprocessing = Preprocessing(),
        *,
        features: str | None = None,
        new: "Callable[[int], Classifier] | None" = None,
        kind: "Architecture | None" = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.class_names, self.preprocessing, self.features = class_names, preprocessing, features
        self.new, self.kind = new, kind
        self.recipe: Recipe | None = None
        mean, deviation = (torch.tensor(values) for values in (preprocessing.mean, preprocessing.deviation))
        self.register_buffer("scale", (1 / (255 * deviation)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / deviation).view(1, 3, 1, 1), persistent=False)

    def prepared(self, images: Pixels) -> NormalisedImages:
        """Return uint8 images, or the same levels as floats, resized and normalised for the network."""
        size = self.preprocessing.input_size
        if size is not None and images.shape[2:] != (size, size):
            images = interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
        return torch.addcmul(self.shift, images.to(self.scale.dtype), self.scale)  # type: ignore[arg-type]

    def feature_layer(self) -> nn.Module | None:
        """Return the layer of the network that `features` names, None if it names none.

        Raises:
            UserError: if no layer of the network has the name.
        """
        if self.features is None:
            return None
        named = dict(self.network.named_modules())
        if self.features not in named:
            layers = ", ".join(name for name, layer in named.items() if isinstance(layer, nn.Linear))
            raise UserError(
                f"features: found {self.features!r}, allowed: a layer of {type(self.network).__name__}, whose "
                f"linear layers are {layers or '(none)'}"
            )
        return named[self.features]

    def forward(self, images: Pixels) -> Logits:
        try:
            logits = self.network(self.prepared(images))
        except ValueError as error:
            if self.training and len(images) == 1:  # batch norm fails on one value for each channel
                raise UserError(
                    f"the network cannot be trained on a batch of one row ({first_line(error)}); choose a batch_size "
                    "of the recipe that leaves no single row over, and for a single row to forget batch_norm: eval"
                ) from error
            raise
        if not isinstance(logits, Tensor):
            when = " in training mode" if self.training else ""
            raise UserError(
                f"the network gives {type(logits).__name__}{when}, allowed: a tensor of logits (n, classes)"
            )
        return logits


@dataclass(frozen=True)
class Architecture:
    """A description of a network, from which untrained ones are made.

    name: of a model plug-in; options: its own; class_names: of the logits' columns; image_size: height and width in
    pixels of the data's images.
    """

    name: str
    options: Mapping[str, Any]
    class_names: tuple[str, ...]
    image_size: int
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    features: str | None = None

    @classmethod
    def planned(
        cls,
        model: Mapping[str, Any],
        class_names: tuple[str, ...],
        image_size: int,
        features: str | None = None,
    ) -> "Architecture":
        """Return the description of a planned network.

        Args:
            model: its name, options, mean, deviation and image_size (of the network; None: the data's).
        """
        sizes = Preprocessing(tuple(model["mean"]), tuple(model["deviation"]), model["image_size"])
        return cls(model["name"], model["options"], class_names, image_size, sizes, features)

    def new(self, seed: int) -> Classifier:
        """Return an untrained network whose initial weights depend on the seed alone."""
        size = self.preprocessing.input_size or self.image_size
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which seeds all GPUs too
            network = MODELS[self.name](len(self.class_names), size, **self.options)
        classifier = Classifier(
            network,
            self.class_names,
            self.preprocessing,
            features=self.features,
            new=self.new,
            kind=self,
        )
        return classifier.to(memory_format=torch.channels_last)


def require_finite(model: nn.Module) -> None:
    """Raise a UserError that names the first weight or running statistic with a value that is not finite."""
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"the network diverged: {name} holds values that are not finite; {DIVERGED}")


def finite_logits(logits: Tensor) -> Tensor:
    """Return the logits (rows, classes), or raise a UserError if one is not finite, since it predicts no class."""
    broken = int((~torch.isfinite(logits)).any(1).sum())
    if broken:
        raise UserError(
            f"the network diverged: its logits of {broken} of {len(logits)} images are not finite; {DIVERGED}"
        )
    return logits
