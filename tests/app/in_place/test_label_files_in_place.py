"""Label files of other programs, kept in agreement with the open project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.in_place.keeping import LabelFilesInPlace
from app.services.context import AppContext
from app.services.undo_redo import UndoRedo
from detcore.exchange.imports import import_dataset
from detcore.project import edits
from detcore.project.project import Project
from detcore.types import Box
from tests.detcore.exchange.in_place_folders import Foreign, make_folder

LEFT = Qt.MouseButton.LeftButton


class Folder:
    """Two labelled images that the open project was imported from, and another program."""

    def __init__(self, folder: Path, context: AppContext) -> None:
        self.foreign = Foreign("voc")
        self.path = folder
        self.images = make_folder(folder, self.foreign, images=2)
        self.project = Project.create(folder.parent / "p.reticle", image_root=folder)
        import_dataset(self.project, "voc", folder)
        self.ids = self.project.image_ids_by_path()
        context.document.open(self.project)

    def draw(self, context: AppContext, image: Path) -> None:
        box = Box(id=0, image_id=self.ids[image.name], class_id=1, x1=1, y1=2, x2=30, y2=40)
        context.document.edit(edits.add_boxes, [box])


@pytest.fixture
def service(qtbot: QtBot, context: AppContext) -> Iterator[LabelFilesInPlace]:
    window = QWidget()
    qtbot.addWidget(window)
    context.actions.install(window)
    UndoRedo(context)
    service = LabelFilesInPlace(context, window)
    context.document.opened.connect(context.actions.refresh)  # as the main window does
    window.show()
    yield service
    context.document.close()
    context.tasks.shut_down()


@pytest.fixture
def folder(
    tmp_path: Path,
    context: AppContext,
    service: LabelFilesInPlace,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> Folder:
    """Linked by the action, as a user does."""
    folder = Folder(tmp_path / "set", context)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder.path))
    context.actions["global.link_files"].trigger()
    qtbot.waitUntil(lambda: any("from now on" in message.text for message in context.messages.history))
    return folder


def test_what_is_drawn_is_in_its_file(
    folder: Folder, context: AppContext, service: LabelFilesInPlace, qtbot: QtBot
) -> None:
    image = folder.images[0]
    folder.draw(context, image)
    qtbot.waitUntil(lambda: folder.foreign.rows(image)[-1][1:] == (1, 2, 30, 40))
    context.actions["global.undo"].trigger()
    qtbot.waitUntil(lambda: folder.foreign.rows(image)[-1][1:] != (1, 2, 30, 40))


def test_a_foreign_change_is_told_shown_and_taken_by_a_click(
    folder: Folder, context: AppContext, service: LabelFilesInPlace, qtbot: QtBot
) -> None:
    image = folder.images[0]
    folder.foreign.write(image, [*folder.foreign.rows(image), ("owl", 100, 40, 120, 60)])
    service.look()
    qtbot.waitUntil(
        lambda: context.messages.history[-1].text == "1 label file was changed by another program."
    )
    context.actions["global.file_changes"].trigger()
    assert service.dialog.files.item(0).text() == f"set/{image.stem}.xml\n1 box added"
    count = len(folder.project.boxes(folder.ids[image.name]))
    with qtbot.waitSignal(context.document.changed):
        QTest.mouseClick(service.dialog.take, LEFT)
    assert len(folder.project.boxes(folder.ids[image.name])) == count + 1
    qtbot.waitUntil(lambda: service.dialog.files.count() == 0)
    assert service.dialog.empty.isVisible()


def test_a_refused_change_is_kept_and_the_file_is_as_the_project_has_it(
    folder: Folder, context: AppContext, service: LabelFilesInPlace, qtbot: QtBot
) -> None:
    image = folder.images[0]
    mine = folder.foreign.rows(image)
    folder.foreign.write(image, [("owl", 100, 40, 120, 60)])
    context.actions["global.file_changes"].trigger()
    qtbot.waitUntil(lambda: service.dialog.files.count() == 1)
    QTest.mouseClick(service.dialog.refuse, LEFT)
    qtbot.waitUntil(lambda: service.dialog.files.count() == 0)
    assert folder.foreign.rows(image) == mine
    assert any("1 file of theirs is kept" in message.text for message in context.messages.history)


def test_a_linked_project_writes_on_after_it_was_closed_and_opened(
    folder: Folder, context: AppContext, service: LabelFilesInPlace, qtbot: QtBot
) -> None:
    context.document.close()
    context.document.open(Project.open(folder.path.parent / "p.reticle"))
    image = folder.images[1]
    folder.draw(context, image)
    qtbot.waitUntil(lambda: folder.foreign.rows(image)[-1][1:] == (1, 2, 30, 40))


def test_an_edit_that_meets_a_foreign_change_is_not_written_and_told(
    folder: Folder, context: AppContext, service: LabelFilesInPlace, qtbot: QtBot
) -> None:
    image = folder.images[0]
    folder.foreign.write(image, [("owl", 100, 40, 120, 60)])
    theirs = image.with_suffix(".xml").read_bytes()
    folder.draw(context, image)
    qtbot.waitUntil(lambda: any("not written" in message.text for message in context.messages.history))
    assert image.with_suffix(".xml").read_bytes() == theirs
