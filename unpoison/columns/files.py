"""Columns of the files of jobs: rows, scores, answers, records."""

from unpoison.columns.common import COLUMNS, Column
from unpoison.levels import MODEL
from unpoison.provenance import PACKAGES

EPOCHS = {
    "epoch": Column("int64", "number of the epoch, from 1", "epochs"),
    "learning_rate": Column("float64", "rate of its last step"),
    "loss": Column(
        "float64", "cross-entropy of the batches as they were trained on", "nats", "mean over the images"
    ),
    "train_accuracy": Column(
        "float64", "share of the images, augmented, whose GIVEN label is predicted, while training", "share"
    ),
    "validation_accuracy": Column(
        "float64", "accuracy on the clean validation rows; null where the data set sets none aside", "share"
    ),
    "seconds": Column("float64", "wall seconds, the validation pass left out", "seconds"),
    "images": Column("int64", "images sent forward and backward", "images"),
}
IMAGES = {
    "image": Column("int64", "position in the source's image array"),
    "row_id": Column("string", "the image's own stable name"),
    "split": Column(
        "string",
        "train, validation or test; test_2 to test_4: test images once more, for a further one of several attacks; "
        "triggered: test images that carry an attacker's trigger already; in a source also trusted",
    ),
    "label": Column(
        "int64",
        "the true class, an index into the file's class_names; -1: nobody knows it; in a source what it says",
    ),
    "given_label": Column("int64", "the class that the trainer is told"),
    "is_poisoned": Column("bool", "whether the attacker changed it; null: nobody knows, as in every source"),
    "trigger_id": Column(
        "int64", "the trigger stamped on it (of a test row: on its adversarial twin); -1: none"
    ),
    "target": Column("int64", "what the attack wants a test image to be taken for; -1: nothing"),
}
SUSPECTED = {
    "split": Column("string", "train or validation"),
    "position": Column("int64", "position among the rows of its split"),
    "row_id": Column("string", "the image's own stable name"),
    "score": Column("float64", "suspicion; higher is more suspicious", "the detector's own"),
    "flagged": Column("bool", "whether the detector's own rule accuses it; null where it has no rule"),
}
ODDS = "natural logarithm of p / (1 - p), p the model's probability of that class; NaN where nobody knows the class"
ANSWERED = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "stamped": Column("bool", "whether the image carries the row's trigger"),
    "predicted": Column("uint8", "the predicted class (a wider integer with more than 256 classes)"),
    **{
        f"{name}_log_odds": Column("float32", f"log-odds of {what}", "nats", ODDS)
        for name, what in {
            "predicted": "the predicted class",
            "given": "the label that the row was given",
            "true": "the true class",
            "target": "the attack's target",
        }.items()
    },
}
OUTPUT = {
    "row": Column("int32", "position of the row in `rows.parquet` of the data set"),
    "logits": Column("float32 (classes)", "logits, the image stamped where it was when it was trained on"),
    "features": Column(
        "float32 (channels)",
        "input of the last linear layer, or of the layer that the training names as features",
    ),
}
DELETED = {
    "position": Column("int64", "position among the training rows"),
    "row_id": Column("string", "the image's own stable name"),
}
MADE = {
    "step": Column(
        "string", "the rule that made it: prepare_source, poison_dataset, train_base, unlearn, measure, ..."
    ),
    **{name: COLUMNS[name] for name in MODEL},
    "record": Column("string", "path of the record, which holds the config values"),
    "commit": Column("string", "git commit of the code; null outside a checkout"),
    "dirty": Column("boolean", "whether unpoison/ or workflow/ had changes"),
    "code": Column("string", "digest of the code that the step runs"),
    "options": Column("string", "digest of the options that the step was given, without the seed"),
    "device": Column("string", "what it ran on"),
    "threads": Column("int64", "CPU threads", "threads"),
    "host": Column("string", "name of the machine"),
    "processor": Column("string", "model of the processor, its vector instructions and number of cores"),
    "seconds": Column(
        "float64", "wall clock of the training, unlearning or scoring; null of other steps", "seconds"
    ),
    "image_passes": Column(
        "int64", "images that the step sent forward and backward; null of other steps", "images"
    ),
    "finished": Column("string", "when, UTC"),
    **{name: Column("string", f"version of {name}") for name in ("python", *PACKAGES)},
    "is_current": Column("bool", "whether all inputs still are what it was made from, by their checksums"),
    "inputs": Column("string", "path and checksum (BLAKE2b, 128 bits) of each input, as JSON"),
    "outputs": Column("string", "path and checksum of each output, as JSON"),
}
POOLED = {
    "seeds": Column("string", "its seeds in the block, such as `0-4, 7`"),
    "models": Column("int64", "its models in the block; those of two studies are counted in each", "models"),
    "commit": Column("string", "git commits of the code"),
    "processor": Column("string", "processors that they were made on"),
    "first": Column("string", "when the first model was finished, UTC"),
    "last": Column("string", "when the last model was finished, UTC"),
    "seconds": Column("float64", "wall clock of its jobs, one after another", "seconds"),
    "image_passes": Column("int64", "images that they sent forward and backward", "images"),
}
