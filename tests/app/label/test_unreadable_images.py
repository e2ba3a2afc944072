"""Images that cannot be shown are marked in the list as soon as that is known."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.label.models.image_model import UNREADABLE_ROLE
from app.label.page import LabelPage

SOON = 10_000


def reason(page: LabelPage, row: int) -> str:
    return page.images.index(row).data(UNREADABLE_ROLE)


def break_image(page: LabelPage, row: int) -> Path:
    project = page.context.document.project
    path = project.image_path(project.image(page.images.image_id(row)))
    path.write_bytes(b"no image")
    page.viewer.forget_images()
    return path


def test_a_broken_image_is_marked_before_it_is_opened(page: LabelPage, qtbot: QtBot) -> None:
    break_image(page, 1)
    qtbot.waitUntil(lambda: reason(page, 1) != "", timeout=SOON)
    assert page.context.view.image_id == page.images.image_id(0)
    tooltip = page.images.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert f"Cannot be shown: {reason(page, 1)}" in tooltip
    assert [row for row in range(6) if reason(page, row)] == [1]


def test_an_image_that_is_gone_is_marked_and_the_mark_goes_when_it_is_back(
    page: LabelPage, qtbot: QtBot
) -> None:
    project = page.context.document.project
    path = project.image_path(project.image(page.images.image_id(3)))
    content = path.read_bytes()
    path.unlink()
    page.viewer.forget_images()
    page.context.view.show_image(page.images.image_id(3))
    qtbot.waitUntil(lambda: "not found" in reason(page, 3), timeout=SOON)
    path.write_bytes(content)
    page.context.view.show_image(page.images.image_id(0))
    page.context.view.show_image(page.images.image_id(3))
    qtbot.waitUntil(lambda: page.viewer.is_showing, timeout=SOON)
    assert reason(page, 3) == ""


def test_images_that_cannot_be_shown_can_be_listed_alone(page: LabelPage, qtbot: QtBot) -> None:
    name = break_image(page, 1).name
    qtbot.waitUntil(lambda: reason(page, 1) != "", timeout=SOON)
    choice = page.image_list.bar.status
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_End)
    assert choice.currentText() == "Cannot be shown"
    assert [page.images.index(row).data() for row in range(page.images.rowCount())] == [name]
    QTest.keyClick(choice, Qt.Key.Key_Home)
    assert page.images.rowCount() == 6


def test_a_mark_is_seen_in_the_row(page: LabelPage, qtbot: QtBot) -> None:
    view = page.image_list.view
    row = view.visualRect(page.images.index(1))
    before = view.viewport().grab(row).toImage()
    break_image(page, 1)
    qtbot.waitUntil(lambda: reason(page, 1) != "", timeout=SOON)
    assert view.viewport().grab(row).toImage() != before


def test_marks_end_with_the_project(page: LabelPage, qtbot: QtBot) -> None:
    break_image(page, 1)
    qtbot.waitUntil(lambda: reason(page, 1) != "", timeout=SOON)
    page.context.document.close()
    assert page.images.rowCount() == 0
    page.images.forget_tried()
