"""Quick sums against the plain formulas that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from monitor.vision import Label, artefacts
from monitor.vision.bank import agreement, agreements, bank_of, directions
from monitor.vision.features import coarse_detail, describe, edge_field, fine_detail
from monitor.vision.model import CameraModel, learn
from monitor.vision.planes import Plane, block_mean, box, halve, quantile, shrink
from tests.monitor.vision.drawing import Shot, shifted, snap, view

SEEDS = st.integers(0, 2**32 - 1)
FINE = (216, 384)


def plane(seed: int, shape: tuple[int, int]) -> Plane:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(0, 7))
def test_a_box_is_the_mean_of_its_square(seed: int, shape: tuple[int, int], radius: int) -> None:
    given_plane = plane(seed, shape)
    padded = np.pad(given_plane, radius, mode="edge")
    squares = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    assert np.allclose(box(given_plane, radius), squares.mean((2, 3)), atol=1e-3)


@pytest.mark.parametrize("size", [(270, 480), (360, 640), (216, 384), (432, 768), (540, 960)])
def test_shrinking_by_a_simple_ratio_is_what_pillow_does(size: tuple[int, int]) -> None:
    given_plane = plane(1, size)
    found = shrink(given_plane, *FINE)
    assert found is not None
    plain = Image.fromarray(given_plane).resize(FINE[::-1], Image.Resampling.BOX)
    assert np.allclose(found, np.asarray(plain), atol=1e-3)


@pytest.mark.parametrize("size", [(363, 645), (200, 384), (216, 300), (1, 1)])
def test_other_sizes_are_left_to_pillow(size: tuple[int, int]) -> None:
    assert shrink(plane(1, size), *FINE) is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40), st.floats(0, 1))
def test_a_quantile_lies_between_its_neighbours(values: list[float], share: float) -> None:
    array = np.array(values, dtype=np.float32)
    assert quantile(array, share) == pytest.approx(float(np.quantile(array.astype(np.float64), share)), abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_block_means_and_halves_are_means(seed: int) -> None:
    given_plane = plane(seed, FINE)
    assert np.allclose(block_mean(given_plane), given_plane.reshape(12, 18, 16, 24).mean((1, 3)), atol=1e-3)
    assert np.allclose(halve(given_plane), given_plane.reshape(108, 2, 192, 2).mean((1, 3)), atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_fine_detail_is_what_differs_from_the_mean_of_nine(seed: int) -> None:
    luma = plane(seed, FINE)
    off = (luma - box(luma, 1))[1::3]
    assert np.allclose(fine_detail(luma), block_mean(off**2), rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_coarse_detail_is_what_differs_between_near_and_far(seed: int) -> None:
    half = plane(seed, (108, 192))
    off = (box(half, 2) - box(half, 6))[1::3]
    assert np.allclose(coarse_detail(half), block_mean(off**2), rtol=1e-3)


def test_the_direction_of_edges_is_the_square_of_the_gradient() -> None:
    half = plane(3, (108, 192))
    padded = np.pad(half, 1, mode="edge")
    gradient = padded[1:-1, 2:] - padded[1:-1, :-2] + 1j * (padded[2:, 1:-1] - padded[:-2, 1:-1])
    doubled = (gradient**2).reshape(36, 3, 64, 3).mean((1, 3))
    strength = np.abs(doubled).astype(np.float32)
    plain = doubled / (strength + 0.5 * box(strength, 4) + 6)
    assert np.allclose(edge_field(half), plain, atol=1e-4)


def test_agreement_is_the_product_of_directions() -> None:
    scene = view()
    states = learn([snap(scene, Shot(frame=frame)) for frame in range(3)]).states
    field = describe(snap(shifted(scene, 0.01), Shot(frame=9))).field
    product = np.real(field * np.conj(directions(states[1].codes))).reshape(12, 3, 16, 4).sum((1, 3))
    edges = (states[1].codes > 0).reshape(12, 3, 16, 4).sum((1, 3))
    assert np.allclose(agreement(states[1], field), product / (edges + 1), atol=1e-4)
    assert np.array_equal(agreements(bank_of(states), field)[1], agreement(states[1], field))


def test_codes_travel_three_bits_each_lowest_first() -> None:
    model = learn([snap(view())])
    packed = np.frombuffer(model.dumps(), dtype=np.uint8)[17 + 6 :][: 36 * 64 * 3 // 8]
    bits = np.unpackbits(packed).reshape(-1, 3)
    plain = (bits * np.array([1, 2, 4])).sum(1).reshape(36, 64)
    assert np.array_equal(CameraModel.loads(model.dumps()).states[0].codes, plain)


def test_a_part_of_the_picture_finds_what_the_whole_would() -> None:
    rows, columns = np.mgrid[:360, :640]
    scene = view()
    for strength in (0, 4, 12, 25):
        pattern = strength * np.sin(rows * 1.3 + columns * 0.35)[:, :, None]
        features = describe(snap(np.asarray(np.clip(scene + pattern, 0, 255), dtype=np.float32), Shot(frame=strength)))
        found = artefacts.faults(snap(scene), features, ())
        assert (found[Label.STRIPES] >= 1) is (strength > 0)
