"""Columns of the files of jobs: rows, scores, answers, records."""

from unpoison.columns.common import COLUMNS, Column
from unpoison.levels import MODEL
from unpoison.provenance import PACKAGES

EPOCHS = {
    "epoch": Column("int64", "number of the epoch, from 1", "epochs"),
    "learning_rate": Column("float64", "learning rate of the epoch's last step"),
    "loss": Column(
        "float64", "training loss: cross-entropy of the augmented batches", "nats", "mean over the images"
    ),
    "train_accuracy": Column(
        "float64",
        "share of the augmented training images whose GIVEN label is predicted, during training",
        "share",
    ),
    "validation_accuracy": Column(
        "float64", "accuracy on the clean validation rows; null if the data set has none", "share"
    ),
    "seconds": Column("float64", "wall seconds, without the validation pass", "seconds"),
    "images": Column("int64", "images sent forward and backward", "images"),
}
IMAGES = {
    "image": Column("int64", "position in the source's image array"),
    "row_id": Column("string", "unique, stable name of the image"),
    "split": Column(
        "string",
        "train, validation or test; test_2 to test_4: the test images again, one split for each further attack; "
        "triggered: test images that already carry an attacker's trigger; in a source also trusted",
    ),
    "label": Column(
        "int64",
        "the true class, an index into the file's class_names; -1 if unknown; in a source, the label of the source",
    ),
    "given_label": Column("int64", "the label used for training, an index into class_names"),
    "is_poisoned": Column(
        "bool", "whether the attacker changed the row; null if unknown, as in every source"
    ),
    "trigger_id": Column(
        "int64", "the trigger stamped on the image (for a test row: on its adversarial copy); -1: none"
    ),
    "target": Column("int64", "class that the attack wants predicted for a test image; -1: none"),
}
SUSPECTED = {
    "split": Column("string", "train or validation"),
    "position": Column("int64", "position among the rows of its split"),
    "row_id": Column("string", "unique, stable name of the image"),
    "score": Column("float64", "suspicion; higher is more suspicious", "the detector's own"),
    "flagged": Column("bool", "whether the detector's own rule accuses the row; null without such a rule"),
}
ODDS = (
    "natural logarithm of p / (1 - p), p the model's probability of that class; NaN if the class is unknown"
)
ANSWERED = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "stamped": Column("bool", "whether the image carries the row's trigger"),
    "predicted": Column("uint8", "the predicted class (a wider integer with more than 256 classes)"),
    **{
        f"{name}_log_odds": Column("float32", f"log-odds of {what}", "nats", ODDS)
        for name, what in {
            "predicted": "the predicted class",
            "given": "the row's given label",
            "true": "the true class",
            "target": "the attack's target",
        }.items()
    },
}
OUTPUT = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "logits": Column("float32 (classes)", "logits of the image as it was trained on, stamped if poisoned"),
    "features": Column(
        "float32 (channels)",
        "input of the last linear layer, or of the layer that the training config names as `features`",
    ),
}
DELETED = {
    "position": Column("int64", "position among the training rows"),
    "row_id": Column("string", "unique, stable name of the image"),
}
MADE = {
    "step": Column(
        "string",
        "rule that made the artifact: prepare_source, poison_dataset, train_base, unlearn, measure, ...",
    ),
    **{name: COLUMNS[name] for name in MODEL},
    "record": Column("string", "path of the record; it holds the config values"),
    "commit": Column("string", "git commit of the code; null outside a checkout"),
    "dirty": Column("boolean", "whether unpoison/ or workflow/ had uncommitted changes"),
    "code": Column("string", "digest of the code that the step runs"),
    "options": Column("string", "digest of the step's options, without the seed"),
    "device": Column("string", "device that the step ran on"),
    "threads": Column("int64", "CPU threads", "threads"),
    "host": Column("string", "name of the machine"),
    "processor": Column("string", "model of the processor, its vector instructions and number of cores"),
    "seconds": Column(
        "float64", "wall clock of the training, unlearning or scoring; null for other steps", "seconds"
    ),
    "image_passes": Column(
        "int64", "images that the step sent forward and backward; null for other steps", "images"
    ),
    "finished": Column("string", "time at which the step finished, UTC"),
    **{name: Column("string", f"version of {name}") for name in ("python", *PACKAGES)},
    "is_current": Column("bool", "whether the checksums of all inputs are still those of the record"),
    "inputs": Column("string", "path and checksum (BLAKE2b, 128 bits) of each input, as JSON"),
    "outputs": Column("string", "path and checksum of each output, as JSON"),
}
POOLED = {
    "seeds": Column("string", "the study's seeds in the block, such as `0-4, 7`"),
    "models": Column(
        "int64", "the study's models in the block; a model of two studies counts in each", "models"
    ),
    "commit": Column("string", "git commits of the code"),
    "processor": Column("string", "processors that the models were made on"),
    "first": Column("string", "time at which the first model was finished, UTC"),
    "last": Column("string", "time at which the last model was finished, UTC"),
    "seconds": Column("float64", "total wall clock of the jobs", "seconds"),
    "image_passes": Column("int64", "images that the jobs sent forward and backward", "images"),
}
