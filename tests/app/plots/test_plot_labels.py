"""Texts of a plot stand beside its lines."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.plots.plot_labels import PlotLabels

BOUNDS = QRectF(0, 0, 400, 200)
SIZE = QSizeF(60, 14)


def _labels(*lines: tuple[list[float], list[float]]) -> PlotLabels:
    labels = PlotLabels(BOUNDS)
    for xs, ys in lines:
        labels.add_line(np.array(xs), np.array(ys))
    return labels


def test_a_text_stands_right_of_its_line_where_nothing_else_is() -> None:
    place = _labels(([0, 200], [100, 100])).beside(QPointF(200, 100), SIZE)
    assert (place.left(), place.center().y()) == (205, 100)


def test_a_text_at_the_right_edge_leaves_the_line_that_comes_from_the_left() -> None:
    place = _labels(([0, 395], [100, 100])).beside(QPointF(395, 100), SIZE)
    assert BOUNDS.contains(place)
    assert place.top() >= 100 or place.bottom() <= 100


def test_a_long_straight_line_is_avoided_between_its_points() -> None:
    # two points, 400 px from one another: the line runs through the place right of (100, 100)
    place = _labels(([0, 100], [180, 100]), ([0, 400], [100, 100])).beside(QPointF(100, 100), SIZE)
    assert place.top() >= 100 or place.bottom() <= 100


def test_texts_of_near_ends_do_not_cover_each_other() -> None:
    labels = _labels(([0, 200], [100, 100]), ([0, 200], [104, 104]), ([0, 200], [108, 108]))
    places = [labels.beside(QPointF(200, y), SIZE) for y in (100, 104, 108)]
    for number, place in enumerate(places):
        assert not any(place.intersects(other) for other in places[:number])
    assert [place.top() for place in places] == sorted(place.top() for place in places)


def test_a_note_takes_the_corner_that_is_free() -> None:
    assert _labels(([0, 400], [200, 0])).in_corner(SIZE).topLeft() == QPointF(5, 5)
    # a line through the top left: bottom right, 5 px from both edges
    corner = _labels(([0, 0, 400], [200, 10, 10])).in_corner(SIZE)
    assert corner.bottomRight() == QPointF(395, 195)
