"""Making a project, dropping files on the window, and saying which project an import is for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks
from app.shell.import_dialog import ImportDialog
from app.shell.main_window import MainWindow
from app.shell.project_dialog import ProjectDialog
from detcore.project.project import Project


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, project: Project) -> MainWindow:
    window.context.document.open(project)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=5000)
    return window


def drop(target: QWidget, *paths: Path) -> QDropEvent:
    """Drop files from a file manager that offers to move them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    both = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
    how = (both, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    place = QPointF(target.width() / 2, target.height() / 2)
    enter = QDragEnterEvent(place.toPoint(), *how)
    event = QDropEvent(place, *how)
    event.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(target, enter)
    QApplication.sendEvent(target, event)
    return event


def test_a_drop_never_answers_that_the_files_may_be_taken_away(
    opened: MainWindow, image_folder: Path
) -> None:
    for target in (opened, opened.label_page.canvas.viewport()):
        event = drop(target, image_folder / "img_3.jpg")
        assert event.isAccepted()
        assert event.dropAction() is Qt.DropAction.CopyAction


def test_an_image_of_the_project_that_is_dropped_is_shown(
    opened: MainWindow, image_folder: Path, project: Project
) -> None:
    drop(opened, image_folder / "img_4.jpg")
    assert opened.context.document.shows(project)
    assert opened.context.view.image_id == project.image_ids()[4]


def test_an_image_from_elsewhere_does_not_close_the_project(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, project: Project
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    cv2.imwrite(str(other / "a.png"), np.zeros((8, 8, 3), np.uint8))
    drop(opened, other / "a.png")
    QTest.qWait(50)
    assert opened.context.document.shows(project)
    assert not (tmp_path / "other.reticle").exists()
    message = opened.context.messages.history[-1]
    assert message.text.startswith("a.png does not lie in the folder of this project")
    assert message.action is not None
    assert message.action[0] == "Open other"


def test_a_new_image_in_the_folder_is_offered_to_be_looked_for(
    opened: MainWindow, image_folder: Path
) -> None:
    cv2.imwrite(str(image_folder / "new.png"), np.zeros((8, 8, 3), np.uint8))
    drop(opened, image_folder / "new.png")
    message = opened.context.messages.history[-1]
    assert message.action is not None
    assert message.action[0] == "Look for new images"


def test_a_project_is_proposed_beside_its_images_under_a_free_name(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, image_folder: Path
) -> None:
    (tmp_path / "images.reticle").mkdir()
    dialog = ProjectDialog(tasks)
    qtbot.addWidget(dialog)
    assert not dialog.accept_button.isEnabled()
    qtbot.keyClicks(dialog.images, str(image_folder))
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=5000)
    assert dialog.folder.text() == str(tmp_path / "images-2.reticle")


def test_a_place_that_was_typed_stays_and_one_that_is_taken_is_refused(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, image_folder: Path, project: Project
) -> None:
    dialog = ProjectDialog(tasks)
    qtbot.addWidget(dialog)
    qtbot.keyClicks(dialog.folder, str(tmp_path / "test"))
    qtbot.keyClicks(dialog.images, str(image_folder))
    qtbot.waitUntil(lambda: "already" in dialog.note.text(), timeout=5000)
    assert not dialog.accept_button.isEnabled()
    qtbot.keyClicks(dialog.folder, "-mine")
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=5000)
    assert dialog.answer().folder == tmp_path / "test-mine.reticle"


def test_the_window_makes_the_project_and_shows_it(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.shell.project_dialog import ProjectRequest

    request = ProjectRequest(folder=tmp_path / "mine.reticle", images=image_folder)
    monkeypatch.setattr("app.shell.project_actions.ask_project", lambda window, tasks: request)
    window.context.actions["global.new_project"].trigger()
    qtbot.waitUntil(lambda: window.context.document.is_open, timeout=5000)
    assert window.context.document.project.name == "mine"
    assert len(window.context.document.project.image_ids()) == 6


def test_the_import_names_the_project_and_can_make_another(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, image_folder: Path, project: Project
) -> None:
    labels = tmp_path / "dataset"
    labels.mkdir()
    (labels / "classes.txt").write_text("cell\n")
    (labels / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    Image.new("RGB", (40, 40)).save(labels / "a.png")
    dialog = ImportDialog(tasks, project)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.into_open.text() == f"test, the project that is open ({tmp_path})"
    qtbot.keyClicks(dialog.source, str(labels))
    qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=5000)
    assert dialog.answer().into_open
    assert dialog.into_new.text() == f"A new project, {tmp_path / 'dataset.reticle'}"
    qtbot.mouseClick(dialog.into_new, Qt.MouseButton.LeftButton)
    assert not dialog.answer().into_open


def test_an_import_cannot_be_sent_to_the_open_project_as_if_it_were_another(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    labels = tmp_path / "dataset"
    labels.mkdir()
    (labels / "classes.txt").write_text("cell\n")
    (labels / "a.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    Image.new("RGB", (40, 40)).save(labels / "a.png")
    with Project.create(tmp_path / "dataset.reticle", image_root=labels) as own:
        dialog = ImportDialog(tasks, own)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.mouseClick(dialog.into_new, Qt.MouseButton.LeftButton)
        qtbot.keyClicks(dialog.source, str(labels))
        qtbot.waitUntil(dialog.accept_button.isEnabled, timeout=5000)
        assert not dialog.into_new.isVisible()
        assert dialog.answer().into_open
