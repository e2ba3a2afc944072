"""What is on the screen, pixel by pixel where it matters."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu

import app
from app.canvas import style
from app.canvas.camera import Camera
from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.image_levels import halved

ORANGE = (0xD9, 0x5F, 0x02)
GREY = (0x80, 0x80, 0x80)


def pixels(canvas) -> np.ndarray:
    """(height, width, 3) of what the canvas shows."""
    shot = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(shot.constBits(), np.uint8).reshape(shot.height(), shot.bytesPerLine())
    return lines[:, : shot.width() * 3].reshape(shot.height(), shot.width(), 3).copy()


def test_an_outline_is_two_pixels_wide_between_dark_ones(canvas, show):
    show((20, 20, 120, 120))
    at = canvas.mapFromScene(QPointF(20, 70))
    row = pixels(canvas)[at.y(), at.x() - 3 : at.x() + 3]
    assert [tuple(pixel) for pixel in row[[0, 5]].tolist()] == [GREY, GREY]
    assert [tuple(pixel) for pixel in row[[2, 3]].tolist()] == [ORANGE, ORANGE]
    assert (row[[1, 4]] < 0x50).all()


def test_boxes_at_the_edge_of_the_image_have_all_their_sides(canvas, show):
    canvas.camera.fit()
    show((0, 0, 200, 150))
    shot = pixels(canvas)
    for x, y in ((0, 75), (200, 75), (100, 0), (100, 150)):
        at = canvas.mapFromScene(QPointF(x, y))
        assert tuple(shot[at.y(), at.x()].tolist()) == ORANGE


@pytest.mark.parametrize(("line_style", "share"), [(LineStyle.DASHED, 7 / 12), (LineStyle.DOTTED, 3 / 8)])
def test_dashes_cover_their_share_of_the_edge(canvas, show, line_style, share):
    boxes = show((20, 20, 140, 120))
    canvas.set_boxes(replace(boxes, styles=np.array([line_style], np.uint8)))
    top = canvas.mapFromScene(QPointF(20, 20))
    line = pixels(canvas)[top.y(), top.x() : top.x() + 360]
    assert (line == ORANGE).all(axis=1).mean() == pytest.approx(share, abs=0.03)


def test_missed_objects_are_hatched(canvas, show):
    boxes = show((20, 20, 140, 120))
    canvas.set_boxes(replace(boxes, hatched=np.array([True])))
    corner = canvas.mapFromScene(QPointF(60, 60))
    inner = pixels(canvas)[corner.y() : corner.y() + 80, corner.x() : corner.x() + 80]
    assert (inner != GREY).any(axis=2).mean() == pytest.approx(1 / style.HATCH_PERIOD, abs=0.01)


def test_the_selected_box_has_a_halo_and_handles_and_losing_it_leaves_no_trace(canvas, show):
    show((20, 20, 120, 120))
    before = pixels(canvas)
    canvas.set_selection(frozenset({1}))
    at = canvas.mapFromScene(QPointF(20, 20))
    assert tuple(pixels(canvas)[at.y(), at.x()].tolist()) == (255, 255, 255)
    canvas.set_selection(frozenset())
    assert np.array_equal(pixels(canvas), before)


def test_the_draw_tool_shows_the_handles_of_the_selected_box_but_not_while_it_draws(canvas, show, person):
    show((20, 20, 120, 120))
    canvas.set_selection(frozenset({1}))
    canvas.set_tool("draw")
    at = canvas.mapFromScene(QPointF(20, 20))
    assert tuple(pixels(canvas)[at.y(), at.x()].tolist()) == (255, 255, 255)
    person.press(140, 30)
    person.move(180, 60)
    assert tuple(pixels(canvas)[at.y(), at.x()].tolist()) == ORANGE


def test_a_dragged_box_is_painted_where_it_is_and_not_where_it_was(canvas, show, person):
    show((20, 20, 60, 60))
    person.press(40, 40)
    person.move(120, 90)
    shot = pixels(canvas)
    was, now = canvas.mapFromScene(QPointF(20, 50)), canvas.mapFromScene(QPointF(100, 100))
    assert tuple(shot[was.y(), was.x()].tolist()) == GREY
    assert tuple(shot[now.y(), now.x()].tolist()) == ORANGE
    person.release(120, 90)
    assert tuple(pixels(canvas)[now.y(), now.x()].tolist()) == ORANGE


def test_drawing_shows_crosshair_and_size(canvas, person):
    canvas.set_tool("draw")
    person.press(40, 40)
    person.move(140, 100)
    shot = pixels(canvas)
    line = canvas.mapFromScene(QPointF(170, 100))
    assert shot[line.y(), line.x()].min() > 0xD0
    beside = canvas.mapFromScene(QPointF(140, 100))
    readout = shot[beside.y() + 16 : beside.y() + 40, beside.x() + 16 : beside.x() + 60]
    assert (readout < 40).all(axis=2).mean() > 0.3
    person.release(140, 100)


def test_the_crosshair_goes_when_the_pointer_leaves(canvas, person):
    canvas.set_tool("draw")
    before = pixels(canvas)
    person.move(100, 75)
    assert not np.array_equal(pixels(canvas), before)
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert np.array_equal(pixels(canvas), before)


@pytest.mark.parametrize("away", ["menu", "other widget", "hidden"])
def test_no_crosshair_is_left_when_the_pointer_goes_without_a_word(canvas, person, qtbot, away):
    canvas.set_tool("draw")
    before = pixels(canvas)
    person.move(100, 75)
    if away == "hidden":
        canvas.hide()
        canvas.show()
    elif away == "menu":
        menu = QMenu(canvas)
        menu.addAction("Find")
        menu.popup(canvas.mapToGlobal(canvas.rect().center()))
        qtbot.waitUntil(menu.isVisible)
        menu.close()
    else:
        field = QLineEdit(canvas.parentWidget())
        qtbot.addWidget(field)
        field.show()
        field.activateWindow()
        QTest.mouseClick(field, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(field.hasFocus)
    assert np.array_equal(pixels(canvas), before)
    person.move(90, 70)
    assert not np.array_equal(pixels(canvas), before)


def test_names_can_be_hidden(canvas, show):
    show((20, 20, 120, 120), name="cell")
    tagged = pixels(canvas)
    canvas.set_names_visible(False)
    bare = pixels(canvas)
    show((20, 20, 120, 120), name="")
    assert not np.array_equal(tagged, bare)
    assert np.array_equal(pixels(canvas), bare)


def test_boxes_can_be_hidden(canvas, show):
    plain = pixels(canvas)
    show((20, 20, 120, 120), name="cell")
    canvas.set_boxes_visible(False)
    assert np.array_equal(pixels(canvas), plain)


def test_after_a_pan_the_picture_is_the_same_as_painted_anew(canvas, show):
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 255, (150, 200, 3), np.uint8)
    canvas.set_image(QImage(noise.data, 200, 150, 600, QImage.Format.Format_RGB888).copy(), keep_view=True)
    show((20, 20, 120, 120), name="cell")
    canvas.grab()
    for dx, dy in ((7, 0), (0, -11), (-90, 40), (3, 3)):
        canvas.camera.pan_by(dx, dy)
        canvas.grab()
    panned = pixels(canvas)
    state = canvas.camera.place()
    canvas.camera.fit()
    canvas.grab()
    canvas.camera.move_to(state)
    assert np.abs(panned.astype(int) - pixels(canvas).astype(int)).max() <= 2


def test_boxes_that_come_and_go_out_of_view_are_there_when_the_view_moves_to_them(canvas, show):
    near, far = (20, 20, 40, 40), (150, 100, 190, 140)
    show(near)
    canvas.camera.zoom_to_box(near)
    alone = pixels(canvas)
    show(near, far)
    assert (pixels(canvas) == alone).all()
    canvas.camera.zoom_to_box(far)
    at = canvas.mapFromScene(QPointF(150, 120))
    assert tuple(pixels(canvas)[at.y(), at.x()].tolist()) == ORANGE
    canvas.camera.zoom_to_box(near)
    show((20, 20, 38, 40), far)
    assert (pixels(canvas) != alone).any()


def test_single_pixels_are_squares_at_300_percent_and_blend_below(canvas):
    board = np.zeros((40, 40, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    canvas.set_image(QImage(board.data, 40, 40, 120, QImage.Format.Format_RGB888).copy())
    canvas.set_surround(QColor(0, 0, 0))
    canvas.camera.move_to(Camera(zoom=3.0, x=20.0, y=20.0, fitted=False))
    assert set(np.unique(pixels(canvas))) == {0, 255}
    canvas.camera.move_to(Camera(zoom=2.5, x=20.0, y=20.0, fitted=False))
    assert len(np.unique(pixels(canvas))) > 10


def test_an_image_shown_small_is_averaged_not_sampled(canvas):
    board = np.zeros((512, 512, 3), np.uint8)
    board[:, ::2] = 255
    canvas.set_image(QImage(board.data, 512, 512, 1536, QImage.Format.Format_RGB888).copy())
    canvas.camera.move_to(Camera(zoom=0.125, x=256.0, y=256.0, fitted=False))
    at = canvas.mapFromScene(QPointF(256, 256))
    middle = pixels(canvas)[at.y() - 10 : at.y() + 10, at.x() - 10 : at.x() + 10]
    assert 125 <= middle.min() <= middle.max() <= 130


@pytest.mark.parametrize(
    "image_format",
    [
        QImage.Format.Format_RGB888,
        QImage.Format.Format_RGB32,
        QImage.Format.Format_Grayscale8,
        QImage.Format.Format_ARGB32,
        QImage.Format.Format_Grayscale16,
        QImage.Format.Format_Indexed8,
    ],
)
@pytest.mark.parametrize("width", [5, 6, 7])
def test_halving_keeps_colours_in_every_format_and_width(image_format, width):
    image = QImage(width, 4, QImage.Format.Format_RGB32)
    image.fill(QColor(120, 120, 120))
    small = halved(image.convertToFormat(image_format))
    assert (small.width(), small.height()) == ((width + 1) // 2, 2)
    assert abs(small.pixelColor(small.width() - 1, 1).green() - 120) <= 1


def test_without_an_image_the_placeholder_is_shown_and_nothing_else(canvas, show):
    show((20, 20, 120, 120))
    canvas.set_surround(QColor(200, 200, 200))
    canvas.set_image(None)
    assert set(np.unique(pixels(canvas))) == {200}
    canvas.set_placeholder("Drop a folder of images here", "or open one")
    assert pixels(canvas).min() < 60
    canvas.set_tool("draw")
    QTest.mouseMove(canvas.viewport(), canvas.viewport().rect().center())
    canvas.grab()


def test_ten_thousand_boxes_with_long_strange_names(canvas):
    rng = np.random.default_rng(0)
    count = 10_000
    corners = rng.uniform(-50, 250, (count, 2, 2))
    names = ["", "x" * 500, "two\nlines", "日本語", "<b>yes</b>"]
    canvas.set_boxes(
        DisplayBoxes(
            ids=-np.arange(1, count + 1),
            boxes=np.hstack([corners.min(axis=1), corners.max(axis=1)]),
            colors=rng.integers(0, 2**32, count, np.uint32),
            styles=rng.integers(0, 3, count).astype(np.uint8),
            hatched=rng.random(count) < 0.1,
            names=[names[i % len(names)] for i in range(count)],
            editable=np.zeros(count, np.bool_),
        )
    )
    for zoom in (0.02, 1.0, 64.0):
        canvas.camera.move_to(Camera(zoom=zoom, x=100.0, y=75.0, fitted=False))
        canvas.grab()


def test_columns_of_unequal_length_are_refused(show):
    boxes = show((20, 20, 120, 120))
    with pytest.raises(ValueError, match="unequal"):
        replace(boxes, names=[])
    with pytest.raises(ValueError, match="shape"):
        replace(boxes, boxes=np.zeros((1, 3)))


@pytest.mark.parametrize(
    "color", ["#1B9E77", "#D95F02", "#7570B3", "#000000", "#ffffff", "#777777", "#F0E442"]
)
def test_tag_text_has_a_contrast_of_at_least_4_5(color):
    # WCAG 2.1, contrast ratio of text on its background
    background, text = QColor(color), style.text_color_on(QColor(color))
    lights = sorted((style.relative_luminance(background), style.relative_luminance(text)))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


def test_many_selected_boxes_are_painted_where_they_are_dragged(canvas, show, person):
    show(*[(x, y, x + 8, y + 8) for x in range(0, 150, 12) for y in range(0, 100, 12)])
    canvas.set_selection(frozenset(range(1, 118)))
    canvas.grab()
    person.press(4, 4)
    person.move(34, 44)
    now = canvas.mapFromScene(QPointF(30, 44))
    assert tuple(pixels(canvas)[now.y(), now.x()].tolist()) == ORANGE
    person.release(44, 44)
    after = canvas.mapFromScene(QPointF(40, 44))
    shot = pixels(canvas)
    assert tuple(shot[after.y(), after.x()].tolist()) == ORANGE
    assert tuple(shot[canvas.mapFromScene(QPointF(0, 4)).y(), canvas.mapFromScene(QPointF(0, 4)).x()]) == GREY


TWICE_AS_LARGE = """
import sys
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from app.canvas.display import DisplayBoxes, LineStyle
from app.canvas.view import ImageCanvas
app = QApplication(sys.argv)
canvas = ImageCanvas()
canvas.resize(400, 300)
image = QImage(100, 80, QImage.Format.Format_RGB32)
image.fill(0xFF808080)
canvas.set_image(image)
canvas.show()
QTest.qWaitForWindowExposed(canvas)
canvas.set_boxes(DisplayBoxes.one((20, 20, 80, 60), 0xFFD95F02, LineStyle.SOLID))
shot = canvas.grab().toImage()
at = canvas.mapFromScene(QPointF(20, 40)) * 2
colors = [shot.pixelColor(at.x() + x, at.y()).name() for x in range(-8, 9)]
print(shot.width(), colors.count("#d95f02"), colors[0], colors[-1])
"""


def test_on_a_screen_scaled_by_two_lines_have_four_pixels(tmp_path):
    script = tmp_path / "scaled.py"
    script.write_text(TWICE_AS_LARGE)
    root = Path(app.__file__).resolve().parents[1]
    environment = {**os.environ, "QT_SCALE_FACTOR": "2", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["800", "4", "#808080", "#808080"]
