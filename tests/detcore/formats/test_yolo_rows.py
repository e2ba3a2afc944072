"""What the numbers of one line mean: boxes, predictions, tracks, outlines, keypoints, or no YOLO at all."""

from __future__ import annotations

import pytest

from detcore.formats.yolo.rows import are_keypoints, bounds_of, foreign_layout

CENTRED = (0.3, 0.3, 0.7, 0.7)
"""Edges of the box ``.5 .5 .4 .4``."""


def values(text: str) -> list[float]:
    return [float(part) for part in text.split()]


@pytest.mark.parametrize(
    "row",
    [
        ".5 .5 .4 .4",
        ".5 .5 .4 .4 .93",  # a confidence
        ".5 .5 .4 .4 17",  # a track
        ".5 .5 .4 .4 .87 12",  # both
        ".5 .5 .4 .4 .87 1",
        ".5 .5 .4 .4 .45 .45 2 .55 .45 2 .55 .55 2 .45 .55 0",  # keypoints with their visibility
        ".3 .3 .7 .3 .7 .7",  # outlines
        ".3 .3 .7 .3 .7 .7 .3 .7",
        ".3 .3 .7 .3 .7 .7 .3 .7 .91",
        ".3 .3 .7 .3 .7 .7 .3 .7 7",
        ".3 .3 .7 .3 .7 .7 .3 .7 .91 7",
    ],
)
def test_every_kind_of_row_gives_its_box(row: str):
    bounds, message = bounds_of(values(row))
    assert bounds == pytest.approx(CENTRED)
    assert (message is None) == (len(row.split()) == 4)


@pytest.mark.parametrize(
    "row",
    [
        ".5 .5 .4",
        ".5 .5 .4 .4 -3",
        ".5 .5 .4 .4 2.5",
        ".5 .5 .2 .5 7 8 9",
        ".3 .3 nan .3 .7 .7 .3 .7",
        ".3 .3 inf .3 .7 .7 .3 .7",
        ".5 .5 .4 .4 nan",
        "155 144 381 298",
        "155 144 381 144 381 298",
    ],
)
def test_a_row_that_fits_no_kind_is_never_read_by_its_first_numbers(row: str):
    bounds, message = bounds_of(values(row))
    assert bounds is None
    assert message is not None
    assert "left out" in message


@pytest.mark.parametrize("more", ["", " .8", " .8 3"])
def test_a_declared_number_of_keypoints_says_where_the_box_ends(more: str):
    row = values(".5 .5 .4 .4 .1 .1 .9 .2" + more)  # points far outside of the box
    assert bounds_of(row, keypoints=4)[0] == pytest.approx(CENTRED)
    assert bounds_of(row, keypoints=0)[0] == pytest.approx(CENTRED)
    assert bounds_of(values(".5 .5 .4 .4"), keypoints=4)[0] == pytest.approx(CENTRED)


def test_points_inside_of_the_box_that_make_no_outline_are_keypoints():
    posed = values(".5 .5 .4 .4 .45 .45 .55 .45 .55 .55 .45 .55")
    assert are_keypoints([posed])
    assert are_keypoints([posed] * 20)


def test_small_outlines_at_the_centre_stay_outlines():
    """Their points lie in the box that the first four numbers would describe."""
    square = values(".5 .5 .6 .5 .6 .6 .5 .6")
    assert not are_keypoints([square])
    assert not are_keypoints([square] * 50)
    assert not are_keypoints([])


@pytest.mark.parametrize(
    ("line", "layout"),
    [
        ("one 155 144 381 298 ", "name x1 y1"),
        ("Alpaca face 15.5 14 38 29", "name x1 y1"),
        ("cat 0.93 155 144 381 298", "name score x1"),
        ("Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59", "KITTI"),
        ("684,8,273,116,0,0,0,0", "VisDrone"),
        ("1 2 3 4 5 6 7 8 small-vehicle 1", "DOTA"),
        ("a/b.jpg 1,2,3,4,0 5,6,7,8,1", "path x1,y1"),
        ("0 100 200 300 400", "pixels"),
    ],
)
def test_labels_of_other_tools_are_named(line: str, layout: str):
    assert layout in (foreign_layout(line) or "")
