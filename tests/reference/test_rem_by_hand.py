"""REM and its deviations against the authors' loop; no trace of the dropped part stays in the network."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn

from unpoison.contracts.request import Request
from unpoison.examples import Examples
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.steps.repairing import run_method as run
from unpoison.unlearning import METHODS, rem
from unpoison.unlearning.rem import Gated, gates_of

FORGET = range(8)


class ByHand:
    """SGD with momentum and weight decay as the textbook writes it."""

    def __init__(self, parameters: list[nn.Parameter], recipe: Recipe) -> None:
        self.parameters, self.recipe = parameters, recipe
        self.velocity = [torch.zeros_like(weights) for weights in parameters]

    def step(self, loss: Tensor, rate: float, only: int | None = None) -> None:
        """Take a step with all parameters, or with the first `only` of them."""
        gradients = torch.autograd.grad(loss, self.parameters[:only])
        for weights, velocity, gradient in zip(self.parameters, self.velocity, gradients, strict=False):
            velocity.mul_(self.recipe.momentum).add_(gradient + self.recipe.weight_decay * weights.detach())
            weights.data -= rate * velocity


@pytest.fixture
def request_(make_request: Callable[..., Request], recipe: Recipe) -> Request:
    """A request: 8 rows to forget and 46 to retain, mixed in batches of 16: a pass is 16 + 16 + 16 + 6."""
    return make_request(FORGET, recipe=replace(recipe, weight_decay=0.05, warmup=0.3, learning_rate=0.02))


def accuracy_of(network: nn.Module, part: Examples) -> float:
    network.eval()
    return sum(int((network(images).argmax(1) == labels).sum()) for images, labels in part.in_order()) / len(
        part
    )


def log_p(logits: Tensor, labels: Tensor) -> Tensor:
    return torch.log(torch.softmax(logits, 1)[torch.arange(len(labels)), labels])


def away(found: Tensor, base: Tensor, b: float) -> Tensor:
    """Return (2 / b) log(1 + (p / p0)^b) for each row."""
    return 2 / b * torch.log(1 + torch.exp(b * (found - base)))


def towards(found: Tensor, base: Tensor, b: float) -> Tensor:
    """Return -(2 / b) log(1 + (p / p0)^b) for each row: the authors' loss for labels to be learned."""
    return -away(found, base, b)


class RemByHand:
    """The authors' loop: flush, an epoch over all rows, flush, an epoch; it keeps the best epoch."""

    def __init__(self, request: Request, b: float, **ours: str) -> None:
        self.request, self.b, self.ours = request, b, ours
        self.recipe = replace(request.recipe, learning_rate=0.004)
        self.model, self.base = deepcopy(request.model), deepcopy(request.model).eval()
        self.beside = request.new_model(derive_seed("dropped network", request.seed)).train()
        self.head = self.beside.network.layers[-1]
        self.gates = gates_of(request, self.head.in_features, 0.2).float()
        parameters = [*self.model.parameters(), *self.beside.parameters()]
        self.hand, self.theirs = ByHand(parameters, self.recipe), list(self.model.parameters())

    def first(self, images: Tensor, is_forget: Tensor) -> Tensor:
        """Return the logits of theta1, the network that is kept."""
        if self.ours.get("batch_norm") != "eval":
            return self.model.train()(images)
        logits = self.model.eval()(images)
        if not is_forget.all():
            logits = logits.index_put((~is_forget,), self.model.train()(images[~is_forget]))
        return logits

    def flush(self, batches: Iterator[tuple[Tensor, Tensor]], passes: int, enough: float) -> None:
        for _ in range(passes):
            if accuracy_of(self.model, self.request.forget) <= enough:
                return
            images, labels = next(batches)
            logits = self.first(images, torch.ones(len(labels), dtype=torch.bool))
            loss = away(log_p(logits, labels), log_p(self.base(images), labels).detach(), self.b).mean()
            self.hand.step(loss, 0.004, only=len(self.theirs))

    def epoch(self, batches: Iterator[tuple[Tensor, Tensor]], number: int, epochs: int) -> None:
        given = torch.cat([self.request.retain.labels, self.request.forget.labels])
        for step in range(4 * number, 4 * number + 4):
            images, rows = next(batches)
            labels, is_forget = given[rows], rows >= 46
            base = log_p(self.base(images), labels).detach()
            alone = self.first(images, is_forget)
            features = self.beside.network.layers[:-1](self.beside.prepared(images))
            both = alone + (features * self.gates[rows]) @ self.head.weight.T
            if self.ours.get("fit") == "cross_entropy":
                loss = -log_p(both, labels).mean()
            else:
                loss = towards(log_p(both, labels), base, self.b).mean()
            if is_forget.any():
                pushed = away(log_p(alone, labels), base, self.b)[is_forget]
                loss = loss + (
                    pushed.mean() if self.ours.get("weighting") == "sets" else pushed.sum() / len(rows)
                )
            pace = self.recipe.rate(step, 4 * epochs) if self.ours.get("schedule") == "recipe" else 0.004
            self.hand.step(loss, pace)

    def run(self, *, epochs: int, passes: int, enough: float) -> nn.Module:
        request, seed = self.request, derive_seed("forget", self.request.seed)
        pushes = iter(request.forget.batches(self.recipe, seed, steps=epochs * passes))
        both = (request.retain + request.forget).numbered()
        batches = iter(both.batches(self.recipe, request.seed, steps=4 * epochs))
        kept = [(self.worth(enough), deepcopy(self.model))]
        for number in range(epochs):
            if number == 0 or self.ours.get("flush") != "once":
                self.flush(pushes, passes, enough)
            self.epoch(batches, number, epochs)
            kept.append((self.worth(enough), deepcopy(self.model)))
        return self.model if self.ours.get("keep") == "last" else max(kept, key=lambda pair: pair[0])[1]

    def worth(self, enough: float) -> float:
        retained, forgotten = (
            accuracy_of(self.model, part) for part in (self.request.retain, self.request.forget)
        )
        return retained * (1 - max(forgotten, enough))


def test_rem_is_the_authors_loop(request_: Request) -> None:
    """Two epochs, each after two flush passes over the deletion set; constant rate, 1/5 of the recipe's."""
    expected = RemByHand(request_, 1.0, keep="last").run(epochs=2, passes=2, enough=0.0)
    found = METHODS["rem"](request_, length=1.0, removal_passes=2, label_accuracy=0.0, keep="last")
    assert_same(found, expected, terms=12 * PASS)


@pytest.mark.parametrize(
    "ours",
    [
        {"flush": "once"},
        {"schedule": "recipe"},
        {"weighting": "sets"},
        {"fit": "cross_entropy"},
        {"batch_norm": "eval"},
    ],
    ids=str,
)
def test_each_deviation_of_rem_by_hand(ours: dict[str, str], request_: Request) -> None:
    expected = RemByHand(request_, 0.8, keep="last", **ours).run(epochs=2, passes=1, enough=0.0)
    options = {
        "length": 1.0,
        "removal_passes": 1,
        "label_accuracy": 0.0,
        "inverse_temperature": 0.8,
        "keep": "last",
    }
    assert_same(METHODS["rem"](request_, **options, **ours), expected, terms=10 * PASS)


def test_rem_keeps_its_best_epoch(
    request_: Request, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Best by retain accuracy x (1 - max(forget accuracy, gamma)); here after three of four epochs."""
    worths = iter([0.1, 0.2, 0.2, 0.9, 0.3])
    monkeypatch.setattr(rem, "worth", lambda *_: next(worths))
    best = METHODS["rem"](request_, length=2.0, removal_passes=1)
    recipe = replace(request_.recipe, epochs=4)
    three = METHODS["rem"](replace(request_, recipe=recipe), length=0.75, removal_passes=1, keep="last")
    assert_same(best, three, terms=0)


def test_the_worth_of_an_epoch_counts_no_forgetting_below_gamma(request_: Request) -> None:
    model = deepcopy(request_.model)
    retained, forgotten = (accuracy_of(model, part) for part in (request_.retain, request_.forget))
    assert forgotten > 0.2
    assert rem.worth(model, request_, 0.2) == pytest.approx(retained * (1 - forgotten))
    assert rem.worth(model, request_, 1.0) == 0


def test_a_flush_ends_once_the_given_labels_are_no_longer_predicted(
    request_: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"learning_rate": 0.02, "keep": "last", "length": 0.5}
    METHODS["rem"](request_, removal_passes=200, **options)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("flush")]
    shares = [float(line.split()[-1].rstrip("%")) for line in lines]
    assert 1 < len(shares) < 200
    assert min(shares[:-1]) > 20 >= shares[-1]


def test_a_network_behind_closed_gates_adds_nothing_even_where_its_last_layer_has_a_bias() -> None:
    head = nn.Linear(4, 3, bias=True)
    beside = Gated(nn.Sequential(nn.Linear(2, 4), head), head)
    images = torch.rand(5, 2)
    assert torch.equal(beside.behind(torch.zeros(5, 4))(images), torch.zeros(5, 3))
    assert beside.behind(torch.ones(5, 4))(images).abs().min() > 0


def test_the_deletion_set_shares_its_gates_and_each_retained_row_keeps_its_own(request_: Request) -> None:
    gates = gates_of(request_, 8, 0.25)
    assert gates.shape == (54, 8)
    assert gates.sum(1).tolist() == [2] * 54
    assert len({tuple(row.tolist()) for row in gates[:46]}) > 10
    assert len({tuple(row.tolist()) for row in gates[46:]}) == 1
    assert gates_of(request_, 8, 0.0)[-1].sum() == 1


def test_nothing_of_what_is_dropped_is_in_the_network_that_is_given_back(request_: Request) -> None:
    found, cost = run(
        METHODS["rem"], request_, {"length": 1.0, "removal_passes": 3, "label_accuracy": 0.0, "keep": "last"}
    )
    plain = request_.new_model(0)
    plain.load_state_dict(found.state_dict())  # strict: keys and shapes equal the plain network's
    images = request_.retain._pixels.images
    assert torch.equal(plain.eval()(images), found(images))
    assert not any(module._forward_pre_hooks for module in found.modules())
    # Two flushes of three passes of 8 rows. Two epochs of 54 rows through both networks.
    # Forward: the poisoned network in each, and the accuracy of the 8 rows four times a flush.
    assert (cost.image_passes, cost.forward_passes) == (2 * 3 * 8 + 2 * 2 * 54, 2 * (3 * 8 + 54 + 4 * 8))
