"""Selecting, moving and resizing boxes with real mouse events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
A, B = (20.0, 20.0, 60.0, 60.0), (100.0, 20.0, 140.0, 60.0)
LARGE = (10.0, 10.0, 150.0, 140.0)


def test_a_click_selects_and_a_click_on_nothing_clears(show, canvas, person):
    show(A, B)
    person.click(40, 40)
    person.click(180, 120)
    assert person.selected == [frozenset({1}), frozenset()]
    assert canvas.selection() == frozenset()


def test_the_smallest_box_is_selected_first_and_further_clicks_go_beneath(show, person):
    show(LARGE, A, (30, 30, 50, 50))
    for _ in range(4):
        person.click(40, 40)
    assert person.selected == [frozenset({3}), frozenset({2}), frozenset({1}), frozenset({3})]


def test_a_click_elsewhere_begins_anew(show, person):
    show(LARGE, A)
    person.click(40, 40)
    person.click(42, 50)
    person.click(42, 50)
    assert person.selected == [frozenset({1 + 1}), frozenset({1})]


def test_moving_the_view_between_clicks_ends_the_going_beneath(show, canvas, person):
    show(LARGE, A)
    person.click(40, 40)
    canvas.camera.pan_by(3, 0)
    person.click(40, 40)
    assert canvas.selection() == frozenset({2})


@pytest.mark.parametrize("modifier", [SHIFT, CONTROL])
def test_shift_or_control_click_adds_and_removes(show, person, modifier):
    show(A, B)
    person.click(40, 40)
    person.click(120, 40, modifier)
    person.click(40, 40, modifier)
    assert person.selected == [frozenset({1}), frozenset({1, 2}), frozenset({2})]


def test_a_click_in_a_selection_of_many_leaves_that_one(show, canvas, person):
    show(A, B)
    canvas.set_selection(frozenset({1, 2}))
    person.click(120, 40)
    assert person.selected == [frozenset({2})]


def test_shift_drag_on_nothing_selects_what_lies_within(show, canvas, person):
    show(A, B, (160, 100, 190, 140))
    canvas.set_selection(frozenset({3}))
    person.drag((15, 15), (100, 50), (145, 65), modifiers=SHIFT)
    assert person.selected == [frozenset({1, 2, 3})]


def test_shift_drag_that_begins_on_a_box_selects_what_lies_within(show, canvas, person):
    # an image full of cells has no place without a box to begin at
    show((0, 0, 200, 150), A, B)
    person.drag((15, 15), (100, 50), (145, 65), modifiers=SHIFT)
    assert person.selected == [frozenset({2, 3})]


def test_where_the_whole_image_is_seen_a_drag_on_nothing_selects_what_lies_within(show, canvas, person):
    show(A, B, (160, 100, 190, 140))
    canvas.set_selection(frozenset({3}))
    before = canvas.mapFromScene(0, 0)
    person.press(15, 15)
    person.move(100, 50)
    colour = canvas.grab().toImage().pixelColor(person.at(100, 15))
    person.move(145, 65)
    person.release(145, 65)
    assert person.selected == [frozenset(), frozenset({1, 2})]
    assert canvas.mapFromScene(0, 0) == before
    assert colour.blue() > colour.red() + 40, "the rectangle is seen while it is drawn"


def test_dragging_moves_the_box_and_tells_once_on_release(show, person):
    show(A, B)
    person.press(40, 40)
    for step in range(1, 6):
        person.move(40 + 4 * step, 40 + 2 * step)
    assert person.edited == []
    person.release(60, 50)
    assert person.edited == [((1,), [pytest.approx([40, 30, 80, 70])])]
    assert person.selected == [frozenset({1})]


def test_a_selection_moves_together_and_stops_at_the_edge(show, canvas, person):
    show(A, B)
    canvas.set_selection(frozenset({1, 2}))
    person.drag((40, 40), (60, 30), (140, 10))
    assert person.edited == [((1, 2), [pytest.approx([80, 0, 120, 40]), pytest.approx([160, 0, 200, 40])])]


def test_a_trembling_hand_moves_nothing(show, person):
    show(A)
    person.drag((40, 40), (40.6, 40.4), (40.3, 40))
    assert person.edited == []


def test_dragged_back_to_where_it_was_is_no_edit(show, person):
    show(A)
    person.drag((40, 40), (90, 90), (40, 40))
    assert person.edited == []


def test_a_handle_resizes(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    person.drag((60, 60), (70, 70), (80, 75))
    assert person.edited == [((1,), [pytest.approx([20, 20, 80, 75])])]


def test_resizing_turns_the_box_over_when_dragged_past_the_other_side(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    person.drag((60, 40), (30, 40), (5, 40))
    assert person.edited == [((1,), [pytest.approx([5, 20, 20, 60])])]


def test_resizing_to_nothing_is_an_accident(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    person.drag((60, 40), (40, 40), (20, 40))
    assert person.edited == []


def test_a_tiny_box_can_still_be_resized_on_its_long_side(show, canvas, person):
    show((20.0, 20.0, 20.5, 60.0))
    canvas.set_selection(frozenset({1}))
    person.drag((20.25, 60), (20.25, 70), (20.25, 80))
    assert person.edited == [((1,), [pytest.approx([20, 20, 20.5, 80])])]


def test_what_the_owner_is_told_stays_as_it_is_however_often_it_is_shown(show, canvas, person):
    shown = show((20.123456789, 20.1, 60.987654321, 60.3))
    canvas.boxes_edited.connect(
        lambda ids, boxes: canvas.set_boxes(shown.with_geometry(np.array([0]), boxes))
    )
    for _ in range(20):
        person.drag((40, 40), (50, 40), (60, 40))
        person.drag((60, 40), (50, 40), (40, 40))
    left, top, right, bottom = person.edited[-1][1][0]
    assert (left, top) == pytest.approx((20.123456789, 20.1))
    assert (right - left, bottom - top) == pytest.approx((40.864197532, 40.2))


def test_escape_puts_the_dragged_box_back(show, canvas, person):
    show(A)
    person.press(40, 40)
    person.move(80, 80)
    person.key(Qt.Key.Key_Escape)
    person.release(90, 90)
    assert person.edited == []
    assert canvas.selection() == frozenset({1})
    person.click(30, 30)
    person.key(Qt.Key.Key_Escape)
    assert canvas.selection() == frozenset()


def test_a_box_deleted_while_it_is_dragged(show, canvas, person):
    show(A)
    person.press(40, 40)
    person.move(80, 80)
    show()
    canvas.grab()
    person.move(90, 90)
    person.release(90, 90)
    assert (person.edited, canvas.selection()) == ([], frozenset())


def test_other_boxes_may_change_while_one_is_dragged(show, canvas, person):
    show(A, B)
    person.press(40, 40)
    person.move(50, 50)
    show(A)
    person.move(60, 60)
    person.release(60, 60)
    assert person.edited == [((1,), [pytest.approx([40, 40, 80, 80])])]


def test_a_box_that_changes_while_it_is_dragged_is_let_go(show, person):
    show(A)
    person.press(40, 40)
    person.move(50, 50)
    show(B)
    person.release(60, 60)
    assert person.edited == []


def test_another_image_while_a_box_is_dragged(show, canvas, person):
    show(A)
    person.press(40, 40)
    person.move(50, 50)
    canvas.set_image(QImage(90, 90, QImage.Format.Format_RGB32))
    person.move(60, 60)
    person.release(60, 60)
    assert person.edited == []


def test_the_image_may_change_when_the_owner_hears_of_a_selection(show, canvas, person):
    show(A)
    canvas.selection_changed.connect(lambda _: canvas.set_image(QImage(90, 90, QImage.Format.Format_RGB32)))
    person.press(40, 40)
    person.move(50, 50)
    person.release(60, 60)
    assert person.edited == []


def test_read_only_boxes_can_be_selected_but_not_changed(show, canvas, person):
    show(A)
    canvas.set_read_only(True)
    person.click(40, 40)
    person.drag((40, 40), (50, 50), (70, 70))
    person.key(Qt.Key.Key_Right)
    assert (canvas.selection(), person.edited) == (frozenset({1}), [])


def test_boxes_that_are_not_editable_are_left_out_of_edits(show, canvas, person):
    show(A, B, editable=False)
    person.click(40, 40)
    person.drag((40, 40), (50, 50), (70, 70))
    assert (canvas.selection(), person.edited) == (frozenset({1}), [])


def test_hidden_boxes_cannot_be_hit(show, canvas, person):
    show(A)
    canvas.set_boxes_visible(False)
    person.click(40, 40)
    assert person.selected == []
    canvas.set_boxes_visible(True)
    person.click(40, 40)
    assert person.selected == [frozenset({1})]


def test_the_owner_selects_without_an_echo(show, canvas, person):
    show(A, B)
    canvas.set_selection(frozenset({2, 99}))
    assert (canvas.selection(), person.selected) == (frozenset({2}), [])


def test_deleted_boxes_leave_the_selection(show, canvas, person):
    show(A, B)
    canvas.set_selection(frozenset({1, 2}))
    show(A)
    assert (canvas.selection(), person.selected) == (frozenset({1}), [])


def test_a_double_click_activates_what_the_first_click_selected(show, canvas, person):
    show(LARGE, A)
    person.click(40, 40)
    QTest.mouseDClick(
        canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, person.at(40, 40)
    )
    assert (person.activated, canvas.selection()) == ([2], frozenset({2}))


def test_hover_is_told_when_it_changes(show, canvas, person):
    show(A, B)
    seen = []
    canvas.hovered.connect(seen.append)
    for x in (10, 40, 45, 120, 180):
        person.move(x, 40)
    assert seen == [1, 2, 0]


def test_the_context_menu_is_about_the_box_beneath_which_is_selected(show, canvas, person):
    show(A)
    asked = []
    canvas.context_menu_requested.connect(lambda where, box_id: asked.append(box_id))
    for x in (40, 180):
        at = person.at(x, 40)
        event = QContextMenuEvent(
            QContextMenuEvent.Reason.Mouse,
            at,
            canvas.viewport().mapToGlobal(at),
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(canvas.viewport(), event)
    assert (asked, person.selected) == ([1, 0], [frozenset({1}), frozenset()])


def test_dragging_on_nothing_pans_an_image_of_which_a_part_is_seen(show, canvas, person):
    show(A)
    canvas.set_selection(frozenset({1}))
    canvas.camera.zoom_in()
    before = canvas.mapFromScene(0, 0)
    start = person.at(180, 120)
    viewport = canvas.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(viewport, start + QPoint(-30, -20))
    QTest.mouseRelease(
        viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(-50, -40)
    )
    assert canvas.mapFromScene(0, 0) - before == QPoint(-50, -40)
    assert canvas.selection() == frozenset({1})
