"""Outlines as rectangles, and tags that keep apart, on arrays alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canvas.frames import clamped, dashed_frames, snapped, solid_frames
from app.canvas.projection import Projection
from app.canvas.tags import arranged, place, places

VIEW = Projection(scale=1.0, dx=0.0, dy=0.0, width=400, height=300, ratio=1.0)


def painted(rects: np.ndarray, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    """How often each pixel of a view is covered."""
    count = np.zeros(shape, int)
    for x1, y1, x2, y2 in np.clip(rects, 0, 10**6).tolist():
        count[y1:y2, x1:x2] += 1
    return count


@pytest.mark.parametrize("thickness", [1, 2, 3, 4, 6])
def test_a_frame_is_a_larger_rectangle_less_a_smaller_one(thickness):
    edges = np.array([[50, 60, 150, 120]], np.int32)
    low, high = thickness // 2, thickness - thickness // 2
    expected = np.zeros((300, 400), int)
    expected[60 - low : 120 + high, 50 - low : 150 + high] = 1
    expected[60 + high : 120 - low, 50 + high : 150 - low] = 0
    assert np.array_equal(painted(solid_frames(edges, thickness)), expected)


@pytest.mark.parametrize("box", [(50, 60, 50, 60), (50, 60, 51, 61), (50, 60, 53, 61)])
def test_tiny_frames_are_filled_without_counting_a_pixel_twice(box):
    count = painted(solid_frames(np.array([box], np.int32), 2))
    assert count.max() == 1
    assert count.sum() == (box[2] - box[0] + 2) * (box[3] - box[1] + 2)


def test_edges_far_out_of_view_leave_the_same_picture():
    edges = snapped(np.array([[-1e12, 40.4, 1e12, 1e12], [100.0, -5000, 200, 5000]]))
    near = clamped(edges, width=400, height=300)
    assert np.abs(near).max() < 1000
    expected = np.zeros((300, 400), bool)
    expected[39:41, :] = expected[:, 99:101] = expected[:, 199:201] = True
    assert np.array_equal(painted(solid_frames(near, 2)) > 0, expected)


def test_dashes_meet_in_the_corners_and_stay_on_the_outline():
    edges = np.array([[50, 60, 153, 121]], np.int32)
    dashes = painted(dashed_frames(edges, 2, dash=7, gap=5, width=400, height=300)) > 0
    outline = painted(solid_frames(edges, 2)) > 0
    assert not (dashes & ~outline).any()
    for x, y in ((50, 60), (153, 60), (50, 121), (153, 121)):
        assert dashes[y - 1 : y + 1, x - 1 : x + 1].all()


def test_dots_lie_in_the_gaps_between_dashes():
    edges = np.array([[50, 60, 153, 121]], np.int32)
    dashes = painted(dashed_frames(edges, 2, dash=7, gap=13, width=400, height=300)) > 0
    dots = painted(dashed_frames(edges, 2, dash=3, gap=17, width=400, height=300, between=True)) > 0
    assert not (dashes & dots).any()
    assert not (dots & ~(painted(solid_frames(edges, 2)) > 0)).any()
    # 103 pixels hold 5 periods of 20: a dot in each
    assert np.diff(np.flatnonzero(np.diff(dots[60].astype(int)) == 1)).tolist() == pytest.approx(
        [103 / 5] * 4, abs=1
    )


def test_a_huge_box_has_only_the_dashes_in_view():
    edges = snapped(np.array([[-5e6, 100.0, 5e6, 200.0], [1e7, 0, 2e7, 10]]))
    rects = dashed_frames(edges, 2, dash=7, gap=5, width=400, height=300)
    assert 70 < len(rects) < 200
    assert (painted(rects)[99:101] > 0).mean() == pytest.approx(7 / 12, abs=0.03)


sides = st.integers(-2000, 2000)


@given(st.lists(st.tuples(sides, sides, sides, sides), max_size=5))
def test_dashes_of_any_boxes_can_be_made(corners):
    edges = np.array(
        [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners], np.int32
    ).reshape(-1, 4)
    rects = dashed_frames(edges, 2, dash=3, gap=5, width=400, height=300)
    assert (rects[:, 2:] >= rects[:, :2]).all()


def test_a_tag_is_above_its_box_or_inside_where_there_is_no_room():
    boxes = np.array([[50.0, 60, 150, 120], [50, 4, 150, 120], [-30, -40, 150, 120]])
    rects = place(boxes, np.array([40, 40, 40]), VIEW, line=2)
    assert rects.tolist() == [[49, 43, 89, 59], [49, 5, 89, 21], [0, 0, 40, 16]]


def test_a_tag_never_hangs_below_its_box():
    rects = place(np.array([[50.0, -200, 150, 9]]), np.array([40]), VIEW, line=2)
    assert rects[0, 3] <= 9


@given(
    st.lists(st.tuples(st.integers(-50, 450), st.integers(-50, 350), st.integers(1, 200)), max_size=40),
    st.sampled_from([1.0, 1.5, 2.0]),
)
def test_kept_tags_do_not_overlap_and_the_first_is_kept(corners, ratio):
    view = Projection(scale=1.0, dx=0.0, dy=0.0, width=400, height=300, ratio=ratio)
    rects = np.array([[max(x, 0), y, max(x, 0) + w, y + 16] for x, y, w in corners], np.int32).reshape(-1, 4)
    kept, chosen = arranged(rects[None], view, most=100)
    assert chosen.tolist() == rects[kept].tolist()
    assert painted(chosen).max(initial=0) <= 1
    in_view = [
        row for row, (x, y, _, bottom) in enumerate(rects.tolist()) if x < 400 and y < 300 and bottom > 0
    ]
    assert kept[:1].tolist() == in_view[:1]


def test_a_tag_that_would_cover_another_goes_elsewhere_at_its_box():
    # two boxes that share their upper left corner, a third one to whose tag both ends are taken
    boxes = np.array([[50.0, 60, 150, 120], [50, 60, 145, 110], [50, 60, 145, 100]])
    options = places(boxes, np.array([40, 40, 40]), VIEW, line=2)
    kept, rects = arranged(options, VIEW, most=10)
    assert kept.tolist() == [0, 1, 2]
    above = [49, 43, 89, 59]
    right_end = [106, 43, 146, 59]
    below = [49, 101, 89, 117]
    assert rects.tolist() == [above, right_end, below]


def test_no_more_tags_than_asked_for_are_placed():
    boxes = np.array([[float(x), 100, x + 30, 130] for x in range(0, 400, 50)])
    options = places(boxes, np.full(8, 24), VIEW, line=2)
    assert arranged(options, VIEW, most=3)[0].tolist() == [0, 1, 2]


def test_a_tag_near_the_right_edge_of_the_view_is_seen_whole() -> None:
    edge = VIEW.width
    rects = place(np.array([[edge - 10.0, 50, edge - 2, 90]]), np.array([40]), VIEW, line=2)
    assert rects[0, [0, 2]].tolist() == [edge - 40, edge]
    outside = place(np.array([[edge + 10.0, 50, edge + 20, 90]]), np.array([40]), VIEW, line=2)
    assert outside[0, 0] >= edge
