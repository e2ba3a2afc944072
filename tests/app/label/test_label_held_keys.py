"""Keys that are held on the Label page, and what is told of what they did."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QWidget
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.services.keymaps import KEYMAPS
from app.shell.action_specs import all_actions
from detcore.types import Changes, Status
from tests.app.held_keys import WAYS, hold_in_halves, hold_marked, keys_of

Hold = Callable[[QWidget, Qt.Key], None]
ENDS_AT_RELEASE = pytest.mark.parametrize("hold", [hold_marked, hold_in_halves], ids=["marked", "in halves"])
"""What a key writes at its release: also where Qt takes the halves of each repeat for a release."""

CTRL = Qt.KeyboardModifier.ControlModifier
DOWN, UP = Qt.Key.Key_Down, Qt.Key.Key_Up


@pytest.fixture
def done(page: LabelPage) -> list[Changes]:
    """All edits from here on, undone ones as well."""
    edits: list[Changes] = []
    page.context.document.changed.connect(edits.append)
    return edits


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("preset", KEYMAPS)
def test_each_held_key_is_one_edit_at_most(
    page: LabelPage,
    done: list[Changes],
    preset: str,
    hold: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = iter(f"new {number}" for number in range(1000))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args: (next(names), True))
    context, first = page.context, page.images.image_id(0)
    context.actions.use_keymap(preset)
    writing: set[str] = set()
    for spec in [spec for spec in all_actions() if spec.scope == "label"]:
        for shortcut in context.actions[spec.id].shortcuts():
            context.view.show_image(first)
            context.view.select(frozenset(box.id for box in page.boxes.boxes))
            page.canvas.setFocus()
            done.clear()
            hold(page.canvas, *keys_of(shortcut))
            assert len(done) <= 1, (spec.id, shortcut.toString())
            if popup := QApplication.activePopupWidget():
                popup.close()
            if done:
                writing.add(spec.id)
                context.document.undo()
    assert {"label.verify", "label.delete", "label.duplicate", "label.new_class", "label.class_2"} <= writing


def test_a_held_undo_takes_one_step_back(page: LabelPage, done: list[Changes]) -> None:
    hold_marked(page.canvas, Qt.Key.Key_Z, CTRL)
    assert len(done) == 1
    hold_marked(page.canvas, Qt.Key.Key_Y, CTRL)
    assert len(done) == 2


@ENDS_AT_RELEASE
def test_boxes_nudged_by_a_held_arrow_are_moved_in_one_edit(
    qtbot: QtBot, page: LabelPage, done: list[Changes], hold: Hold
) -> None:
    box = page.boxes.boxes[0]
    page.context.view.select(frozenset({box.id}))
    hold(page.canvas, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: done != [])
    assert [changes.text for changes in done] == ["Move box"]
    assert page.boxes.boxes[0].x1 == box.x1 + 6


@ENDS_AT_RELEASE
def test_an_arrow_held_in_the_list_of_classes_gives_boxes_the_class_it_ends_at(
    qtbot: QtBot, page: LabelPage, done: list[Changes], hold: Hold
) -> None:
    box, last = page.boxes.boxes[0], page.class_model.classes[-1]
    page.context.view.select(frozenset({box.id}))
    page.class_list.view.setFocus()
    hold(page.class_list.view, DOWN)
    qtbot.waitUntil(lambda: done != [])
    assert [changes.text for changes in done] == ["Change class"]
    assert page.boxes.boxes[0].class_id == last.id


@ENDS_AT_RELEASE
def test_an_arrow_held_in_a_field_of_an_edge_moves_it_in_one_edit(
    qtbot: QtBot, page: LabelPage, done: list[Changes], hold: Hold
) -> None:
    box = page.boxes.boxes[0]
    page.context.view.select(frozenset({box.id}))
    field = page.details.edges["x1"]
    field.setFocus()
    hold(field, UP)
    qtbot.waitUntil(lambda: done != [])
    assert [changes.text for changes in done] == ["Resize box"]
    assert page.boxes.boxes[0].x1 > box.x1 + 1


def test_a_nudge_is_written_before_the_next_key_is_done(page: LabelPage, done: list[Changes]) -> None:
    box = page.boxes.boxes[0]
    page.context.view.select(frozenset({box.id}))
    hold_in_halves(page.canvas, Qt.Key.Key_Right)
    QTest.keyClick(page.canvas, Qt.Key.Key_Delete)
    assert [changes.text for changes in done] == ["Move box", "Delete box"]


def test_enter_held_on_a_box_asks_for_its_class_and_leaves_it_to_the_user_to_answer(
    page: LabelPage, done: list[Changes]
) -> None:
    page.context.view.select(frozenset({page.boxes.boxes[0].id}))
    hold_marked(page.canvas, Qt.Key.Key_Return)
    popup = QApplication.activePopupWidget()
    assert popup is not None
    assert done == []
    popup.close()


def test_an_image_verified_without_boxes_says_so_on_it_beside_its_name_and_in_a_message(
    page: LabelPage, qtbot: QtBot
) -> None:
    context = page.context
    empty = page.images.image_id(2)
    context.view.show_image(empty)
    qtbot.waitUntil(lambda: page.viewer.is_showing)
    assert page.viewer.badge.isHidden()
    QTest.keyClick(page.canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert context.document.project.image(empty).status is Status.VERIFIED
    assert page.viewer.badge.isVisible()
    assert page.viewer.badge.text() == "Verified, empty"
    assert context.messages.history[-1].text == "img_2.jpg: verified, empty"
    page.editing.draw((10, 10, 40, 40), page.class_model.classes[0].id)
    assert page.viewer.badge.isHidden()
    # one with boxes has nothing to say
    before = len(context.messages.history)
    context.view.show_image(page.images.image_id(0))
    qtbot.waitUntil(lambda: page.viewer.is_showing)
    QTest.keyClick(page.canvas, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert page.viewer.badge.isHidden()
    assert len(context.messages.history) == before


def test_a_quick_series_of_empty_images_is_told_in_one_message_and_undone_one_by_one(
    page: LabelPage, done: list[Changes], qtbot: QtBot
) -> None:
    context = page.context
    context.view.show_image(page.images.image_id(2))
    before = len(context.messages.history)
    for _ in range(3):
        qtbot.waitUntil(lambda: page.viewer.is_showing)
        QTest.keyClick(page.canvas, Qt.Key.Key_Space)
    told = [message.text for message in context.messages.history[before:]]
    assert told == ["3 images verified, empty"]
    assert len(done) == 3
    context.actions["global.undo"].trigger()
    statuses = [image.status for image in context.document.project.images()]
    assert statuses.count(Status.VERIFIED) == 2
