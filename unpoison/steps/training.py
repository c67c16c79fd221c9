"""Training a network on a data set."""

from unpoison.attacks import before_attack
from unpoison.data import Data
from unpoison.networks import Architecture, Classifier
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.steps.setting import Setting, seeded
from unpoison.training import Epoch, train
from unpoison.weights import load_given


def rows_of_role(train_rows: Rows, role: str) -> Rows:
    """The training rows of a network in a role.

    base: all rows with the labels they were given, the poisoned model; oracle: the clean rows alone; surrogate: all
    rows as they were before the attack.
    """
    if role == "oracle":
        return train_rows.take(~train_rows.poisoned("an oracle"))
    return before_attack(train_rows) if role == "surrogate" else train_rows


def given_model(path: str, architecture: Architecture, recipe: Recipe) -> Classifier:
    """The model to repair, with weights that were trained elsewhere; recipe: what methods go on training by."""
    model = load_given(path, architecture)
    model.recipe = recipe
    return model


def train_model(
    data: Data, architecture: Architecture, recipe: Recipe, setting: Setting, *, role: str = "base"
) -> tuple[Classifier, list[Epoch]]:
    """A network trained in a role (see `rows_of_role`), from weights and in batches that are the role's own.

    Weights are always drawn anew: given ones are the model to repair, and no training starts from them.
    """
    seed, device = setting.seed_of(role), setting.device
    model = architecture.new(seed).to(device)
    with seeded(seed, device):
        history = train(
            model,
            data.examples(rows_of_role(data.rows.of("train"), role), device),
            recipe,
            seed,
            precision=setting.precision,
            validation=data.examples(data.rows.of("validation"), device),
        )
    model.recipe = recipe
    return model.eval(), history
