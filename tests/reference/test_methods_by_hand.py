"""Gradient-based methods against slow, obvious loops, and against the limits of their formulas."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import islice

import pytest
import tiny
import torch
from arithmetic import PASS, assert_same
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unpoison.contracts.request import Request
from unpoison.errors import UserError
from unpoison.models import MODELS
from unpoison.recipes import Recipe
from unpoison.seeds import derive_seed
from unpoison.steps.repairing import run_method
from unpoison.training import accuracy
from unpoison.unlearning import METHODS
from unpoison.unlearning._descend import alternate, held
from unpoison.unlearning._last import cut_before
from unpoison.unlearning._preference import preference_loss
from unpoison.unlearning._relabel import other_labels, wrong_labels
from unpoison.unlearning.salun import largest

MakeRequest = Callable[..., Request]
FORGET = range(8)
MODES = pytest.mark.parametrize("mode", ["train", "eval"])
STEPS = 6  # of the longest training here; rounding errors accumulate over the steps


class ByHand:
    """SGD with momentum and weight decay as the textbook writes it, one parameter at a time."""

    def __init__(self, model: nn.Module, recipe: Recipe, steps: int) -> None:
        self.model, self.recipe, self.steps, self.done = model, recipe, steps, 0
        self.velocity = {name: torch.zeros_like(weights) for name, weights in model.named_parameters()}

    def step(self, loss: Tensor, rate: float | None = None) -> None:
        rate = self.recipe.rate(self.done, self.steps) if rate is None else rate
        names, parameters = zip(*self.model.named_parameters(), strict=True)
        for name, weights, gradient in zip(
            names, parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            pull = gradient + self.recipe.weight_decay * weights.detach()
            self.velocity[name] = self.recipe.momentum * self.velocity[name] + pull
            weights.data -= rate * self.velocity[name]
        self.done += 1


def assert_same_network(found: nn.Module, expected: nn.Module) -> None:
    assert_same(found, expected, terms=STEPS * PASS)


def assert_equal_network(found: nn.Module, expected: nn.Module) -> None:
    for key, tensor in expected.state_dict().items():
        assert torch.equal(found.state_dict()[key], tensor), key


def forget_batches(request: Request, steps: int) -> list[tuple[Tensor, Tensor]]:
    return list(request.forget.batches(request.recipe, derive_seed("forget", request.seed), steps=steps))


def retain_batches(request: Request, steps: int) -> list[tuple[Tensor, Tensor]]:
    return list(request.retain.batches(request.recipe, request.seed, steps=steps))


def at_constant_rate(recipe: Recipe) -> Recipe:
    return replace(recipe, warmup=0.0, decay_span=1e30)


def kl(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """Return the KL divergence over classes for each row."""
    p, q = (torch.softmax(logits / temperature, 1) for logits in (teacher, student))
    return (p * (p.log() - q.log())).sum(1)


@pytest.fixture
def request_(make_request: MakeRequest, recipe: Recipe) -> Request:
    """A request: 8 rows to forget in one batch, 46 to retain in three; all terms of the update matter."""
    return make_request(FORGET, recipe=replace(recipe, weight_decay=0.05, warmup=0.3, learning_rate=0.02))


@pytest.fixture
def plain(request_: Request) -> Request:
    """The same request without crops and mirror images."""
    return replace(request_, recipe=replace(request_.recipe, crop_padding=0, flip=False))


# -- negative learning -------------------------------------------------------------------------------


def test_negative_learning_trains_both_sets_from_scratch(request_: Request) -> None:
    found = METHODS["negative_learning"](request_, weight=2.0)
    model = request_.new_model(request_.seed).train()
    rows = request_.retain + replace(request_.forget, labels=request_.forget.labels + 100)
    steps = request_.recipe.steps(len(rows))
    by_hand = ByHand(model, request_.recipe, steps)
    for images, labels in rows.batches(request_.recipe, request_.seed, steps=steps):
        chances = torch.softmax(model(images).float(), 1)
        losses = [
            -chance[label].log() if label < 100 else -2.0 * (1 - chance[label - 100]).log()
            for chance, label in zip(chances, labels.tolist(), strict=True)
        ]
        by_hand.step(torch.stack(losses).mean())
    assert_same_network(found, model.eval())


# -- last: k -----------------------------------------------------------------------------------------


def test_retraining_all_the_layers_is_retraining(request_: Request) -> None:
    assert_equal_network(METHODS["retrain"](request_, last=9, length=1.0), METHODS["retrain"](request_))


def test_finetuning_all_the_layers_is_finetuning(request_: Request) -> None:
    assert_equal_network(METHODS["finetune"](request_, last=9), METHODS["finetune"](request_))


@pytest.mark.parametrize(("name", "last"), [("retrain", 2), ("finetune", 4), ("finetune", 1)])
def test_features_kept_give_what_features_anew_give(
    name: str,
    last: int,
    plain: Request,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    once = METHODS[name](plain, last=last, length=1.0)
    assert "computed once" in capsys.readouterr().out
    monkeypatch.setattr(Recipe, "augments", True)
    anew = METHODS[name](plain, last=last, length=1.0)
    assert "computed anew" in capsys.readouterr().out
    assert_same_network(once, anew)


def test_the_last_layer_is_trained_as_on_its_features_by_hand(request_: Request) -> None:
    expected = deepcopy(request_.model).eval()
    head = expected.network.layers[6]
    hand = ByHand(head, request_.recipe, 3)
    for images, labels in retain_batches(request_, 3):
        hand.step(
            cross_entropy(head(expected.network.layers[:6](expected.prepared(images)).detach()), labels)
        )
    assert_same_network(METHODS["finetune"](request_, last=1, length=0.5), expected)


def test_layers_are_counted_from_the_end_and_blocks_stay_whole(new_model: Callable[[int], nn.Module]) -> None:
    places = {last: cut_before(new_model(0), last) for last in MODELS.constant("resnet9", "LAST")}
    assert places == {1: 6, 2: 5, 4: 4, 5: 3, 7: 2, 8: 1, 9: 0}
    for last in (3, 10):
        with pytest.raises(
            UserError, match=f"last: found {last}, allowed for this network: 1, 2, 4, 5, 7, 8, 9 layers"
        ):
            cut_before(new_model(0), last)


def test_a_network_without_layers_in_a_row_is_refused() -> None:
    with pytest.raises(UserError, match="last: 2 needs a network that is a Sequential called layers; Linear"):
        cut_before(tiny.bare(nn.Linear(2, 2)), 2)


# -- ascent ------------------------------------------------------------------------------------------


@MODES
def test_gradient_ascent_by_hand(mode: str, request_: Request) -> None:
    expected = deepcopy(request_.model).train(mode == "train")
    hand = ByHand(expected, replace(at_constant_rate(request_.recipe), learning_rate=0.005), 2)
    for images, labels in forget_batches(request_, 2):
        hand.step(-cross_entropy(expected(images), labels))
    options = {} if mode == "train" else {"batch_norm": mode}  # training mode is published, and the default
    found = METHODS["gradient_ascent"](request_, epochs=2, learning_rate=0.005, **options)
    assert_same_network(found, expected)


def test_gradient_ascent_ends_at_its_bound(request_: Request, capsys: pytest.CaptureFixture[str]) -> None:
    def loss(model: nn.Module) -> float:
        [(images, labels)] = request_.forget.in_order()
        return cross_entropy(model(images), labels).item()

    still = replace(request_, recipe=replace(request_.recipe, crop_padding=0, flip=False))
    bound = loss(still.model) + 0.3
    found = METHODS["gradient_ascent"](
        still, epochs=400, learning_rate=0.0003, bound=bound, batch_norm="eval"
    )
    assert bound <= loss(found) < bound + 0.1
    assert capsys.readouterr().out.splitlines()[-1].startswith("epoch ")
    untouched = METHODS["gradient_ascent"](still, bound=0.001, batch_norm="eval")
    assert_equal_network(untouched, still.model)


def test_gradient_ascent_goes_back_when_validation_falls(request_: Request) -> None:
    options = {"epochs": 20, "learning_rate": 0.005, "bound": 50.0, "allowed_drop": 0.1}
    base = accuracy(deepcopy(request_.model), request_.validation, "float32")
    held = METHODS["gradient_ascent"](request_, **options)
    assert accuracy(held, request_.validation, "float32") >= base - 0.1
    free = METHODS["gradient_ascent"](request_, **{**options, "allowed_drop": None})
    assert accuracy(free, request_.validation, "float32") < base - 0.1


def test_negative_gradient_plus_by_hand(request_: Request) -> None:
    expected, recipe = deepcopy(request_.model).train(), at_constant_rate(request_.recipe)
    hand = ByHand(expected, replace(recipe, momentum=0.0, weight_decay=0.0), 6)
    for (images, labels), (forget_images, forget_labels) in zip(
        retain_batches(request_, 6), forget_batches(request_, 6), strict=True
    ):
        kept = cross_entropy(
            expected(images), labels
        )  # retain batch first: running statistics depend on the order
        hand.step(0.7 * kept - 0.3 * cross_entropy(expected(forget_images), forget_labels))
    found = METHODS["negative_gradient_plus"](request_, retain_share=0.7, length=1.0)
    assert_same_network(found, expected)


@pytest.mark.parametrize("bound", [0.4, 50.0])
def test_negative_gradient_plus_with_all_our_options_by_hand(bound: float, request_: Request) -> None:
    expected = deepcopy(request_.model)
    hand = ByHand(expected, request_.recipe, 6)
    for (images, labels), (forget_images, forget_labels) in zip(
        retain_batches(request_, 6), forget_batches(request_, 6), strict=True
    ):
        kept = cross_entropy(expected.train()(images), labels)
        away = cross_entropy(expected.eval()(forget_images), forget_labels)
        hand.step(0.7 * kept - 0.3 * (away if away < bound else 0.0))
    ours = {"batch_norm": "eval", "momentum": "recipe", "schedule": "recipe", "bound": bound}
    found = METHODS["negative_gradient_plus"](request_, retain_share=0.7, length=1.0, **ours)
    assert_same_network(found, expected)


def test_chance_is_the_logarithm_of_the_number_of_classes(request_: Request) -> None:
    chance = torch.tensor(3.0).log().item()
    for name, length in (("negative_gradient_plus", {"length": 1.0}), ("gradient_ascent", {"epochs": 3})):
        by_name, by_number = (
            METHODS[name](request_, bound=bound, learning_rate=0.05, **length) for bound in ("chance", chance)
        )
        assert_equal_network(by_name, by_number)


@MODES
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_npo_by_hand(weight: float, mode: str, request_: Request) -> None:
    expected, base, beta = deepcopy(request_.model), deepcopy(request_.model).eval(), 0.8
    hand = ByHand(expected, request_.recipe, 3)
    for (images, labels), (forget_images, forget_labels) in zip(
        retain_batches(request_, 3), forget_batches(request_, 3), strict=True
    ):
        each = torch.arange(len(forget_labels))
        p = torch.softmax(expected.train(mode == "train")(forget_images), 1)[each, forget_labels]
        p0 = torch.softmax(base(forget_images), 1)[each, forget_labels].detach()
        away = (2 / beta * torch.log(1 + (p / p0) ** beta)).mean()
        hand.step(away + weight * cross_entropy(expected.train()(images), labels) if weight else away)
    found = METHODS["npo"](
        request_, inverse_temperature=beta, retain_weight=weight, length=0.5, batch_norm=mode
    )
    assert_same_network(found, expected.eval())


def test_the_slope_of_npo_tends_to_that_of_ascent_and_of_a_hinge() -> None:
    found = torch.tensor([-0.1, -2.0, -9.0], requires_grad=True)
    base = torch.tensor([-0.5, -0.6, -0.7])

    def slope(inverse_temperature: float) -> Tensor:
        return torch.autograd.grad(preference_loss(found, base, inverse_temperature), found)[0]

    torch.testing.assert_close(slope(1e-5), torch.full((3,), 1 / 3), rtol=1e-3, atol=0)  # that of mean log p
    hinge = torch.autograd.grad(2 * (found - base).clamp(min=0).mean(), found)[0]
    assert_same(slope(300.0), hinge, terms=10)


def test_log_probabilities_kept_give_what_they_give_anew(
    plain: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = METHODS["npo"](plain)
    monkeypatch.setattr(Recipe, "augments", True)
    assert_same_network(METHODS["npo"](plain), once)


# -- wrong labels ------------------------------------------------------------------------------------


def test_a_wrong_label_is_never_the_given_one_and_all_others_are_as_likely() -> None:
    given = torch.arange(4).repeat(3000)
    drawn = other_labels(given, 4, torch.Generator().manual_seed(0))
    counts = torch.bincount(4 * given + drawn, minlength=16).view(4, 4)
    assert counts.diagonal().tolist() == [0] * 4
    assert counts.sum() == len(given)
    assert ((counts - 1000).abs() < 100)[~torch.eye(4, dtype=torch.bool)].all()
    two = torch.tensor([0, 1, 1])
    assert other_labels(two, 2, torch.Generator()).tolist() == [1, 0, 0]


def test_wrong_labels_are_drawn_once_or_anew_from_all_classes(request_: Request) -> None:
    once = wrong_labels(request_, 300, 3, "once")
    assert once.shape == (300, 8)
    assert (once == once[0]).all()
    assert (once != request_.forget.labels).all()
    anew = wrong_labels(request_, 300, 3, "anew")
    shares = torch.bincount(anew.flatten(), minlength=3) / anew.numel()
    assert shares.tolist() == pytest.approx([1 / 3] * 3, abs=0.05)
    is_given = (anew == request_.forget.labels).float().mean()
    assert is_given.item() == pytest.approx(1 / 3, abs=0.05)
    assert (anew[0] != anew[1]).any()


@MODES
def test_salun_by_hand(mode: str, request_: Request) -> None:
    """Alternating sets, new labels each epoch, constant rate; a mask of all weights, to test training."""
    expected = deepcopy(request_.model).train()
    hand = ByHand(expected, at_constant_rate(request_.recipe), 8)
    wrong = wrong_labels(request_, 2, 3, "anew")
    forget = forget_batches(replace(request_, forget=request_.forget.numbered()), 2)
    retain = retain_batches(request_, 6)
    for round_ in (0, 1):
        images, rows = forget[round_]
        hand.step(cross_entropy(expected.train(mode == "train")(images), wrong[round_][rows]))
        for images, labels in retain[3 * round_ : 3 * round_ + 3]:
            hand.step(cross_entropy(expected.train()(images), labels))
    options = {} if mode == "train" else {"batch_norm": mode}  # training mode is published, and the default
    assert_same_network(METHODS["salun"](request_, share=1.0, length=1.0, **options), expected)


@MODES
def test_random_labels_by_hand(mode: str, request_: Request, make_request: MakeRequest) -> None:
    """Both sets shuffled together, wrong labels drawn once, constant rate; some batches only retain."""
    request_ = make_request(range(2), recipe=request_.recipe)
    expected = deepcopy(request_.model)
    hand = ByHand(expected, at_constant_rate(request_.recipe), 8)
    both = request_.retain + request_.forget
    wrong = other_labels(
        request_.forget.labels,
        3,
        torch.Generator().manual_seed(derive_seed("wrong labels", request_.seed)),
    )
    labels = torch.cat([request_.retain.labels, wrong])
    met = []
    for images, rows in both.numbered().batches(request_.recipe, request_.seed, steps=8):
        met.append(bool((rows >= 52).any()))
        hand.step(cross_entropy(expected.train(mode == "train" or not met[-1])(images), labels[rows]))
    assert any(met)
    assert not all(met)
    options = {} if mode == "train" else {"batch_norm": mode}
    assert_same_network(METHODS["random_labels"](request_, length=1.0, **options), expected)


def test_salun_with_every_weight_is_random_labels_with_the_same_options(request_: Request) -> None:
    for order, labels, schedule in (("mixed", "once", "constant"), ("in_turn", "anew", "recipe")):
        options = {"order": order, "labels": labels, "schedule": schedule, "batch_norm": "eval"}
        assert_same_network(
            METHODS["salun"](request_, share=1.0, **options), METHODS["random_labels"](request_, **options)
        )


@pytest.mark.parametrize("saliency", ["summed", "per_sample"])
def test_salun_moves_the_weights_of_its_mask_and_no_other_by_a_bit(saliency: str, request_: Request) -> None:
    model, [(images, labels)] = deepcopy(request_.model).eval(), request_.forget.in_order()
    rows = []
    for image, label in zip(images, labels, strict=True):
        loss = cross_entropy(model(image[None]), label[None])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    sizes = sum(rows).abs() if saliency == "summed" else sum(row.abs() for row in rows)
    saved = METHODS["salun"](request_, share=0.3, saliency=saliency)
    before, after = (
        torch.cat([weights.detach().flatten() for weights in network.parameters()])
        for network in (request_.model, saved)
    )
    moved = before != after
    assert moved.float().mean() == pytest.approx(0.3, abs=0.002)
    least = sizes.sort(descending=True).values[round(0.3 * len(sizes))]
    assert (sizes[moved] > 0.99 * least).all()
    assert (sizes[~moved] < 1.01 * least).all()


def test_a_mask_of_nothing_is_empty_and_of_everything_is_full() -> None:
    gradients = [torch.tensor([0.0, -3.0]), torch.tensor([[1.0], [2.0]])]
    assert [mask.flatten().tolist() for mask in largest(gradients, 0.5)] == [[False, True], [False, True]]
    assert not any(mask.any() for mask in largest(gradients, 0.0))
    assert all(mask.all() for mask in largest(gradients, 1.0))


# -- teachers, penalties, vectors --------------------------------------------------------------------


def test_l1_sparse_by_hand(request_: Request) -> None:
    expected = deepcopy(request_.model).train()
    hand = ByHand(expected, at_constant_rate(request_.recipe), 6)
    for step, (images, labels) in enumerate(retain_batches(request_, 6)):
        norm = sum(weights.abs().sum() for weights in expected.parameters())
        left = 1.0 if step < 3 else 0.5  # two passes of three batches each
        hand.step(cross_entropy(expected(images), labels) + 0.01 * left * norm)
    assert_same_network(METHODS["l1_sparse"](request_, penalty=0.01, length=1.0), expected)


def test_l1_sparse_on_filters_alone_by_hand(request_: Request) -> None:
    expected = deepcopy(request_.model).train()
    hand = ByHand(expected, request_.recipe, 6)
    for step, (images, labels) in enumerate(retain_batches(request_, 6)):
        norm = sum(
            weights.abs().sum()
            for name, weights in expected.named_parameters()
            if name.endswith("layers.6.weight")
            or ".0.weight" in name  # filters and the linear layer, without batch norms
        )
        hand.step(cross_entropy(expected(images), labels) + 0.01 * (1.0 if step < 3 else 0.5) * norm)
    ours = {"penalised": "filters", "schedule": "recipe"}
    assert_same_network(METHODS["l1_sparse"](request_, penalty=0.01, length=1.0, **ours), expected)


@pytest.mark.parametrize("reduction", ["batchmean", "mean"])
def test_bad_teacher_by_hand(reduction: str, request_: Request) -> None:
    """With a temperature, without the factor of its square; the mean is over 3 classes."""
    student, teacher = deepcopy(request_.model).train(), deepcopy(request_.model).eval()
    untrained = request_.new_model(derive_seed("untrained teacher", request_.seed)).eval()
    both = (request_.retain + request_.forget).numbered()
    hand = ByHand(student, request_.recipe, 4)
    met = 0
    for images, rows in both.batches(request_.recipe, request_.seed, steps=4):
        l = (rows >= 46).float()[:, None]  # noqa: E741
        target = (1 - l) * teacher(images).detach() + l * untrained(images).detach()
        hand.step(kl(target, student(images), 2.0).mean() / (3 if reduction == "mean" else 1))
        met += int(l.sum())
    assert met == 8
    options = (
        {} if reduction == "mean" else {"reduction": reduction}
    )  # the mean over rows is the default, as in the published code
    assert_same_network(METHODS["bad_teacher"](request_, temperature=2.0, length=0.5, **options), student)


def test_chundawats_training_takes_steps_of_adam_over_a_share_of_the_retain_set(request_: Request) -> None:
    options = {"optimiser": "adam", "learning_rate": 0.0001, "retain_share": 0.3, "length": 0.5}
    model, cost = run_method(METHODS["bad_teacher"], request_, options)
    # 0.3 of 46 rows and 8 to forget in batches of 16 are two steps. A step of Adam is at most the rate.
    assert cost.image_passes == cost.forward_passes == 14 + 8
    pairs = zip(model.parameters(), request_.model.parameters(), strict=True)
    moved = torch.cat([(after - before).detach().abs().flatten() for after, before in pairs])
    assert 0.00003 < float(moved.median()) < float(moved.max()) < 2 * 0.00011


def test_scrub_is_kurmanjis_as_in_the_authors_notebook(request_: Request) -> None:
    """Three rounds at a constant 1/20 of the recipe's rate; the first two begin with ascent on KL alone."""
    student, teacher = deepcopy(request_.model).train(), deepcopy(request_.model).eval()
    hand = ByHand(student, request_.recipe, 11)
    retained, forgotten = iter(retain_batches(request_, 9)), iter(forget_batches(request_, 2))
    for number in range(3):
        if number < 2:
            images, _ = next(forgotten)
            hand.step(-16 * kl(teacher(images).detach(), student(images), 4.0).mean(), rate=0.001)
        for images, labels in islice(retained, 3):
            logits = student(images)
            towards = 16 * kl(teacher(images).detach(), logits, 4.0).mean()
            hand.step(0.001 * towards + 0.99 * cross_entropy(logits, labels), rate=0.001)
    assert_same(METHODS["scrub"](request_), student, terms=11 * PASS)


@pytest.mark.parametrize("batch_norm", ["train", "eval"])
def test_goels_scrub_climbs_the_sum_that_it_descends(batch_norm: str, request_: Request) -> None:
    student, teacher = deepcopy(request_.model), deepcopy(request_.model).eval()
    hand = ByHand(student, replace(request_.recipe, learning_rate=0.002, warmup=0.01, decay_span=1.25), 4)
    signs = [(-1, *forget_batches(request_, 1)[0]), *((1, *batch) for batch in retain_batches(request_, 3))]
    for sign, images, labels in signs:
        student.train(sign == 1 or batch_norm == "train")
        logits = student(images)
        away = 4 * kl(teacher(images).detach(), logits, 2.0).mean()
        hand.step(sign * (0.5 * away + cross_entropy(logits, labels)))
    options = {"objective": "goel", "teacher_weight": 0.5, "temperature": 2.0, "batch_norm": batch_norm}
    assert_same_network(METHODS["scrub"](request_, **options), student)


def test_the_two_scrubs_differ_by_the_cross_entropy_that_goel_climbs(request_: Request) -> None:
    same = {
        "rounds": 1,
        "schedule": "constant",
        "learning_rate": 0.01,
        "label_weight": 0.9,
        "forget_batch": 4,
    }
    found = [METHODS["scrub"](request_, objective=name, **same) for name in ("kurmanji", "goel")]
    losses = [
        sum(
            float(cross_entropy(network(images), labels, reduction="sum").detach())
            for images, labels in request_.forget.in_order()
        )
        for network in found
    ]
    assert losses[1] > 1.05 * losses[0]


def test_scrubs_first_rounds_begin_with_a_max_pass_and_all_end_with_a_min_pass(request_: Request) -> None:
    halves = replace(request_.recipe, batch_size=4)
    found = alternate(request_, request_.recipe, [2, 2, 0], forgetting=halves)
    batches = [(is_forget, len(labels)) for is_forget, _, labels in found]
    climbed, descended = [(True, 4), (True, 4)], [(False, 16), (False, 16), (False, 14)]
    assert batches == [*climbed, *descended, *climbed, *descended, *descended]


def test_a_held_rate_is_the_peak_rate_at_every_step(request_: Request) -> None:
    assert {held(request_.recipe).rate(step, 7) for step in range(7)} == {0.02}


def test_a_task_vector_taken_0_times_is_the_poisoned_model(request_: Request) -> None:
    assert_equal_network(METHODS["task_vector"](request_, scale=0.0), request_.model)


@MODES
def test_task_vector_by_hand(mode: str, request_: Request) -> None:
    tuned, expected = deepcopy(request_.model).train(mode == "train"), deepcopy(request_.model)
    hand = ByHand(tuned, replace(request_.recipe, weight_decay=0.0), 3)
    for images, labels in forget_batches(request_, 3):
        hand.step(cross_entropy(tuned(images), labels))
    for weights, moved in zip(expected.parameters(), tuned.parameters(), strict=True):
        weights.data = weights.data - 2.0 * (moved.data - weights.data)
    found = METHODS["task_vector"](request_, scale=2.0, epochs=3, learning_rate=0.02, batch_norm=mode)
    assert_same_network(found, expected)


def test_a_method_that_runs_away_stops_with_a_sentence(request_: Request) -> None:
    with pytest.raises(UserError, match=r"the training loss is not finite|the network diverged"):
        METHODS["negative_gradient_plus"](request_, learning_rate=1e30)
    with pytest.raises(UserError, match=r"the training loss is not finite|the network diverged"):
        METHODS["gradient_ascent"](request_, learning_rate=1e30)
