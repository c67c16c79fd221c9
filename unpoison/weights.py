"""Trained networks as files: weights with the description that rebuilds the network."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from unpoison.damage import DamagedError
from unpoison.digests import crc
from unpoison.errors import UserError
from unpoison.files import CHECKSUM, require_intact, written_whole
from unpoison.networks import Architecture, Classifier, Preprocessing
from unpoison.recipes import Recipe


def save_model(path: str | Path, model: Classifier) -> None:
    """Write the weights of a network of a model plug-in, with the description that `load_model` needs to rebuild it.

    Raises:
        UserError: for a user's own module, which this package cannot rebuild.
    """
    if not isinstance(model, Classifier):
        raise UserError(
            f"model: found {type(model).__name__}, allowed: a model from train, repair or load_model"
        )
    if model.kind is None:
        raise UserError(
            "only a network that unpoison built can be saved; save your own module's state_dict() yourself"
        )
    tensors = _tensors_of(model)
    recipe = None if model.recipe is None else asdict(model.recipe)
    description = {**asdict(model.kind), "recipe": recipe}
    whole = json.dumps({**description, CHECKSUM: _checksum(description, tensors)})
    with written_whole(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"unpoison": whole}))


def export_weights(path: str | Path, model: Classifier) -> None:
    """Write the weights alone, under the network's own keys, as safetensors.

    `load_file` of safetensors reads it, and `load_state_dict` of the network takes the result.
    """
    with written_whole(path) as temporary:
        temporary.write_bytes(save(_tensors_of(model)))


def _tensors_of(model: Classifier) -> dict[str, Tensor]:
    """Return the weights of the network, copied: safetensors refuses weights that two layers share."""
    return {
        key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, tensor in model.network.state_dict().items()
    }


def load_model(folder: str | Path) -> Classifier:
    """Return a trained or unlearned model of a results folder, in evaluation mode on the CPU.

    It takes uint8 images (n, 3, height, width) and gives logits; `model.class_names` names their columns.

    Args:
        folder: a folder that holds `model.safetensors`, or that file itself.

    Raises:
        UserError: for a file that is damaged or was not written by unpoison; the file stays unchanged.
    """
    if not isinstance(folder, str | os.PathLike):
        raise UserError(f"load_model takes the path of a folder or file; found {type(folder).__name__}")
    path = Path(folder)
    path = require_intact(path / "model.safetensors" if os.path.isdir(path) else path)  # noqa: PTH112 (is_dir raises)
    description, weights = _read(path)
    try:
        recipe = description.pop("recipe")
        description["class_names"] = tuple(description["class_names"])
        values = description["preprocessing"]
        preprocessing = Preprocessing(tuple(values["mean"]), tuple(values["deviation"]), values["input_size"])
        model = Architecture(**{**description, "preprocessing": preprocessing}).new(seed=0)
        model.network.load_state_dict(weights)
        model.recipe = None if recipe is None else Recipe(**recipe)
    except (TypeError, KeyError, RuntimeError) as error:  # a mismatch with the present code of the network
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is a model of another version of unpoison ({reason})") from error
    return model.eval()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the description and the weights that `save_model` wrote."""
    try:
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise DamagedError(path, is_ours=None) from error
    try:
        description = json.loads(notes["unpoison"])
        intact = description.pop(CHECKSUM) == _checksum(description, weights)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        intact = False
    if not intact:
        # A flipped bit may be in our own key.
        is_ours = any("unpoison" in key or CHECKSUM in text for key, text in notes.items())
        raise DamagedError(path, is_ours=is_ours)
    return description, weights


def _checksum(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    found = crc(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        kind = f"{found} {name} {tensor.dtype} {list(tensor.shape)}"
        found = crc(kind.encode(), tensor.reshape(-1).view(torch.uint8).numpy())
    return found
