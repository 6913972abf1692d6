"""Specification of outlines: around what is covered, and only there."""

from __future__ import annotations

import pytest

from monitor.overview.outlines import DENSEST, SMALL_HOLE, Veil, arrow, outline, veils


def block(row: int, column: int) -> int:
    return row * 16 + column


def test_no_blocks_have_no_outline() -> None:
    assert outline([]) == ""


def test_one_block_is_a_square() -> None:
    assert outline([block(2, 3)]) == "M3 2L4 2L4 3L3 3Z"


def test_neighbours_share_no_line_and_straight_sides_have_no_corners() -> None:
    assert outline([block(0, 0), block(0, 1), block(1, 0), block(1, 1)]) == "M0 0L2 0L2 2L0 2Z"


def test_an_l_has_six_corners() -> None:
    assert outline([block(0, 0), block(1, 0), block(1, 1)]) == "M0 0L1 0L1 1L2 1L2 2L0 2Z"


def test_separate_patches_have_outlines_of_their_own() -> None:
    assert outline([block(0, 0), block(5, 5)]).count("M") == 2


def test_patches_that_touch_at_a_corner_are_still_closed() -> None:
    path = outline([block(0, 0), block(1, 1)])

    assert path.count("M") == path.count("Z")
    assert path.count("L") + path.count("M") == 8


def ring(size: int) -> list[int]:
    """A frame of blocks around a hole of `size` blocks in a row."""
    across = range(size + 2)
    return [block(row, column) for row in range(3) for column in across if row != 1 or column in (0, size + 1)]


def test_a_small_hole_is_closed() -> None:
    assert outline(ring(SMALL_HOLE)) == "M0 0L5 0L5 3L0 3Z"


def test_a_larger_hole_has_a_line_around_it() -> None:
    assert outline(ring(SMALL_HOLE + 1)).count("M") == 2


def test_a_bay_at_the_edge_of_the_picture_is_no_hole() -> None:
    blocks = [block(0, 0), block(1, 0), block(1, 1), block(1, 2), block(0, 2)]

    assert outline(blocks) == "M0 0L1 0L1 1L2 1L2 0L3 0L3 2L0 2Z"


def test_numbers_that_are_no_block_are_left_out() -> None:
    assert outline([-1, 192, block(0, 0)]) == "M0 0L1 0L1 1L0 1Z"


def test_the_last_block_is_the_lower_right_corner() -> None:
    assert outline([191]) == "M15 11L16 11L16 12L15 12Z"


@pytest.mark.parametrize("shift", [None, (0.0, 0.0)])
def test_a_view_that_did_not_turn_has_no_arrow(shift: tuple[float, float] | None) -> None:
    assert arrow(shift) == ""


def test_the_scene_moves_left_when_the_camera_turns_right() -> None:
    tail, tip = arrow((0.2, 0.0)).split("M")[1].split("L")

    assert (tail, tip) == ("9.60 6.00", "6.40 6.00")


def test_the_scene_moves_up_when_the_camera_turns_down() -> None:
    assert arrow((0.0, 0.25)).startswith("M8.00 7.50L8.00 4.50M")


def test_an_arrow_is_neither_a_dot_nor_leaves_the_picture() -> None:
    assert arrow((0.001, 0.0)).startswith("M9.00 6.00L7.00 6.00")
    assert arrow((1.0, 0.0)).startswith("M11.00 6.00L5.00 6.00")


def test_the_head_of_an_arrow_stands_at_its_tip() -> None:
    assert arrow((0.2, 0.0)).endswith("M7.40 5.20L6.40 6.00L7.40 6.80")


def test_a_reliable_view_has_no_veil() -> None:
    assert veils([1.0] * 192) == []


def test_blocks_beside_each_other_share_a_veil_and_rows_do_not() -> None:
    blocks = [1.0] * 192
    blocks[14:18] = [0.0] * 4

    assert veils(blocks) == [Veil(14, 0, 2, DENSEST), Veil(0, 1, 2, DENSEST)]


def test_a_veil_is_the_denser_the_less_a_block_counts() -> None:
    blocks = [1.0] * 192
    blocks[:4] = [0.9, 0.75, 0.5, 0.01]

    assert veils(blocks) == [Veil(1, 0, 1, 0.2), Veil(2, 0, 1, 0.4), Veil(3, 0, 1, 0.8)]
