"""Networks: one file each, with `network(classes, *, ...)`; and how a trained one is kept and given back."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from unpoison.damage import DamagedError
from unpoison.errors import UserError
from unpoison.files import CHECKSUM, checksum, require_intact, written_whole
from unpoison.plugins import Plugins

MODELS = Plugins(__name__, "network", "model")
DIVERGED = "try a lower learning rate or precision: float32"


def build(name: str, classes: int, options: Mapping[str, Any], seed: int) -> nn.Module:
    """An untrained network whose initial weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[name](classes, **options).to(memory_format=torch.channels_last)


def require_finite(model: nn.Module) -> None:
    """Raise a UserError that names the first weight or running statistic with a value that is not finite."""
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"the network diverged: {name} holds values that are not finite; {DIVERGED}")


def finite_logits(logits: Tensor) -> Tensor:
    """Return the logits (rows, classes), or raise a UserError where one is not finite: it predicts no class."""
    broken = int((~torch.isfinite(logits)).any(1).sum())
    if broken:
        raise UserError(
            f"the network diverged: its logits of {broken} of {len(logits)} images are not finite; {DIVERGED}"
        )
    return logits


def save_model(
    path: str | Path, model: nn.Module, *, name: str, options: Mapping[str, Any], class_names: tuple[str, ...]
) -> None:
    """Write the weights with all that `load_model` needs to build the network again."""
    tensors = {key: tensor.cpu().contiguous() for key, tensor in model.state_dict().items()}
    description = {"model": name, "options": dict(options), "class_names": class_names}
    whole = json.dumps({**description, CHECKSUM: _checksum(description, tensors)})
    with written_whole(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"unpoison": whole}))


def load_model(folder: str | Path) -> nn.Module:
    """Any trained or unlearned model of a results folder, in evaluation mode on the CPU.

    It takes uint8 images (n, 3, height, width) and gives logits; `model.class_names` names their columns.

    Args:
        folder: a folder that holds `model.safetensors`, or that file itself.

    Raises:
        UserError: for a file that is damaged or was not written by unpoison; it is left as it is.
    """
    path = Path(folder)
    path = require_intact(path / "model.safetensors" if os.path.isdir(path) else path)  # noqa: PTH112 (is_dir raises)
    description, weights = _read(path)
    try:
        model = build(description["model"], len(description["class_names"]), description["options"], seed=0)
        model.load_state_dict(weights)
    except (TypeError, RuntimeError) as error:  # options, or weights, that the network of today does not take
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is a model of another version of unpoison ({reason})") from error
    model.class_names = tuple(description["class_names"])  # type: ignore[assignment]
    return model.eval()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and the weights that `save_model` wrote."""
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
    found = checksum(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        kind = f"{found} {name} {tensor.dtype} {list(tensor.shape)}"
        found = checksum(kind.encode(), tensor.reshape(-1).view(torch.uint8).numpy())
    return found
