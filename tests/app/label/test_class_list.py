"""The order of classes, names from a file, and a new name that another class has."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.class_dialog import ClassDialog
from app.label.page import LabelPage
from detcore.errors import FormatError
from detcore.formats.yolo.names import read_class_list

ALT = Qt.KeyboardModifier.AltModifier


def names(page: LabelPage) -> list[str]:
    return [item.name for item in page.context.document.project.classes()]


def said(page: LabelPage) -> str:
    return page.context.messages.history[-1].text


def drop(page: LabelPage, row: int, before: int) -> None:
    """What Qt delivers when a row was dragged above another."""
    view, model = page.class_list.view, page.class_model
    rect = view.visualRect(model.index(before))
    data: QMimeData = model.mimeData([model.index(row)])
    place = QPoint(rect.left() + 30, rect.top() + 1)
    how = (Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    for event in (
        QDragEnterEvent(place, *how),
        QDragMoveEvent(place, *how),
        QDropEvent(QPointF(place), *how),
    ):
        QApplication.sendEvent(view.viewport(), event)


def test_a_class_that_is_dropped_elsewhere_stays_there(page: LabelPage) -> None:
    assert names(page) == ["cell", "platelet", "blob"]
    drop(page, 2, before=0)
    assert names(page) == ["blob", "cell", "platelet"]
    assert [page.class_model.index(row).data() for row in range(3)] == ["blob", "cell", "platelet"]
    assert said(page) == "Classes reordered. Exports number the classes in this order."
    page.context.document.undo()
    assert names(page) == ["cell", "platelet", "blob"]


@pytest.mark.parametrize(
    ("dragged", "row", "expected"),
    [(0, 3, [1, 2, 0]), (0, -1, [1, 2, 0]), (0, 2, [1, 0, 2]), (2, 1, [0, 2, 1]), (1, 1, None), (1, 2, None)],
)
def test_the_order_that_a_drop_means(
    page: LabelPage, dragged: int, row: int, expected: list[int] | None
) -> None:
    model = page.class_model
    ids = [item.id for item in model.classes]
    model.order_wanted.disconnect()
    asked: list[list[int]] = []
    model.order_wanted.connect(asked.append)
    model.dropMimeData(
        model.mimeData([model.index(dragged)]), Qt.DropAction.MoveAction, row, 0, QModelIndex()
    )
    assert asked == ([] if expected is None else [[ids[place] for place in expected]])


def test_a_class_is_moved_by_keys_and_a_held_key_moves_it_once(page: LabelPage) -> None:
    view = page.class_list.view
    view.setFocus()
    view.setCurrentIndex(page.class_model.index(0))
    QTest.keyPress(view, Qt.Key.Key_Down, ALT)
    assert names(page) == ["platelet", "cell", "blob"]
    assert page.class_model.classes[view.currentIndex().row()].name == "cell", "the class keeps the focus"


def test_imported_classes_keep_their_numbers_and_that_is_said(page: LabelPage) -> None:
    project = page.context.document.project
    with project.database.write() as connection:
        connection.execute("UPDATE class SET source_id = id + 10")
    page.class_model.reload()
    drop(page, 2, before=0)
    assert said(page) == "Classes reordered. Exports keep the numbers that the classes had in their files."


def test_names_from_a_file_become_classes_in_one_step(qtbot: QtBot, page: LabelPage, tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("wheel\ncell\n\nhelmet\n", encoding="utf-8")
    page.classes.add_from(path)
    qtbot.waitUntil(lambda: len(names(page)) == 5, timeout=5000)
    assert names(page) == ["cell", "platelet", "blob", "wheel", "helmet"]
    assert said(page) == "2 classes added from classes.txt. 1 was there already."
    page.context.document.undo()
    assert names(page) == ["cell", "platelet", "blob"]


def test_a_file_without_names_is_told_of(qtbot: QtBot, page: LabelPage, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("\n")
    page.classes.add_from(path)
    qtbot.waitUntil(lambda: bool(page.context.messages.history), timeout=5000)
    assert "no class names in this file" in said(page)
    assert names(page) == ["cell", "platelet", "blob"]


def test_names_are_read_from_a_data_yaml(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("names:\n  0: yes\n  1: 'no'\n  2: yes\n")
    assert read_class_list(path) == ["yes", "no"]
    path.write_text("nc: 3\n")
    with pytest.raises(FormatError, match="no class names"):
        read_class_list(path)


def test_a_name_that_another_class_has_offers_to_merge(qtbot: QtBot, page: LabelPage) -> None:
    project = page.context.document.project
    platelet = project.classes()[1]
    seen: list[str] = []

    def type_and_accept() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ClassDialog)
        dialog.name.selectAll()
        QTest.keyClicks(dialog.name, "cell")
        seen.append(dialog.ok_button.text())
        seen.append(dialog.merge_note.text())
        assert dialog.merge_note.isVisible()
        QTest.mouseClick(dialog.ok_button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, type_and_accept)
    page.classes.edit(platelet.id)
    assert seen[0] == "Merge"
    assert "“cell” already" in seen[1]
    assert names(page) == ["cell", "blob"]
    assert {box.class_id for box in project.all_boxes()} == {project.classes()[0].id}
    assert said(page) == "“platelet” is one with “cell” now."
    page.context.document.undo()
    assert names(page) == ["cell", "platelet", "blob"]
