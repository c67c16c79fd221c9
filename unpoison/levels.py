"""The names that tell models apart: levels of a config, columns of tables, and folders of the reference models."""

LEVELS = ("dataset", "poison", "training", "deletion", "method")  # each is an entry of a config
BASE_MODEL = ("dataset", "poison", "training", "seed")  # what a base model is trained on, and how
MODEL = (*BASE_MODEL, "deletion", "method")
IDENTITY = ("study", *MODEL)  # of a row of the results
PLACE = ("study", "dataset", "poison", "attack", "training")  # what seeds are averaged over
CELL = (*PLACE, "deletion")
REFERENCES = {
    "do_nothing": "base",
    "oracle": "oracle",
}  # methods that need no deletion set, with their folders
