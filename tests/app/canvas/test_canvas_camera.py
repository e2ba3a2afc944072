"""Zoom and centre as arithmetic."""

from __future__ import annotations

import pytest

from app.canvas.camera import MAX_ZOOM, MIN_ZOOM, Camera, fit, show_box


def on_screen(camera: Camera, x: float, y: float) -> tuple[float, float]:
    """Screen pixels from the middle of the view."""
    return ((x - camera.x) * camera.zoom, (y - camera.y) * camera.zoom)


def test_the_point_zoomed_at_stays_where_it_is():
    before = Camera(zoom=0.7, x=300, y=200)
    for factor in (1.25, 0.3, 40.0):
        after = before.zoomed(factor, at=(123.4, 56.7))
        assert on_screen(after, 123.4, 56.7) == pytest.approx(on_screen(before, 123.4, 56.7))
        assert after.zoom == pytest.approx(0.7 * factor)


def test_zoom_ends_at_2_and_6400_percent():
    assert Camera(zoom=1).zoomed(1e-9, at=(0, 0)).zoom == MIN_ZOOM == 0.02
    assert Camera(zoom=1).zoomed(1e9, at=(0, 0)).zoom == MAX_ZOOM == 64


def test_in_and_out_again_is_where_one_was():
    camera = Camera(zoom=1, x=10, y=20)
    back = camera.zoomed(1.25, at=(77, 3)).zoomed(1 / 1.25, at=(77, 3))
    assert (back.zoom, back.x, back.y) == pytest.approx((1, 10, 20))


def test_fit_shows_the_whole_image_with_a_margin():
    camera = fit((1000, 500), (532, 332), margin=16)
    assert (camera.zoom, camera.x, camera.y, camera.fitted) == (0.5, 500, 250, True)


def test_fit_of_nothing_is_harmless():
    assert fit((0, 0), (0, 0), margin=16).zoom > 0


def test_a_box_comes_to_the_middle_with_its_surroundings():
    camera = show_box((100, 100, 300, 200), (600, 600))
    assert (camera.x, camera.y, camera.zoom) == (200, 150, pytest.approx(1.8))


def test_a_tiny_box_is_not_blown_up_beyond_800_percent():
    assert show_box((5, 5, 5, 5), (600, 600)).zoom == 8


def test_the_image_cannot_be_lost():
    camera = Camera(zoom=1, x=50, y=50).panned(-9999, 9999).kept_over(100, 80)
    assert (camera.x, camera.y) == (100, 0)
