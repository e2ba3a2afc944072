"""What the keys do, with real key events."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

SHIFT = Qt.KeyboardModifier.ShiftModifier
A, B = (20.0, 20.0, 60.0, 60.0), (100.0, 20.0, 140.0, 60.0)


def test_arrows_nudge_by_one_pixel_of_the_image_and_with_shift_by_ten(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    person.key(Qt.Key.Key_Right)
    person.key(Qt.Key.Key_Down, SHIFT)
    assert person.edited == [((1,), [[21, 20, 61, 60]]), ((1,), [[21, 30, 61, 70]])]


def test_a_key_held_down_is_one_edit(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    for _ in range(5):
        QTest.keyPress(canvas, Qt.Key.Key_Right)
    assert person.edited == []
    QTest.keyRelease(canvas, Qt.Key.Key_Right)
    assert person.edited == [((1,), [[25, 20, 65, 60]])]


def test_a_nudge_ends_at_the_edge_of_the_image(show, canvas, person):
    show((1.5, 20.0, 60.0, 60.0))
    canvas.set_selection(frozenset({1}))
    person.key(Qt.Key.Key_Left, SHIFT)
    person.key(Qt.Key.Key_Left)
    assert person.edited == [((1,), [[0, 20, 58.5, 60]])]


def test_losing_the_focus_keeps_what_was_nudged(show, canvas, person, qtbot):
    show(A)
    canvas.set_selection(frozenset({1}))
    QTest.keyPress(canvas, Qt.Key.Key_Right)
    other = QLineEdit()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    other.setFocus()
    qtbot.waitUntil(lambda: not canvas.hasFocus())
    assert person.edited == [((1,), [[21, 20, 61, 60]])]


def test_a_press_of_the_mouse_keeps_what_was_nudged(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    QTest.keyPress(canvas, Qt.Key.Key_Right)
    person.press(180, 100)
    assert person.edited == [((1,), [[21, 20, 61, 60]])]


def test_escape_while_an_arrow_is_held_puts_the_box_back(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    QTest.keyPress(canvas, Qt.Key.Key_Right)
    person.key(Qt.Key.Key_Escape)
    QTest.keyRelease(canvas, Qt.Key.Key_Right)
    assert (person.edited, canvas.selection()) == ([], frozenset({1}))


def test_a_nudge_in_the_midst_of_a_drag_is_none(show, canvas, person):
    show(A)
    person.press(40, 40)
    person.move(60, 60)
    person.key(Qt.Key.Key_Right)
    person.release(60, 60)
    assert len(person.edited) == 1


def test_enter_activates_the_selected_box(show, canvas, person):
    show(A, B)
    canvas.set_selection(frozenset({2}))
    person.key(Qt.Key.Key_Return)
    canvas.set_selection(frozenset({1, 2}))
    person.key(Qt.Key.Key_Return)
    assert person.activated == [2]


def test_arrows_are_the_windows_while_nothing_is_selected(show, canvas, person):
    show(A)
    used = []
    shortcut = QShortcut(QKeySequence(Qt.Key.Key_Right), canvas.window())
    shortcut.activated.connect(lambda: used.append("next image"))
    person.key(Qt.Key.Key_Right)
    assert (used, person.edited) == (["next image"], [])
    canvas.set_selection(frozenset({1}))
    person.key(Qt.Key.Key_Right)
    assert (used, len(person.edited)) == (["next image"], 1)


def test_the_middle_button_pans_also_while_drawing(canvas, person):
    canvas.set_tool("draw")
    before = canvas.mapFromScene(0, 0)
    viewport, start = canvas.viewport(), QPoint(300, 200)
    middle, plain = Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(viewport, middle, plain, start)
    QTest.mouseMove(viewport, start + QPoint(40, 10))
    QTest.mouseRelease(viewport, middle, plain, start + QPoint(40, 10))
    assert canvas.mapFromScene(0, 0) - before == QPoint(40, 10)
    person.drag((20, 30), (50, 60), (80, 90))
    assert len(person.drawn) == 1
