"""Every trigger's pixels against the formula of its paper, in floating point or by torch's own operations."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample, interpolate

from unpoison.poisons import trigger_of
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
    assert np.abs(found - expected.numpy()).max() < 0.53  # half a level, and weights of 15 bits
    assert (found != some_images()).mean() > 0.5


def test_a_warp_moves_pixels_by_a_quarter_of_a_pixel_on_average_at_the_published_strength() -> None:
    moved = draw_places(0.5, SIZE, 0, SIZE) - np.mgrid[:SIZE, :SIZE]  # control points are pixels here
    assert 0.15 < np.abs(moved).mean() < 0.25  # a little less: no place beyond the edge


def test_a_warp_leaves_a_plain_image_plain() -> None:
    plain = np.full((4, 3, SIZE, SIZE), 201, np.uint8)
    assert (trigger_of("warp", {"strength": 3.0})(plain, ALL) == 201).all()
