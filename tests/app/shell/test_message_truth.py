"""The message bar says what is so now: of what was done last, on the page that is shown."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from app.shell.main_window import MainWindow
from detcore.project.edits import add_boxes
from detcore.project.project import Project
from detcore.types import Box

CTRL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def labelled(window: MainWindow, project: Project, qtbot: QtBot) -> MainWindow:
    """The first image is shown; boxes were drawn on the others, one after the other."""
    window.context.document.open(project)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing)
    class_id = project.classes()[0].id
    for image_id in project.image_ids()[1:]:
        box = Box(id=0, image_id=image_id, class_id=class_id, x1=1, y1=1, x2=9, y2=9)
        window.context.document.edit(add_boxes, [box])
    return window


def undo(window: MainWindow, times: int = 1) -> None:
    for _ in range(times):
        QTest.keyClick(window.label_page.canvas, Qt.Key.Key_Z, CTRL)


def test_after_many_undos_the_bar_tells_of_the_last_and_show_leads_to_its_image(
    labelled: MainWindow, qtbot: QtBot
) -> None:
    bar, project = labelled.messages, labelled.context.document.project
    undo(labelled, 4)
    second = project.image_ids()[2]
    assert project.image(second).path in bar.text.text()
    qtbot.mouseClick(bar.action, LEFT)
    assert labelled.context.view.image_id == second
    assert bar.isHidden()


def test_undone_goes_with_redo(labelled: MainWindow) -> None:
    bar = labelled.messages
    undo(labelled)
    assert bar.text.text().startswith("Undone")
    QTest.keyClick(labelled.label_page.canvas, Qt.Key.Key_Y, CTRL)
    assert not bar.isVisible() or bar.text.text().startswith("Redone")
    bar.dismiss()
    assert bar.isHidden()


def test_show_goes_with_an_edit_that_makes_its_image_another(labelled: MainWindow) -> None:
    bar, page = labelled.messages, labelled.label_page
    undo(labelled)
    assert bar.offers
    page.editing.draw((50, 50, 70, 70), page.class_model.classes[0].id)
    assert bar.isHidden()


@pytest.mark.parametrize("way_on", ["edit", "page"])
def test_a_name_that_was_refused_is_told_until_something_else_is_done(
    labelled: MainWindow, way_on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, page = labelled.messages, labelled.label_page
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args: ("cell", True))
    labelled.context.actions["label.new_class"].trigger()
    assert bar.property("level") == "error"
    assert bar.isVisible()
    if way_on == "edit":
        page.editing.draw((50, 50, 70, 70), page.class_model.classes[0].id)
    else:
        labelled.show_page("train")
    assert bar.isHidden()
