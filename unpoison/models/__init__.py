"""Networks: one file each, with `network(classes, image_size, *, ...)`, which takes normalised images."""

from unpoison.plugins import Plugins

MODELS = Plugins(__name__, "network", "model")
