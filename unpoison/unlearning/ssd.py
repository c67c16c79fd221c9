"""SSD, selective synaptic dampening: shrink the weights that matter more to the deletion set than to all rows.

Foster, Schoepf and Brintrup 2024 (AAAI; arXiv 2308.07707): with importances I, the diagonals of the empirical Fisher
information, theta_i becomes min(lambda I_D,i / I_f,i, 1) theta_i wherever I_f,i > alpha I_D,i.

The defaults are the authors' code for random deletion sets (if-loops/selective-synaptic-dampening): alpha 10, lambda
1, and batches of 128 images that are not augmented, with the deletion set at the end of D. For classes it takes
batches of 64. Goel et al. 2024 (arXiv 2402.14015) take the retained rows for D, in batches of 512 augmented images,
and search alpha from 0.1 to 10^6: `against: retain`, `importance_batch_size: 512`, `augment: true`.

An alpha is specific to its importances and to the deletion set. With `against: all`, I_f / I_D is at most
about the number of batches of D over that of the deletion set, and a larger alpha damps nothing. On three
validation seeds (5,000 CIFAR-10 images, 200 poisons, all found) alpha 10 ended the attack and cost 5 to 25
points of clean accuracy. With half of them found, which is one batch, it broke two networks of three: choose
a `share` there.

BatchNorm's scales and shifts are treated like all weights. Its running statistics are used and not changed,
so what they hold of the poisons stays.
"""

from copy import deepcopy
from typing import Literal

from torch import nn

from unpoison.contracts.request import Request
from unpoison.types import PositiveFloat, PositiveInt, PositiveShare
from unpoison.unlearning._importance import FISHER, Passes, dampen, importances, threshold

SPACE = {  # a share is tuned: its useful range is the same for all importances and deletion sets
    "share": {"low": 0.0005, "high": 0.02, "log": True},
    "dampening": {"low": 0.1, "high": 2.0, "log": True},
}
ONE_OF = ("selection", "share")
SELECTION = {"batch": 10.0, "sample": 2.0}


def unlearn(
    request: Request,
    *,
    selection: PositiveFloat | None = None,
    share: PositiveShare | None = None,
    dampening: PositiveFloat = 1.0,
    importance: Literal["batch", "sample"] = "batch",
    importance_batch_size: PositiveInt = 128,
    against: Literal["all", "mixed", "retain"] = "all",
    augment: bool = False,
    sample: PositiveInt | None = None,
) -> nn.Module:
    """Damp a copy of the poisoned network; where nothing is selected it stays as it is, bit for bit.

    Args:
        selection: the paper's alpha; None is 10 (published) for `batch` and 2 for `sample`. The 2 was chosen from 1.5,
            2, 2.5, 3 and 4 on three validation seeds, with and without 5 % of the clean rows in the deletion set.
        share: in place of selection: the share of all weights that is damped, those with the largest ratio
            (published: none; the threshold is found as in `assd`).
        dampening: the paper's lambda (published: 1).
        importance: `batch` (published): of the mean gradient of each batch; `sample`: of each image's own gradient.
        importance_batch_size: rows of a batch of `batch` (published: 128 for a random deletion set, 64 for classes).
        against: the rows of I_D. `all` (published): the retained rows, then the deletion set, which thereby fills
            batches of its own; `mixed`: both, shuffled together; `retain`: the retained rows alone.
        augment: whether images are cropped and flipped as in the training (published: no).
        sample: number of rows, drawn by the seed, that represent those of I_D (published: all, None).
    """
    passes = Passes(importance, importance_batch_size, against, augment, sample)
    own, others = importances(request, FISHER, passes)
    model = deepcopy(request.model)
    if selection is None and share is None:
        selection = SELECTION[importance]
    alpha = threshold(own, others, selection, share)
    dampen(model, own, others, selection=alpha, dampening=dampening)
    return model.eval()
