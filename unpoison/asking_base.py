"""Evaluate a base model: its answers, and the features and logits that detectors share."""

import numpy as np
import torch

from unpoison.answers import Answers, answers_of, joined, questions
from unpoison.asking import answer
from unpoison.data import Data
from unpoison.features import outputs_of
from unpoison.networks import Classifier
from unpoison.outputs import Outputs, Pair
from unpoison.rows import NONE, Rows

SPLITS = ("train", "validation")  # splits whose outputs are kept


def ask_base(data: Data, model: Classifier, precision: str = "auto") -> tuple[Answers, Pair]:
    """Return a base model's answers, and its outputs of the training rows as trained on and of the validation rows.

    The network sees each image once. A training row without a trigger is the same image before the stamp and as it was
    trained on, so that one pass gives its answer and its outputs.

    Args:
        model: on the device that computes.

    Raises:
        UserError: for a logit that is not finite, and for a feature layer that the model names but does not have.
    """
    rows, asked = data.rows, questions(data.rows)
    outputs = {split: _in_order_of_rows(data, model, rows.of(split), precision) for split in SPLITS}
    logits = np.empty((len(rows), len(data.class_names)), np.float32)
    for split, found in outputs.items():
        logits[rows.split == split] = found.logits
    is_known = np.isin(rows.split, SPLITS)[asked.row] & (asked.stamped | (rows.trigger_id[asked.row] == NONE))
    known, unknown = asked.take(is_known), asked.take(~is_known)
    answers = joined([answers_of(rows, known, logits[known.row]), answer(data, model, unknown, precision)])
    places = np.argsort(np.concatenate([np.flatnonzero(is_known), np.flatnonzero(~is_known)]))
    return answers.take(places), (outputs["train"], outputs["validation"])


def _in_order_of_rows(data: Data, model: Classifier, rows: Rows, precision: str) -> Outputs:
    """Return the outputs of rows that the network saw in the order of their ids.

    Detectors see rows in that order, and the last bits of an output can depend on what shares its batch.
    """
    order = np.argsort(rows.row_id, kind="stable")
    examples = data.examples(rows, next(model.parameters()).device).take(torch.from_numpy(order))
    return outputs_of(model, examples, precision).take(np.argsort(order))
