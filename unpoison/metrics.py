"""The metrics by name: what each is, its formula, its unit and where it comes from; measured by `evaluation`."""

from dataclasses import dataclass
from textwrap import shorten

from unpoison.rows import TEST_SPLITS
from unpoison.text import as_table


@dataclass(frozen=True)
class Metric:
    """unit; whether more is better (None: neither); what it is; its formula in the notation below; its source.

    f(x) is the class that the model predicts for image x, y its true class, t(x) the image stamped with the
    trigger of its class's attack, a the class that the attack wants it to get; mean over the rows that are named.
    """

    unit: str
    higher_is_better: bool | None
    meaning: str
    formula: str
    source: str


class Metrics(dict[str, Metric]):
    """The metrics by name; shown as a table."""

    def __repr__(self) -> str:
        """Show name, unit, whether more is better, what it is."""
        better = {True: "higher", False: "lower", None: "neither"}
        lines = [
            (
                name,
                metric.unit,
                better[metric.higher_is_better],
                shorten(metric.meaning, 90, placeholder=" ..."),
            )
            for name, metric in self.items()
        ]
        return as_table(("metric", "unit", "better", "what it is"), lines)


_ALL = {
    "clean_accuracy": Metric(
        "share",
        True,
        "untouched test images whose true class is predicted",
        "mean[f(x) = y] over the test rows",
        "Gu et al. 2017 (arXiv 1708.06733); Schoepf et al. 2025 (REM, arXiv 2505.17730): Utility",
    ),
    "adversarial_accuracy": Metric(
        "share",
        True,
        "test images stamped with the trigger of their own class's attack whose TRUE class is predicted; of "
        "several attacks, each image once for each attack on its class",
        "mean[f(t(x)) = y] over the test rows whose class has an attack",
        "Goel et al. 2024 (arXiv 2402.14015): adversarial test accuracy; "
        "Wu et al. 2022 (BackdoorBench, arXiv 2206.12654): robust accuracy, there without the target class",
    ),
    **{
        f"adversarial_accuracy_of_attack_{number}": Metric(
            "share",
            True,
            f"adversarial accuracy of attack {number} of several at once, in the order of the names of the parts",
            f"mean[f(t(x)) = y] over the test rows whose class has attack {number}, t being its stamp",
            "Goel et al. 2024 (arXiv 2402.14015): adversarial test accuracy; several attacks as in Li et al. 2024 "
            "(arXiv 2401.15295)",
        )
        for number in range(1, len(TEST_SPLITS) + 1)
    },
    "attack_success_rate": Metric(
        "share",
        False,
        "stamped test images, those of the target class left out, predicted as the attack's target",
        "mean[f(t(x)) = a] over the test rows whose class has an attack and with y other than a",
        "Gu et al. 2017 (arXiv 1708.06733); Wu et al. 2022 (BackdoorBench, arXiv 2206.12654): ASR",
    ),
    "confused_accuracy": Metric(
        "share",
        True,
        "untouched test images of the classes that an attack without a trigger confuses, whose true class is "
        "predicted",
        "mean[f(x) = y] over the test rows of the confused classes",
        "Goel et al. 2024 (arXiv 2402.14015): interclass confusion, test accuracy of the two classes",
    ),
    "unconfused_accuracy": Metric(
        "share",
        True,
        "untouched test images of all other classes, whose true class is predicted; with such an attack only",
        "mean[f(x) = y] over the test rows of the other classes",
        "Goel et al. 2024 (arXiv 2402.14015): interclass confusion, test accuracy of the other classes",
    ),
    "corrected_accuracy": Metric(
        "share",
        True,
        "poisoned training images, stamped where the attack has a trigger, whose TRUE class is predicted",
        "mean[f(t(x)) = y] over the poisoned training rows",
        "Goel et al. 2024 (arXiv 2402.14015): Acc_corr; Schoepf et al. 2025 (REM, arXiv 2505.17730): Healed",
    ),
    "utility_x_healed": Metric(
        "share",
        True,
        "clean_accuracy times corrected_accuracy",
        "clean_accuracy * corrected_accuracy",
        "Schoepf et al. 2025 (REM, arXiv 2505.17730): Utility x Healed",
    ),
    "retained_accuracy": Metric(
        "share",
        True,
        "clean training images outside the deletion set, not augmented, whose true class is predicted",
        "mean[f(x) = y] over the clean training rows outside the deletion set",
        "Goel et al. 2024 (arXiv 2402.14015): Acc_retain; there of the unaffected domain",
    ),
    "given_label_agreement": Metric(
        "share",
        None,
        "training images outside the deletion set, as they were trained on but not augmented, whose GIVEN label is "
        "predicted; by class: by given label",
        "mean[f(x) = given label of x] over the training rows outside the deletion set, x with its trigger if any",
        "ours: needs no true class; a wrong label that is still learned counts as much as a right one",
    ),
    "worst_class_clean_accuracy": Metric(
        "share",
        True,
        "the lowest clean accuracy of a class",
        "min over classes of clean_accuracy",
        "Sagawa et al. 2020 (arXiv 1911.08731): worst-group accuracy, with classes as groups",
    ),
    "worst_class_adversarial_accuracy": Metric(
        "share",
        True,
        "the lowest adversarial accuracy of a class",
        "min over attacked classes of adversarial_accuracy",
        "Sagawa et al. 2020 (arXiv 1911.08731): worst-group accuracy, with classes as groups",
    ),
    "unlearning_seconds": Metric(
        "seconds",
        False,
        "wall seconds of the method, evaluation left out (of the training, for a reference trained from scratch)",
        "wall clock at the method's end less that at its start; 0 for do_nothing",
        "ours; wall and not CPU seconds",
    ),
    "image_passes": Metric(
        "images",
        False,
        "images sent through a network forward and backward by the method",
        "sum of the sizes of all batches that go forward and backward; 0 for do_nothing",
        "ours: a cost that no machine changes",
    ),
    "forward_passes": Metric(
        "images",
        False,
        "images sent through a network forward alone by the method: a teacher's logits, say",
        "sum of the sizes of all batches that go forward only; 0 for do_nothing",
        "ours: a cost that no machine changes",
    ),
    "detector_auroc": Metric(
        "share",
        True,
        "how often a poisoned training row scores higher than a clean one, of the deletion set's detector if any",
        "(pairs of a poisoned and a clean training row with the poisoned one higher + 0.5 * equal pairs) / all pairs",
        "Hanley and McNeil 1982 (Radiology 143): area under the ROC curve",
    ),
    "detector_average_precision": Metric(
        "share",
        True,
        "precision averaged over the recall of all thresholds of that detector; chance is the share of poisons",
        "sum over thresholds, the highest first, of (recall - recall before) * precision",
        "Zhu 2004 (Recall, precision and average precision, University of Waterloo); no interpolation",
    ),
}
METRICS = Metrics(_ALL)
