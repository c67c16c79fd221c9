"""The training of a network on a data set."""

from unpoison.attacks import before_attack
from unpoison.data import Data
from unpoison.given_weights import load_given
from unpoison.networks import Architecture, Classifier
from unpoison.recipes import Recipe
from unpoison.rows import Rows
from unpoison.steps.setting import Setting, seeded
from unpoison.steps.trying import try_on, warn_of_strangers
from unpoison.training import Epoch, train


def rows_of_role(train_rows: Rows, role: str) -> Rows:
    """Return the training rows of a network in a role.

    base: all rows with the labels they were given, the poisoned model; oracle: the clean rows alone; surrogate: all
    rows as they were before the attack.
    """
    if role == "oracle":
        return train_rows.take(~train_rows.poisoned("an oracle"))
    return before_attack(train_rows) if role == "surrogate" else train_rows


def given_model(
    path: str, data: Data, architecture: Architecture, recipe: Recipe, setting: Setting
) -> Classifier:
    """Return the model to repair, with weights that were trained elsewhere, after a try on the data.

    Args:
        path: of the weights, see `load_given`; recipe: of the further training by methods.
    """
    model = load_given(path, architecture)
    try_on(model, data)
    warn_of_strangers(model.to(setting.device), data, setting.precision)
    model.recipe = recipe
    return model


def train_model(
    data: Data, architecture: Architecture, recipe: Recipe, setting: Setting, *, role: str = "base"
) -> tuple[Classifier, list[Epoch]]:
    """Return a network trained in a role (see `rows_of_role`); each role has its own initial weights and batches.

    The initial weights are always random: given weights are the model to repair, and no training starts from them.
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
