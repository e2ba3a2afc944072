"""What the Label page does to boxes and classes, and what it says about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from detcore.project.edits import add_class, update_boxes
from detcore.project.project import Project
from detcore.types import Box

CTRL = Qt.KeyboardModifier.ControlModifier


def _key(
    page: LabelPage, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(page.canvas, key, modifier)
    QApplication.processEvents()


def _boxes(page: LabelPage) -> list[Box]:
    return page.context.document.project.boxes(page.context.view.image_id)


def _said(page: LabelPage) -> str:
    history = page.context.messages.history
    return history[-1].text if history else ""


def _select_first(page: LabelPage) -> Box:
    box = _boxes(page)[0]
    page.context.view.select(frozenset({box.id}))
    return box


def test_edges_are_shown_of_a_single_box_only(page: LabelPage) -> None:
    first, second = _boxes(page)[:2]
    edges = page.details.edges
    page.context.view.select(frozenset({first.id, second.id}))
    assert [field.text() for field in edges.values()] == ["", "", "", ""]
    page.context.view.select(frozenset({first.id}))
    assert edges["x2"].text() == f"{first.x2:.1f}"


def test_the_place_of_the_pointer_is_told_only_while_it_is_on_the_canvas(
    qtbot: QtBot, page: LabelPage
) -> None:
    told: list[str] = []
    page.status_changed.connect(told.append)
    QTest.mouseMove(page.canvas.viewport(), QPoint(100, 100))
    qtbot.waitUntil(lambda: bool(told))
    assert "," in told[-1]
    QApplication.sendEvent(page.canvas, QEvent(QEvent.Type.Leave))
    assert told[-1].endswith("%")
    assert "," not in told[-1]


def test_typing_one_edge_leaves_the_fractions_of_the_others(page: LabelPage) -> None:
    document = page.context.document
    box = replace(_boxes(page)[0], x1=20.123, y1=40.456, x2=60.789, y2=80.321)
    document.edit(update_boxes, [box])
    _select_first(page)
    field = page.details.edges["x1"]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "22.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert _boxes(page)[0].xyxy == (22.5, 40.456, 60.789, 80.321)
    assert document.project.undo_text == "Resize box"


def test_a_cleared_flag_is_called_so_in_the_undo_menu(page: LabelPage) -> None:
    _select_first(page)
    page.details.flags["difficult"].click()
    assert page.context.document.project.undo_text == "Mark difficult"
    page.details.flags["difficult"].click()
    assert page.context.document.project.undo_text == "Unmark difficult"


def test_an_arrow_key_moves_and_is_called_so(page: LabelPage) -> None:
    _select_first(page)
    _key(page, Qt.Key.Key_Right)
    assert page.context.document.project.undo_text == "Move box"


def test_without_a_project_no_class_can_be_made(
    empty_page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: pytest.fail("asked for a name"))
    assert not empty_page.class_list.add_buttons[0].isEnabled()
    QTest.mouseClick(empty_page.class_list.add_buttons[0], Qt.MouseButton.LeftButton)


def test_the_new_class_button_makes_a_class(page: LabelPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("coin", True))
    QTest.mouseClick(page.class_list.add_buttons[0], Qt.MouseButton.LeftButton)
    assert page.class_model.classes[-1].name == "coin"


def test_boxes_pasted_into_another_project_find_their_class_by_name(
    qtbot: QtBot, page: LabelPage, tmp_path: Path, image_folder: Path
) -> None:
    _key(page, Qt.Key.Key_A, CTRL)
    _key(page, Qt.Key.Key_C, CTRL)
    paths = sorted(path.name for path in image_folder.iterdir())
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder, image_paths=paths)
    for name in ("dog", "cat", "platelet"):
        other.edit(add_class, name)
    page.context.document.open(other)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.entered()
    _key(page, Qt.Key.Key_V, CTRL)
    names = {item.id: item.name for item in other.classes()}
    assert [(names[box.class_id], box.xyxy) for box in _boxes(page)] == [("platelet", (100, 10, 130, 30))]
    assert "“cell”" in _said(page)


def test_pasting_what_lies_outside_of_the_image_says_so(qtbot: QtBot, page: LabelPage) -> None:
    document, view = page.context.document, page.context.view
    third = document.project.image_ids()[2]
    _key(page, Qt.Key.Key_A, CTRL)
    _key(page, Qt.Key.Key_C, CTRL)
    view.show_image(third)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    page.editing._clipboard = [(replace(box, x1=500, x2=600), name) for box, name in page.editing._clipboard]
    _key(page, Qt.Key.Key_V, CTRL)
    assert _boxes(page) == []
    assert "outside of this image" in _said(page)


def test_undo_of_an_edit_elsewhere_names_the_image_and_leads_there(qtbot: QtBot, page: LabelPage) -> None:
    first = page.context.view.image_id
    _key(page, Qt.Key.Key_A, CTRL)
    _key(page, Qt.Key.Key_Delete)
    _key(page, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=5000)
    _key(page, Qt.Key.Key_Z, CTRL)
    message = page.context.messages.history[-1]
    assert message.text == "Undone: Delete 2 boxes, in img_0.jpg"
    assert message.action is not None
    message.action[1]()
    assert page.context.view.image_id == first


def test_undo_of_an_edit_on_the_shown_image_says_nothing(page: LabelPage) -> None:
    _key(page, Qt.Key.Key_A, CTRL)
    _key(page, Qt.Key.Key_Delete)
    _key(page, Qt.Key.Key_Z, CTRL)
    assert page.context.messages.history == []


def test_arrow_keys_in_the_class_list_choose_the_class_of_new_boxes(page: LabelPage) -> None:
    page.class_list.view.setFocus()
    QTest.keyClick(page.class_list.view, Qt.Key.Key_Down)
    assert page.context.view.class_id == page.class_model.classes[1].id


def test_f2_in_the_class_list_edits_the_class(qtbot: QtBot, page: LabelPage) -> None:
    page.class_list.edit_requested.disconnect()
    page.class_list.view.setFocus()
    with qtbot.waitSignal(page.class_list.edit_requested, timeout=1000) as asked:
        QTest.keyClick(page.class_list.view, Qt.Key.Key_F2)
    assert asked.args == [page.class_model.classes[0].id]


def test_a_deleted_class_comes_back_with_its_boxes_by_the_message(page: LabelPage) -> None:
    before = _boxes(page)
    page.classes._delete(page.class_model.classes[0].id)
    message = page.context.messages.history[-1]
    assert message.text == "Deleted “cell” and its 2 boxes."
    assert len(_boxes(page)) == 1
    assert message.action is not None
    message.action[1]()
    assert _boxes(page) == before


def test_on_an_image_that_cannot_be_shown_nothing_can_be_drawn_or_pasted(
    qtbot: QtBot, page: LabelPage
) -> None:
    project, actions = page.context.document.project, page.context.actions
    _key(page, Qt.Key.Key_A, CTRL)
    _key(page, Qt.Key.Key_C, CTRL)
    assert actions["label.paste"].isEnabled()
    third = project.image_ids()[2]
    project.image_path(project.image(third)).write_bytes(b"\xff\xd8 torn")
    page.viewer.forget_images()
    page.context.view.show_image(third)
    qtbot.waitUntil(lambda: "img_2.jpg" in page.canvas.placeholder()[1], timeout=5000)
    for name in ("draw_tool", "paste", "select_all"):
        assert not actions[f"label.{name}"].isEnabled(), name
    _key(page, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: actions["label.draw_tool"].isEnabled(), timeout=5000)


def test_space_on_a_focused_flag_checks_it_and_does_not_verify_the_image(page: LabelPage) -> None:
    _select_first(page)
    shown = page.context.view.image_id
    flag = page.details.flags["difficult"]
    flag.setFocus()
    QTest.keyClick(flag, Qt.Key.Key_Space)
    assert _boxes(page)[0].difficult
    assert page.context.view.image_id == shown
