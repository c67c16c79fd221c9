"""Evaluate a model: the answers of any network for the rows that it is evaluated on."""

from dataclasses import replace

import numpy as np
from torch import nn

from unpoison.answers import Answers, Questions, answers_of, joined, questions_by_part
from unpoison.data import Data
from unpoison.pixels import EVALUATION_BATCH
from unpoison.rows import NONE
from unpoison.training import predict


def ask(data: Data, model: nn.Module, precision: str = "auto") -> Answers:
    """Return a model's answers to all questions about the data, in the order of `questions`.

    Args:
        model: on the device that computes; it is put in evaluation mode and is otherwise unchanged.

    Raises:
        UserError: where a logit is not finite.
    """
    return joined([answer(data, model, asked, precision) for asked in questions_by_part(data.rows).values()])


def answer(data: Data, model: nn.Module, asked: Questions, precision: str) -> Answers:
    """Return a model's answers to some questions, computed in batches of EVALUATION_BATCH."""
    device = next(model.parameters()).device
    parts = [
        answers_of(data.rows, asked.take(np.arange(0)), np.empty((0, len(data.class_names)), np.float32))
    ]
    for start in range(0, len(asked), EVALUATION_BATCH):
        part = asked.take(np.arange(start, min(start + EVALUATION_BATCH, len(asked))))
        rows = data.rows.take(part.row)
        shown = replace(rows, trigger_id=np.where(part.stamped, rows.trigger_id, NONE))
        [(images, _)] = data.examples(shown, device).in_order()
        parts.append(answers_of(data.rows, part, predict(model, images, precision).cpu().numpy()))
    return joined(parts)
