"""The user's own weights, trained elsewhere, read without running any code in the file."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from unpoison.errors import UserError, first_line
from unpoison.files import require_intact
from unpoison.networks import Architecture, Classifier

WRAPPED = ("state_dict", "model_state_dict", "model")  # keys under which checkpoints keep weights
PREFIXES = ("module.", "_orig_mod.")  # added by DataParallel and by torch.compile
MOST = 3  # names of weights in an error


def load_given(path: str | Path, architecture: Architecture) -> Classifier:
    """Return a network with the user's weights, in evaluation mode on the CPU.

    Args:
        path: safetensors, or a PyTorch state dict (.pt, .pth, .bin). A state dict is read with `weights_only`, which
            runs no code. Weights may be nested under `state_dict` or `model`, and keys may begin with `module.`.

    Raises:
        UserError: for a file that cannot be read, and weights that do not fit the network.
    """
    model, name = architecture.new(seed=0), _name_of(architecture)
    wanted = model.network.state_dict()
    weights = _named_as(wanted, _tensors(require_intact(path)))
    missing = [key for key in wanted if key not in weights]
    unknown = [key for key in weights if key not in wanted]
    if missing or unknown:
        said = [
            f"{len(keys)} {what} ({', '.join(keys[:MOST])}{', ...' if len(keys) > MOST else ''})"
            for keys, what in ((missing, "missing"), (unknown, "unknown"))
            if keys
        ]
        raise UserError(f"{path} holds weights of another network than {name}: {' and '.join(said)}")
    for key, tensor in wanted.items():
        _check_tensor(f"{path}: {key}", weights[key], tensor, name)
    model.network.load_state_dict(weights)
    return model.eval()


def _name_of(architecture: Architecture) -> str:
    return str(architecture.options.get("python") or architecture.options.get("name") or architecture.name)


def _check_tensor(where: str, found: Tensor, wanted: Tensor, name: str) -> None:
    if found.shape != wanted.shape:
        raise UserError(
            f"{where} has the shape {list(found.shape)}; the network {name} has {list(wanted.shape)}"
        )
    if found.is_floating_point() != wanted.is_floating_point() or found.is_complex():
        raise UserError(f"{where} is of the type {found.dtype}; the network {name} has {wanted.dtype}")
    as_loaded = found.to(wanted.dtype)
    if not torch.isfinite(as_loaded).all():
        raise UserError(
            f"{where} holds values that are not finite numbers of {wanted.dtype}; allowed: weights that are"
        )
    if not torch.equal(as_loaded.to(found.dtype), found):
        warnings.warn(f"{where} is rounded from {found.dtype} to {wanted.dtype}", stacklevel=3)


def _tensors(path: Path) -> dict[str, Tensor]:
    found = _read(path)
    for key in WRAPPED:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not (
        isinstance(found, Mapping) and found and all(isinstance(tensor, Tensor) for tensor in found.values())
    ):
        raise UserError(f"{path} holds no weights; allowed: names of weights with a tensor each")
    return dict(found)


def _named_as(wanted: Mapping[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights without a prefix that all of their names have and the network's names do not."""
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in found) and not all(key.startswith(prefix) for key in wanted):
            found = {key.removeprefix(prefix): tensor for key, tensor in found.items()}
    return found


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # two libraries raise errors of different types
        said = str(error)
        named = re.search(r"GLOBAL (\S+)", said)  # an object that torch did not make and no tensor needs
        if named:
            reason = f"it holds {named[1]}, which is more than weights"
        else:  # torch suggests weights_only=False, which would run the file's code
            reason = "it is no state dict" if "weights_only" in said else first_line(error)
        raise UserError(
            f"{path} cannot be read as weights ({reason}); allowed: safetensors, or a state dict of PyTorch"
        ) from error
