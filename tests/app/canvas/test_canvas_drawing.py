"""Drawing boxes with real mouse events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit

from app.canvas.camera import Camera
from detcore.errors import ConfigError

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def draw_tool(canvas):
    canvas.set_tool("draw")


def test_press_drag_release_draws_a_box(person):
    person.drag((20, 30), (50, 60), (80, 90))
    assert person.drawn == [pytest.approx((20, 30, 80, 90))]


@pytest.mark.parametrize("start", [(80, 90), (20, 90), (80, 30), (20, 30)])
def test_every_direction_gives_the_same_box(person, start):
    end = (100 - start[0], 120 - start[1])
    person.drag(start, (50, 50), end)
    assert person.drawn == [pytest.approx((20, 30, 80, 90))]


def test_a_box_drawn_beyond_the_image_ends_at_its_edge(person):
    person.drag((150, 100), (190, 140), (206, 156))
    assert person.drawn == [pytest.approx((150, 100, 200, 150))]


def test_a_box_begun_outside_begins_at_the_edge(person):
    person.drag((-6, -5), (10, 10), (40, 40))
    assert person.drawn == [pytest.approx((0, 0, 40, 40))]


def test_a_box_wholly_outside_is_none(person):
    person.drag((-8, 20), (-6, 40), (-4, 70))
    assert person.drawn == []


def test_fractional_coordinates_are_kept(canvas, person):
    canvas.camera.move_to(Camera(zoom=7.3, x=61.7, y=44.1, fitted=False))
    person.drag((40.3, 30.7), (60.1, 50.2), (70.9, 60.6))
    (box,) = person.drawn
    assert box == pytest.approx((40.3, 30.7, 70.9, 60.6), abs=0.5 / 7.3 + 1e-6)
    assert any(edge != round(edge) for edge in box)
    assert all(type(edge) is float for edge in box)


@pytest.mark.parametrize("zoom", [0.02, 0.33, 1.0, 3.7, 64.0])
def test_drawing_and_painting_work_at_every_zoom(canvas, person, zoom):
    canvas.camera.move_to(Camera(zoom=zoom, x=100.3, y=75.2, fitted=False))
    middle = canvas.viewport().rect().center()
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    QTest.mouseMove(canvas.viewport(), middle + canvas.mapFromScene(1.1, 0.7) - canvas.mapFromScene(0, 0))
    canvas.grab()
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    canvas.grab()


def test_a_tiny_box_is_an_accident(person):
    person.drag((20, 20), (60, 40), (60, 20.6))
    person.drag((20, 20), (40, 40), (20.5, 20.5))
    assert person.drawn == []


def test_two_clicks_draw_a_box_too(person):
    person.click(20, 30)
    person.move(60, 60)
    assert person.drawn == []
    person.click(80, 90)
    assert person.drawn == [pytest.approx((20, 30, 80, 90))]


def test_a_drag_after_an_accidental_click_is_its_own_box(person):
    person.click(150, 140)
    person.drag((20, 30), (50, 60), (80, 90))
    assert person.drawn == [pytest.approx((20, 30, 80, 90))]


def test_shift_draws_a_square(canvas, person):
    person.press(20, 20)
    person.move(60, 40)
    person.release(90, 50, SHIFT)
    assert person.drawn == [pytest.approx((20, 20, 50, 50))]


def test_escape_drops_the_box_and_the_release_does_nothing(person):
    person.press(20, 20)
    person.move(60, 60)
    person.key(Qt.Key.Key_Escape)
    person.move(70, 70)
    person.release(80, 80)
    assert person.drawn == []
    person.drag((20, 30), (50, 60), (80, 90))
    assert len(person.drawn) == 1


def test_right_click_drops_the_box_and_opens_no_menu(canvas, person, qtbot):
    person.click(20, 20)
    person.move(60, 60)
    with qtbot.assertNotEmitted(canvas.context_menu_requested):
        person.press(60, 60, button=Qt.MouseButton.RightButton)
        person.release(60, 60, button=Qt.MouseButton.RightButton)
    person.click(90, 90)
    assert person.drawn == []


def test_another_image_in_the_midst_of_drawing_drops_the_box(canvas, person):
    person.press(20, 20)
    person.move(60, 60)
    canvas.set_image(QImage(50, 50, QImage.Format.Format_RGB32))
    person.release(40, 40)
    assert person.drawn == []


def test_losing_the_focus_in_the_midst_drops_the_box(canvas, person, qtbot):
    other = QLineEdit()
    qtbot.addWidget(other)
    other.show()
    person.press(20, 20)
    person.move(60, 60)
    other.activateWindow()
    other.setFocus()
    qtbot.waitUntil(lambda: not canvas.hasFocus())
    person.release(80, 80)
    assert person.drawn == []


def test_a_release_that_never_came_drops_the_box(canvas, person):
    person.press(20, 20)
    person.move(60, 60)
    canvas.mouseMoveEvent(_move_without_buttons(canvas, person))
    person.release(80, 80)
    assert person.drawn == []


def _move_without_buttons(canvas, person):
    position = QPointF(person.at(70, 70))
    nothing = Qt.MouseButton.NoButton
    return QMouseEvent(
        QEvent.Type.MouseMove, position, position, nothing, nothing, Qt.KeyboardModifier.NoModifier
    )


def test_zooming_while_drawing_keeps_the_first_corner(canvas, person):
    person.press(20, 30)
    person.move(50, 60)
    canvas.camera.zoom_out()
    person.move(60, 60)
    person.release(80, 90)
    assert person.drawn == [pytest.approx((20, 30, 80, 90), abs=0.5)]


def test_boxes_beneath_are_left_alone_unless_control_is_held(show, canvas, person):
    show((20, 20, 120, 120))
    person.drag((40, 40), (60, 60), (90, 90))
    assert (len(person.drawn), person.edited, canvas.selection()) == (1, [], frozenset())
    person.drag((50, 50), (60, 60), (70, 60), modifiers=CONTROL)
    assert len(person.drawn) == 1
    assert person.edited == [((1,), [pytest.approx([40, 30, 140, 130])])]


def test_a_double_click_of_the_draw_tool_opens_no_box(show, canvas, person):
    show((20, 20, 60, 60))
    for held in (Qt.KeyboardModifier.NoModifier, CONTROL):
        person.click(40, 40, held)
        QTest.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, held, person.at(40, 40))
        canvas.cancel()
    assert person.activated == []


def test_no_box_without_an_image_or_when_read_only(canvas, person):
    canvas.set_read_only(True)
    person.drag((20, 30), (50, 60), (80, 90))
    canvas.set_read_only(False)
    canvas.set_image(None)
    person.drag((20, 30), (50, 60), (80, 90))
    assert person.drawn == []


def test_the_owner_may_change_tool_and_boxes_when_it_hears_of_a_box(show, canvas, person):
    def answer(box):
        canvas.set_tool("select")
        show(box)
        canvas.set_selection(frozenset({1}))

    canvas.box_drawn.connect(answer)
    person.drag((20, 30), (50, 60), (80, 90))
    assert (canvas.tool(), canvas.selection(), len(person.drawn)) == ("select", frozenset({1}), 1)
    person.drag((100, 100), (110, 110), (130, 130))
    assert len(person.drawn) == 1


def test_the_owner_may_ask_for_a_class_in_a_dialog_when_it_hears_of_a_box(canvas, person, qtbot):
    def ask(_box):
        dialog = QDialog(canvas)
        QTimer.singleShot(0, lambda: (person.move(90, 90), person.press(90, 90), person.release(95, 95)))
        QTimer.singleShot(20, dialog.accept)
        dialog.exec()

    canvas.box_drawn.connect(ask)
    person.drag((20, 30), (50, 60), (80, 90))
    canvas.activateWindow()
    assert len(person.drawn) == 1
    person.drag((100, 100), (110, 110), (130, 130))
    assert len(person.drawn) == 2


def test_an_unknown_tool_is_refused(canvas):
    with pytest.raises(ConfigError, match="lasso"):
        canvas.set_tool("lasso")


def test_the_draw_tool_mends_the_selected_box_by_its_handles(canvas, show, person):
    show((20, 20, 80, 80))
    canvas.set_selection(frozenset({1}))
    canvas.set_tool("draw")
    person.move(80, 80)
    assert canvas.viewport().cursor().shape() is Qt.CursorShape.SizeFDiagCursor
    person.drag((80, 80), (90, 95), (100, 110))
    assert person.edited == [((1,), [[20.0, 20.0, 100.0, 110.0]])]
    assert person.drawn == []


def test_the_draw_tool_draws_beside_an_edge_and_inside_of_the_selected_box(canvas, show, person):
    # only the squares that are seen are handles: neighbours that touch must be drawn all day
    show((20, 20, 80, 80))
    canvas.set_selection(frozenset({1}))
    canvas.set_tool("draw")
    person.drag((80, 35), (110, 60), (120, 70))
    person.drag((40, 40), (50, 50), (60, 60))
    assert [tuple(round(edge) for edge in box) for box in person.drawn] == [
        (80, 35, 120, 70),
        (40, 40, 60, 60),
    ]
    assert person.edited == []


def test_shift_draws_a_square_also_from_a_handle(canvas, show, person):
    show((20, 20, 80, 80))
    canvas.set_selection(frozenset({1}))
    canvas.set_tool("draw")
    person.press(80, 80, Qt.KeyboardModifier.ShiftModifier)
    QTest.mouseMove(canvas.viewport(), person.at(120, 120))
    person.release(120, 120, Qt.KeyboardModifier.ShiftModifier)
    assert person.edited == []
    assert len(person.drawn) == 1
