"""Wrap a user's own network for the functions of the library."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from unpoison.arguments import AnyRecipe, Triple, preprocessing_of
from unpoison.class_names import named_classes
from unpoison.errors import UserError
from unpoison.networks import CIFAR10_DEVIATION, CIFAR10_MEAN, Classifier
from unpoison.recipes import recipe_of
from unpoison.seeds import derive_seed


def wrap_model(
    module: nn.Module,
    class_names: Sequence[str],
    *,
    mean: Triple = CIFAR10_MEAN,
    deviation: Triple = CIFAR10_DEVIATION,
    image_size: int | None = None,
    features: str | None = None,
    new: Callable[[], nn.Module] | None = None,
    recipe: AnyRecipe | None = None,
) -> Classifier:
    """Return a user's own trained network in the form that `score`, `repair` and `measure` take.

    Args:
        module: takes normalised float32 images (n, 3, height, width), gives logits (n, classes). It is not copied, and
            no function of unpoison changes it. A module from torch.compile is unwrapped.
        class_names: of the logits' columns, in the order of the data's class names.
        mean, deviation: of the normalisation of images, three numbers each, on a scale where white is 1.
        image_size: pixels to which images are resized for the network (bilinear); None leaves them as they are.
        features: name of the layer whose input detectors use; None is the last linear layer.
        new: returns an untrained network of the same kind, for methods that train from scratch. It is called with
            torch's random generator seeded, twice immediately as a check, and must not load weights.
        recipe: how the network was trained, if known; methods continue training with it, unless `repair` is given
            another recipe. None: `fast` with SGD alone.

    Raises:
        UserError: for a module without trainable weights, class names that cannot be told apart, invalid
            preprocessing, and a function `new` that does not return an untrained network of the same kind.
    """
    if isinstance(module, Classifier) or not isinstance(module, nn.Module):
        raise UserError(f"wrap_model takes a torch.nn.Module of your own; found {type(module).__name__}")
    module = _uncompiled(module)
    if any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers())):
        raise UserError(
            f"{type(module).__name__} has lazy layers without weights, allowed: a network that was run once"
        )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise UserError(
            f"{type(module).__name__} has no weights that can be trained (none requires a gradient)"
        )
    made = partial(
        Classifier,
        class_names=named_classes(class_names),
        preprocessing=preprocessing_of(mean, deviation, image_size),
        features=features,
    )
    made(module).feature_layer()  # refuses a name that no layer has
    untrained = None if new is None else _Fresh(new, made)
    if untrained is not None:
        _check_new(module, untrained)
    model = made(module, new=untrained)
    model.training = (
        False  # not eval(), which reaches the user's own network, and some networks change weights in it
    )
    model.recipe = None if recipe is None else recipe_of(recipe)
    return model


class _Fresh:
    """A user's function for an untrained network, called with torch seeded."""

    def __init__(self, new: Callable[[], nn.Module], made: Callable[..., Classifier]) -> None:
        self._new, self._made = new, made

    def __call__(self, seed: int) -> Classifier:
        return self._made(self.network(seed), new=self)

    def network(self, seed: int) -> Any:
        """Return the result of the user's function."""
        gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
        with torch.random.fork_rng(devices=gpus):
            torch.manual_seed(seed)
            return _uncompiled(self._new())


def _check_new(module: nn.Module, untrained: _Fresh) -> None:
    """Refuse a function that does not return a new untrained network of the module's kind each time."""
    try:
        # Not the seeds 0 and 1, which the user may have used for the module itself.
        first, second = (untrained.network(derive_seed("check of new", number)) for number in (0, 1))
    except Exception as error:  # the user's code may raise anything
        raise UserError(f"new() fails: {type(error).__name__}: {error}") from error
    if not isinstance(first, nn.Module):
        raise UserError(f"new() gives {type(first).__name__}, allowed: an untrained torch.nn.Module")
    if any(is_lazy(tensor) for tensor in (*first.parameters(), *first.buffers())):
        raise UserError("new() gives lazy layers without weights, allowed: a network that was run once")
    if first is module or first is second:
        raise UserError("new() gives the same network each time, allowed: a new, untrained one")
    if _shapes(first) != _shapes(module):
        raise UserError(
            f"new() gives a network of other weights than {type(module).__name__} has, allowed: one of the same kind"
        )
    if _equal(first, module):
        raise UserError("new() gives the weights of the wrapped network itself, allowed: untrained ones")
    if _equal(first, second):
        warnings.warn(
            "new() gives the same weights for every seed: an untrained network has random ones. If it loads pretrained "
            "weights, methods that train from scratch start from them",
            stacklevel=3,
        )


def _uncompiled(module: Any) -> Any:
    """Return the network inside a module from torch.compile, whose compiled code ignores copies and hooks."""
    return getattr(module, "_orig_mod", module)


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in module.state_dict().items()}


def _equal(one: nn.Module, other: nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(tensor.cpu(), others[name].cpu()) for name, tensor in one.state_dict().items())
