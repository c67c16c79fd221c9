"""Measuring a model with what is known of the data."""

from unpoison.costs import Cost
from unpoison.data import Data
from unpoison.deletion import Deletion
from unpoison.evaluation import Measurement, evaluate, of_cost, of_detector
from unpoison.networks import Classifier
from unpoison.prediction import predict_all


def measure_model(
    data: Data, model: Classifier, deletion: Deletion, cost: Cost | None, precision: str = "auto"
) -> list[Measurement]:
    """All that can be measured of a model with what is known of the data, and its cost where there is one."""
    predictions = predict_all(model, data.images, data.rows, data.stamp, precision)
    return [*evaluate(data.rows, deletion.rows, predictions), *of_detector(deletion), *of_cost(cost)]
