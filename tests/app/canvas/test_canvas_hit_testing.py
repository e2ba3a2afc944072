"""Picking boxes by a point or a rectangle, on arrays alone."""

from __future__ import annotations

import numpy as np

from app.canvas.hit_testing import boxes_at, boxes_within, next_hit

NESTED = np.array([[0, 0, 100, 100], [20, 20, 60, 60], [30, 30, 50, 50], [200, 0, 300, 40]], float)


def test_smallest_box_comes_first():
    assert boxes_at(NESTED, 40, 40, tolerance=0).tolist() == [2, 1, 0]


def test_of_equal_boxes_the_one_painted_last_comes_first():
    twins = np.array([[0, 0, 10, 10], [0, 0, 10, 10]], float)
    assert boxes_at(twins, 5, 5, tolerance=0).tolist() == [1, 0]


def test_edges_belong_to_the_box_and_tolerance_widens_it():
    assert boxes_at(NESTED, 300, 40, tolerance=0).tolist() == [3]
    assert boxes_at(NESTED, 302, 42, tolerance=0).tolist() == []
    assert boxes_at(NESTED, 302, 42, tolerance=2).tolist() == [3]


def test_a_box_without_area_can_be_hit():
    assert boxes_at(np.array([[10.0, 10, 10, 30]]), 11, 20, tolerance=1.5).tolist() == [0]


def test_no_boxes_no_hits():
    assert boxes_at(np.zeros((0, 4)), 1, 1, tolerance=5).tolist() == []
    assert boxes_within(np.zeros((0, 4)), (0, 0, 9, 9)).tolist() == []


def test_a_rectangle_takes_only_what_lies_wholly_in_it():
    assert boxes_within(NESTED, (10, 10, 70, 70)).tolist() == [1, 2]


def test_further_clicks_go_round():
    rows = np.array([2, 1, 0])
    assert [next_hit(rows, row) for row in (None, 2, 1, 0, 77)] == [2, 1, 0, 2, 2]
    assert next_hit(np.zeros(0, np.int64), 3) is None
