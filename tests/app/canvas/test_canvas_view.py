"""Zoom, pan and what moves the view: only the user does."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QNativeGestureEvent,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.camera import Camera

NONE = Qt.KeyboardModifier.NoModifier
NO_BUTTON = Qt.MouseButton.NoButton


def image(width: int, height: int) -> QImage:
    made = QImage(width, height, QImage.Format.Format_RGB32)
    made.fill(0xFF336699)
    return made


def turn_wheel(
    canvas, at: QPoint, angle: QPoint, *, modifiers=NONE, pixels=None, phase=Qt.ScrollPhase.NoScrollPhase
):
    viewport = canvas.viewport()
    event = QWheelEvent(
        QPointF(at),
        QPointF(viewport.mapToGlobal(at)),
        pixels or QPoint(),
        angle,
        NO_BUTTON,
        modifiers,
        phase,
        False,
        Qt.MouseEventSource.MouseEventNotSynthesized,
        QPointingDevice.primaryPointingDevice(),
    )
    QApplication.sendEvent(viewport, event)


@pytest.mark.parametrize("modifiers", [NONE, Qt.KeyboardModifier.ControlModifier])
def test_the_wheel_zooms_to_the_point_under_it(canvas, modifiers):
    at = QPoint(140, 380)
    before = canvas.camera.to_image(QPointF(at))
    for _ in range(12):
        turn_wheel(canvas, at, QPoint(0, 120), modifiers=modifiers)
    assert canvas.camera.zoom() == pytest.approx(3.0 * 1.25**12)
    assert canvas.camera.to_image(QPointF(at)) == pytest.approx(before, abs=0.5)
    for _ in range(12):
        turn_wheel(canvas, at, QPoint(0, -120), modifiers=modifiers)
    assert canvas.camera.zoom() == pytest.approx(3.0)
    assert canvas.camera.to_image(QPointF(at)) == pytest.approx(before, abs=0.5)


def test_a_finely_turned_wheel_zooms_as_far_as_a_coarse_one(canvas):
    for _ in range(10):
        turn_wheel(canvas, QPoint(300, 200), QPoint(0, 12))
    assert canvas.camera.zoom() == pytest.approx(3.0 * 1.25)


def test_two_fingers_pan_and_with_control_they_zoom(canvas):
    before = canvas.mapFromScene(0, 0)
    fingers = {"pixels": QPoint(-17, 9), "phase": Qt.ScrollPhase.ScrollUpdate}
    turn_wheel(canvas, QPoint(300, 200), QPoint(-34, 18), **fingers)
    assert canvas.mapFromScene(0, 0) - before == QPoint(-17, 9)
    assert canvas.camera.zoom() == 3.0
    turn_wheel(
        canvas, QPoint(300, 200), QPoint(-34, 18), modifiers=Qt.KeyboardModifier.ControlModifier, **fingers
    )
    assert canvas.camera.zoom() > 3.0


def test_shift_and_wheel_pan_sideways(canvas):
    before = canvas.mapFromScene(0, 0)
    turn_wheel(canvas, QPoint(300, 200), QPoint(0, -120), modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert canvas.mapFromScene(0, 0) - before == QPoint(-120, 0)


def test_a_pinch_zooms_to_the_fingers(canvas):
    at = QPointF(140, 380)
    before = canvas.camera.to_image(at)
    viewport = canvas.viewport()
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        at,
        at,
        QPointF(viewport.mapToGlobal(at)),
        0.2,
        QPointF(),
    )
    QApplication.sendEvent(viewport, event)
    assert canvas.camera.zoom() == pytest.approx(3.6)
    assert canvas.camera.to_image(at) == pytest.approx(before, abs=0.3)


def test_zoom_stays_within_its_limits(canvas):
    for _ in range(40):
        canvas.camera.zoom_in()
    assert canvas.camera.zoom() == 64
    for _ in range(80):
        canvas.camera.zoom_out()
    assert canvas.camera.zoom() == pytest.approx(0.02)


def test_zoom_changes_are_told(canvas):
    told = []
    canvas.camera.zoom_changed.connect(told.append)
    canvas.camera.zoom_to_actual()
    canvas.camera.zoom_to_actual()
    canvas.camera.pan_by(3, 3)
    assert told == [1.0]


def test_middle_drag_pans(canvas):
    before = canvas.mapFromScene(0, 0)
    viewport, start, middle = canvas.viewport(), QPoint(300, 200), Qt.MouseButton.MiddleButton
    QTest.mousePress(viewport, middle, NONE, start)
    QTest.mouseMove(viewport, start + QPoint(20, 30))
    QTest.mouseMove(viewport, start + QPoint(40, 50))
    QTest.mouseRelease(viewport, middle, NONE, start + QPoint(40, 50))
    QTest.mouseMove(viewport, start)
    assert canvas.mapFromScene(0, 0) - before == QPoint(40, 50)


def test_middle_drag_in_the_midst_of_drawing_keeps_the_box(canvas, person):
    canvas.set_tool("draw")
    person.click(20, 30)
    viewport, start, middle = canvas.viewport(), QPoint(300, 200), Qt.MouseButton.MiddleButton
    QTest.mousePress(viewport, middle, NONE, start)
    QTest.mouseMove(viewport, start + QPoint(20, 30))
    QTest.mouseRelease(viewport, middle, NONE, start + QPoint(20, 30))
    person.click(80, 90)
    assert person.drawn == [pytest.approx((20, 30, 80, 90))]


def test_the_next_image_keeps_zoom_and_centre(canvas):
    canvas.camera.move_to(Camera(zoom=5.0, x=60.0, y=70.0, fitted=False))
    canvas.set_image(image(200, 150), keep_view=True)
    assert canvas.camera.place() == Camera(zoom=5.0, x=60.0, y=70.0, fitted=False)
    canvas.set_image(image(400, 90), keep_view=True)
    assert canvas.camera.place() == Camera(zoom=5.0, x=60.0, y=70.0, fitted=False)


def test_no_image_for_a_while_keeps_zoom_and_centre(canvas):
    canvas.camera.move_to(Camera(zoom=5.0, x=60.0, y=70.0, fitted=False))
    canvas.set_image(None)
    canvas.set_image(image(200, 150), keep_view=True)
    assert canvas.camera.place() == Camera(zoom=5.0, x=60.0, y=70.0, fitted=False)


def test_the_wheel_does_nothing_while_there_is_no_image(canvas):
    state = canvas.camera.place()
    canvas.set_image(None)
    turn_wheel(canvas, QPoint(300, 200), QPoint(0, 120))
    canvas.camera.zoom_in()
    canvas.camera.pan_by(5, 5)
    canvas.resize(500, 400)
    canvas.set_image(image(200, 150), keep_view=True)
    assert canvas.camera.place() == state


def test_fit_while_there_is_no_image_shows_the_next_one_whole(canvas):
    canvas.set_image(None)
    canvas.camera.fit()
    canvas.set_image(image(314, 100), keep_view=True)
    assert canvas.camera.zoom() == pytest.approx(2.0)


def test_an_image_shown_whole_is_followed_by_one_shown_whole(canvas):
    canvas.camera.fit()
    canvas.set_image(image(628, 468), keep_view=True)
    assert canvas.camera.zoom() == pytest.approx(1.0)


def test_the_next_image_is_shown_whole_without_keep_view(canvas):
    canvas.set_image(image(314, 100))
    assert canvas.camera.place() == Camera(zoom=2.0, x=157.0, y=50.0, fitted=True)


def test_a_larger_window_keeps_what_is_in_the_middle(canvas, qtbot):
    canvas.camera.move_to(Camera(zoom=5.0, x=60.0, y=70.0, fitted=False))
    canvas.resize(900, 640)
    assert canvas.camera.to_image(QPointF(450, 320)) == pytest.approx((60, 70), abs=0.2)
    canvas.camera.fit()
    canvas.resize(432, 640)
    assert canvas.camera.zoom() == pytest.approx(2.0)


def test_zoom_to_box_brings_it_to_the_middle(canvas):
    canvas.camera.zoom_to_box((20, 20, 60, 40))
    center = QPointF(canvas.viewport().width() / 2, canvas.viewport().height() / 2)
    assert canvas.camera.to_image(center) == pytest.approx((40, 30), abs=0.2)
    assert canvas.camera.zoom() == 8


def test_the_pointer_is_told_in_image_pixels(canvas, person):
    told = []
    canvas.cursor_moved.connect(lambda x, y: told.append((x, y)))
    person.move(33, 44)
    assert told == [pytest.approx((33, 44), abs=0.2)]


def test_dropped_files_are_told(canvas, tmp_path):
    told = []
    canvas.files_dropped.connect(told.append)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "ü b.jpg")), QUrl("https://example.org/x.jpg")])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, NONE)
    QApplication.sendEvent(canvas.viewport(), enter)
    QApplication.sendEvent(canvas.viewport(), QDropEvent(QPointF(9, 9), copy, data, left, NONE))
    assert enter.isAccepted()
    assert told == [[Path(tmp_path / "ü b.jpg")]]


def test_text_cannot_be_dropped(canvas):
    data = QMimeData()
    data.setText("hello")
    event = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, NONE)
    QApplication.sendEvent(canvas.viewport(), event)
    assert not event.isAccepted()
