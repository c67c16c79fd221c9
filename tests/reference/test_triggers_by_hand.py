"""Every trigger's pixels against the formula of its paper, in floating point or by torch's own operations."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample, interpolate

from unpoison.poisons import clean_label, trigger_of
from unpoison.poisons.blend import draw_pattern
from unpoison.poisons.warp import cubic, draw_places

SIZE = 32
ALL = np.zeros(4, np.int64)


def some_images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (4, 3, SIZE, SIZE), dtype=np.uint8)


def stamped(name: str, **options: object) -> np.ndarray:
    return trigger_of(name, options)(some_images(), ALL)


@pytest.mark.parametrize("alpha", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("pattern", ["noise", "rings"])
def test_blend_is_the_weighted_mean_of_image_and_pattern(alpha: float, pattern: str) -> None:
    key = draw_pattern(pattern, 5, SIZE)
    expected = (1 - alpha) * some_images() + alpha * key
    assert np.abs(stamped("blend", alpha=alpha, pattern=pattern, pattern_seed=5) - expected).max() < 0.51
    assert (key.min() < 10, key.max() > 245) == (True, True)


def test_another_seed_is_another_pattern() -> None:
    assert (stamped("blend", pattern_seed=1) != stamped("blend", pattern_seed=2)).mean() > 0.9


def test_sinusoid_adds_a_wave_along_each_line() -> None:
    images = some_images().astype(float)
    for column in range(SIZE):
        images[..., column] += 20 * np.sin(2 * np.pi * column * 6 / SIZE)
    assert np.abs(stamped("sinusoid", amplitude=20.0, frequency=6) - images.clip(0, 255)).max() < 0.51


def test_sinusoid_of_an_amplitude_beyond_the_range_stays_in_it() -> None:
    assert {0, 255} <= set(stamped("sinusoid", amplitude=400.0, frequency=3).ravel().tolist())


@pytest.mark.parametrize("points", [2, 4, 9])
def test_control_points_are_joined_as_torch_joins_them(points: int) -> None:
    control = torch.randn(1, 1, points, points, dtype=torch.float64)
    expected = interpolate(control, SIZE, mode="bicubic", align_corners=True)[0, 0].numpy()
    np.testing.assert_allclose(cubic(points, SIZE) @ control[0, 0].numpy() @ cubic(points, SIZE).T, expected)


@pytest.mark.parametrize("strength", [0.5, 4.0, 60.0])
def test_warp_reads_pixels_where_torch_reads_them(strength: float) -> None:
    control = np.random.default_rng(7).uniform(-1, 1, (2, 4, 4))
    control = torch.from_numpy(control / np.abs(control).mean())
    shift = interpolate(control[None], SIZE, mode="bicubic", align_corners=True)[0]
    steps = torch.linspace(-1, 1, SIZE, dtype=torch.float64)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    places = torch.stack([across + strength * shift[1] / SIZE, down + strength * shift[0] / SIZE], dim=2)
    images = torch.from_numpy(some_images()).double()
    expected = grid_sample(images, places.clamp(-1, 1).expand(4, -1, -1, -1), align_corners=True)
    found = stamped("warp", strength=strength, grid=4, field_seed=7)
    assert np.abs(found - expected.numpy()).max() < 0.53  # half a level, plus the error of 15-bit weights
    assert (found != some_images()).mean() > 0.5


def test_a_warp_moves_pixels_by_a_quarter_of_a_pixel_on_average_at_the_published_strength() -> None:
    moved = draw_places(0.5, SIZE, 0, SIZE) - np.mgrid[:SIZE, :SIZE]  # one control point for each pixel
    assert 0.15 < np.abs(moved).mean() < 0.25  # a little less, as places are clipped at the edge


def test_a_warp_leaves_a_plain_image_plain() -> None:
    plain = np.full((4, 3, SIZE, SIZE), 201, np.uint8)
    assert (trigger_of("warp", {"strength": 3.0})(plain, ALL) == 201).all()


WHITE, BLACK = "X", "."
BOARD = {"left": "X../.X./X.X", "right": "..X/.X./X.X"}


@pytest.mark.parametrize("trigger", ["four_corners", "bottom_right"])
def test_clean_label_sets_the_papers_checkerboard_in_its_corners(trigger: str) -> None:
    faint, full = (stamped("clean_label", trigger=trigger, amplitude=amplitude) for amplitude in (32, 255))
    expected = some_images().astype(int)
    corners = (
        [("bottom", "right")] if trigger == "bottom_right" else itertools.product(("top", "bottom"), BOARD)
    )
    for down, across in corners:
        for line, text in enumerate(BOARD[across].split("/")):
            for column, shade in enumerate(text):
                place = (
                    line if down == "top" else SIZE - 3 + line,
                    column if across == "left" else SIZE - 3 + column,
                )
                expected[:, :, *place] += 32 if shade == WHITE else -32
                assert (full[:, :, *place] == (255 if shade == WHITE else 0)).all()
    np.testing.assert_array_equal(faint, expected.clip(0, 255))


def test_a_mirrored_image_has_the_four_corners_of_clean_label() -> None:
    full = stamped("clean_label", trigger="four_corners", amplitude=255)
    corners = np.r_[:3, SIZE - 3 : SIZE]
    np.testing.assert_array_equal(
        full[:, :, corners][..., corners], full[..., ::-1][:, :, corners][..., corners]
    )


@pytest.mark.parametrize(("norm", "eps"), [("linf", 16.0), ("l2", 500.0)])
def test_clean_label_goes_straight_up_the_loss_of_a_linear_network(norm: str, eps: float) -> None:
    weights = torch.randn(2, 3 * SIZE * SIZE, generator=torch.Generator().manual_seed(0))
    images = torch.randint(100, 150, (2, 3, SIZE, SIZE), dtype=torch.uint8)  # far from 0 and 255
    truth = torch.tensor([0, 1])
    moved = clean_label.perturb(
        lambda pixels: pixels.flatten(1) @ weights.T * 1e-4, images, truth, norm=norm, eps=eps, steps=4
    )
    up = weights[1 - truth] - weights[truth]  # two classes: the gradient always points this way
    step = up.sign() if norm == "linf" else up / up.norm(dim=1, keepdim=True)
    expected = (eps * step).trunc().view_as(images)
    assert (moved.int() - images.int() - expected).abs().max() <= (0 if norm == "linf" else 1)
