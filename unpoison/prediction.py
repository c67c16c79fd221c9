"""The predictions that a model is judged by."""

import numpy as np
import torch
from torch import nn

from unpoison.evaluation import Predictions, attacked_rows
from unpoison.pixels import EVALUATION_BATCH, Stamp
from unpoison.rows import Rows
from unpoison.training import predict
from unpoison.types import StoredImages


def predict_all(
    model: nn.Module, stored: StoredImages, rows: Rows, stamp: Stamp, precision: str = "auto"
) -> Predictions:
    """The labels that a network gives to the rows on which it is judged."""
    train, test = rows.of("train"), rows.of("test")
    poisoned = train.take(np.array([], np.int64) if train.is_poisoned is None else train.is_poisoned)

    def predicted(chosen: Rows, *, stamped: bool) -> np.ndarray:
        labels = [np.array([], np.int64)]  # an attack without a trigger has no adversarial test
        for start in range(0, len(chosen), EVALUATION_BATCH):
            part = chosen.take(np.arange(start, min(start + EVALUATION_BATCH, len(chosen))))
            images = torch.from_numpy(stored[part.image]).permute(0, 3, 1, 2)
            if stamped:
                images = stamp(images, torch.from_numpy(part.trigger_id))
            labels.append(predict(model, images, precision).argmax(1).cpu().numpy())
        return np.concatenate(labels)

    return Predictions(
        clean=predicted(test, stamped=False),
        adversarial=predicted(attacked_rows(rows), stamped=True),
        manipulated=predicted(poisoned, stamped=True),
        training=predicted(train, stamped=False),
    )
