"""Handles, resizing and moving, on numbers alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canvas.handles import Handle, handle_at, handle_points, moved, resized

BOX = (100.0, 100.0, 300.0, 200.0)


@pytest.mark.parametrize("handle", list(Handle))
def test_each_handle_is_hit_where_it_is_painted(handle: Handle):
    x, y = handle_points(BOX)[handle]
    assert handle_at(BOX, x, y) is handle


def test_hit_area_of_a_corner_is_14_pixels():
    assert handle_at(BOX, 93, 93) is Handle.TOP_LEFT
    assert handle_at(BOX, 107, 107) is Handle.TOP_LEFT
    assert handle_at(BOX, 92, 100) is None
    assert handle_at(BOX, 108, 108) is None


def test_an_edge_can_be_gripped_along_its_length():
    assert handle_at(BOX, 150, 98) is Handle.TOP
    assert handle_at(BOX, 303, 180) is Handle.RIGHT
    assert handle_at(BOX, 150, 110) is None


def test_the_middle_of_a_small_box_stays_free_for_moving_it():
    assert handle_at((0, 0, 12, 12), 6, 6) is None
    assert handle_at((0, 0, 12, 12), 1, 1) is Handle.TOP_LEFT


def test_a_small_box_has_handles_at_its_corners_only():
    corners = {Handle.TOP_LEFT, Handle.TOP_RIGHT, Handle.BOTTOM_RIGHT, Handle.BOTTOM_LEFT}
    assert set(handle_points((0, 0, 20, 20))) == corners


def test_a_corner_moves_two_edges_and_a_side_one():
    assert resized(BOX, Handle.TOP_LEFT, -10, 5, width=400, height=300) == (90, 105, 300, 200)
    assert resized(BOX, Handle.RIGHT, 7.5, 99, width=400, height=300) == (100, 100, 307.5, 200)


def test_an_edge_dragged_past_the_other_turns_the_box_over():
    assert resized(BOX, Handle.LEFT, 250, 0, width=400, height=300) == (300, 100, 350, 200)


def test_resizing_stops_at_the_edge_of_the_image():
    assert resized(BOX, Handle.BOTTOM_RIGHT, 999, 999, width=400, height=300) == (100, 100, 400, 300)
    assert resized(BOX, Handle.TOP_LEFT, -999, -999, width=400, height=300) == (0, 0, 300, 200)


def test_boxes_move_together_until_the_first_meets_the_edge():
    boxes = np.array([[10.0, 10, 20, 20], [50, 50, 90, 90]])
    assert moved(boxes, 30, -30, width=100, height=100).tolist() == [[20, 0, 30, 10], [60, 40, 100, 80]]


def test_a_box_that_sticks_out_may_come_back_but_not_go_further():
    boxes = np.array([[-5.0, 0, 10, 10]])
    assert moved(boxes, -3, 0, width=100, height=100).tolist() == [[-5, 0, 10, 10]]
    assert moved(boxes, 3, 0, width=100, height=100).tolist() == [[-2, 0, 13, 10]]


coordinates = st.floats(0, 500, allow_subnormal=False)


@given(
    coordinates,
    coordinates,
    coordinates,
    coordinates,
    st.sampled_from(list(Handle)),
    st.floats(-900, 900),
    st.floats(-900, 900),
)
def test_a_resized_box_is_in_order_and_in_the_image(x_a, y_a, x_b, y_b, handle, dx, dy):
    box = (min(x_a, x_b), min(y_a, y_b), max(x_a, x_b), max(y_a, y_b))
    x1, y1, x2, y2 = resized(box, handle, dx, dy, width=500, height=500)
    assert 0 <= x1 <= x2 <= 500
    assert 0 <= y1 <= y2 <= 500


@given(
    st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=4),
    st.floats(-900, 900),
    st.floats(-900, 900),
)
def test_moved_boxes_stay_in_the_image_and_keep_their_size(corners, dx, dy):
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]).reshape(-1, 4)
    after = moved(boxes, dx, dy, width=500, height=500)
    assert (after >= 0).all()
    assert (after <= 500).all()
    np.testing.assert_allclose(after[:, 2:] - after[:, :2], boxes[:, 2:] - boxes[:, :2], atol=1e-9)
