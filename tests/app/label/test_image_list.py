"""The list of images keeps its place."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from detcore.project.project import Project


def test_after_a_search_is_cleared_the_shown_image_is_marked_again(page: LabelPage) -> None:
    view, images = page.context.view, page.images
    view.show_image(images.image_id(1))
    QTest.keyClicks(page.image_list.bar.search, "img_4")
    assert page.image_list.view.currentIndex().row() == -1
    page.image_list.bar.search.clear()
    assert page.image_list.view.currentIndex().row() == 1


def test_when_the_list_is_read_anew_the_shown_image_stays_marked(page: LabelPage) -> None:
    page.context.view.show_image(page.images.image_id(3))
    page.images.reload()
    assert page.image_list.view.currentIndex().row() == 3


def test_search_and_filter_end_with_the_project(
    qtbot: QtBot, page: LabelPage, tmp_path: Path, image_folder: Path
) -> None:
    QTest.keyClicks(page.image_list.bar.search, "img_4")
    page.image_list.bar.status.setCurrentIndex(3)
    paths = sorted(path.name for path in image_folder.iterdir())
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder, image_paths=paths)
    page.context.document.open(other)
    assert page.image_list.bar.search.text() == ""
    assert page.images.rowCount() == 6
    assert page.context.view.image_id == other.image_ids()[0]
    assert page.image_list.view.currentIndex().row() == 0


def test_typing_a_search_without_a_project_does_nothing(empty_page: LabelPage) -> None:
    QTest.keyClicks(empty_page.image_list.bar.search, "img")
    assert empty_page.images.rowCount() == 0


def test_selecting_a_box_does_not_move_the_picture(page: LabelPage) -> None:
    before = page.canvas.geometry()
    QTest.keyClick(page.canvas, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.qWait(20)
    assert page.canvas.geometry() == before
