"""Distillation from a teacher's logits, shared by bad_teacher and scrub."""

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax

from unpoison.contracts.request import Request
from unpoison.unlearning._descend import logits_of


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return KL(teacher : student) of logits at a temperature, not multiplied by the square of the
    temperature.

    It is summed over classes and averaged over rows (`batchmean`); the default of torch's kl_div divides by
    the classes too.
    """
    return kl_div(
        log_softmax(student / temperature, 1),
        log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )


@torch.no_grad()
def teacher_logits(teacher: nn.Module, images: Tensor, request: Request) -> Tensor:
    """Return a teacher's logits of a batch, without gradients; the teacher is in evaluation mode.

    The batch is counted as a forward pass.
    """
    assert not teacher.training, "a teacher in training mode would learn the batch's statistics"
    request.retain.count_forward(len(images))
    return logits_of(teacher, images, request.precision)
