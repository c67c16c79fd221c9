"""The names that identify models: levels of a config, columns of tables, and folders of the reference models."""

LEVELS = ("dataset", "poison", "training", "deletion", "method")  # each is an entry of a config
BASE_MODEL = ("dataset", "poison", "training", "seed")  # identifies a base model
MODEL = (*BASE_MODEL, "deletion", "method")
IDENTITY = ("study", *MODEL)  # identifies a row of the results
PLACE = ("study", "dataset", "poison", "attack", "training")  # seeds are averaged within each of these
CELL = (*PLACE, "deletion")
REFERENCES = {
    "do_nothing": "base",
    "oracle": "oracle",
}  # methods that need no deletion set, with their folders
