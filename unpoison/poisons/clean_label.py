"""Images of the target class made hard to recognise and stamped, no label changed (Turner, Tsipras and Madry 2019,
"Label-Consistent Backdoor Attacks", arXiv 1912.02771: the attack by adversarial perturbation).

Projected gradient ascent against a surrogate: the training's own network, trained by its recipe on the rows
as they were before the attack. The attacker thus knows the network, the recipe and all rows, but not the
victim's initial weights. Ours: 20 steps of 2.5 eps / 20 from the image itself, without a random start, so
that no random number is needed; a change is rounded towards zero, so that whole levels of 255 stay within
eps. The victims are drawn at random.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal

import numpy as np

from unpoison.contracts.poisoning import Poisoning
from unpoison.errors import UserError
from unpoison.poisons._stamps import as_kind_of, change
from unpoison.poisons._victims import plan_of_target, take_of_target
from unpoison.rows import Rows
from unpoison.types import Images, Labels, PositiveFloat, PositiveInt

NEEDS = ("surrogate",)
# The paper's checkerboard in a left corner, white and black; on the right it is mirrored, so that a mirrored image has
# the same trigger.
CHECKERS = np.array([[1, -1, -1], [-1, 1, -1], [1, -1, 1]], dtype=np.int32)
SIDE = len(CHECKERS)


def plan(
    there: Mapping[str, int],
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    norm: Literal["l2", "linf"] = "l2",
    eps: PositiveFloat = 300.0,
    steps: PositiveInt = 20,
    trigger: Literal["four_corners", "bottom_right"] = "four_corners",
    amplitude: PositiveInt = 255,
) -> int:
    """Return the number of images to poison, given the number of images of each class.

    Raises:
        UserError: for an unknown class, too few images of it, an amplitude or (linf) an eps above 255.
    """
    for name, value, limited in (("amplitude", amplitude, True), ("eps", eps, norm == "linf")):
        if limited and value > 255:
            raise UserError(f"clean_label takes an {name} of up to 255, the levels of a pixel; found {value}")
    return plan_of_target(there, count, target)


def poison(
    clean: Rows,
    seed: int,
    image_size: int,
    *,
    target: str,
    count: PositiveInt = 1000,
    norm: Literal["l2", "linf"] = "l2",
    eps: PositiveFloat = 300.0,
    steps: PositiveInt = 20,
    trigger: Literal["four_corners", "bottom_right"] = "four_corners",
    amplitude: PositiveInt = 255,
) -> Poisoning:
    """Choose `count` training images of the target class; every label stays true.

    Args:
        norm, eps: the bound on the change of an image before it is stamped, in levels of 255; the paper's are
            300, 600 and 1200 in l2 and 8, 16 and 32 in linf, for images of 32 pixels.
        steps: of the ascent, each of 2.5 eps / steps.
        trigger: a black and white patch of three pixels in each corner, or in one.
        amplitude: the level that the patch adds to its white pixels and subtracts from its black ones; the
            paper's faint ones are 16, 32, 64.

    Raises:
        UserError: as `plan`.
    """
    plan(
        clean.count_by_class(),
        image_size,
        target=target,
        count=count,
        norm=norm,
        eps=eps,
        amplitude=amplitude,
    )
    return take_of_target(clean, seed, count, target)


def perturb(
    surrogate: Any,
    images: Images,
    labels: Labels,
    *,
    norm: Literal["l2", "linf"] = "l2",
    eps: PositiveFloat = 300.0,
    steps: PositiveInt = 20,
) -> Images:
    """Return the images after gradient ascent on the surrogate's loss of their true class, within eps of the
    originals.

    Args:
        surrogate: the network, on the images' device, in evaluation mode.
        images, labels: tensors, with the true class of each.
    """
    torch = import_module("torch")
    before = images.float()
    moved = before.clone()
    for _ in range(steps):
        moved.requires_grad_()
        loss = torch.nn.functional.cross_entropy(surrogate(moved), labels, reduction="sum")
        [gradient] = torch.autograd.grad(loss, moved)
        with torch.no_grad():
            climbed = moved + 2.5 * eps / steps * _direction(gradient, norm)
            moved = (before + _within(climbed - before, norm, eps)).clamp(0, 255)
    return (before + (moved.detach() - before).trunc()).to(images.dtype)


def stamp(
    images: Images,
    trigger_ids: Labels,
    *,
    trigger: Literal["four_corners", "bottom_right"] = "four_corners",
    amplitude: PositiveInt = 255,
) -> Images:
    """Add the patches to the images that carry the trigger, cut off at 0 and 255, in place."""
    patches = as_kind_of(images, amplitude * draw_patches(trigger, images.shape[2]))
    return change(images, trigger_ids == 0, lambda chosen: (chosen + patches).clip(0, 255))


@cache
def draw_patches(trigger: str, size: int) -> np.ndarray:
    """Return 1 for white, -1 for black, 0 for unchanged pixels: (size, size), the same in every channel."""
    patches = np.zeros((size, size), np.int32)
    patches[-SIDE:, -SIDE:] = CHECKERS[:, ::-1]
    if trigger == "four_corners":
        patches[:SIDE, :SIDE] = patches[-SIDE:, :SIDE] = CHECKERS
        patches[:SIDE, -SIDE:] = CHECKERS[:, ::-1]
    return patches


def _direction(gradient: Any, norm: str) -> Any:
    """Return the steepest step of length 1 in the norm, for each image."""
    return gradient.sign() if norm == "linf" else gradient / _length(gradient).clamp_min(1e-12)


def _within(moves: Any, norm: str, eps: float) -> Any:
    """Return the moves, with those longer than eps shortened to eps."""
    return moves.clamp(-eps, eps) if norm == "linf" else moves * (eps / _length(moves).clamp_min(eps))


def _length(moves: Any) -> Any:
    return moves.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
