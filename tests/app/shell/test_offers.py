"""What a message offers stays until it is closed, done, or makes no sense any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.services.tasks import Task
from app.shell import message_bar
from app.shell.import_dialog import ImportRequest
from app.shell.main_window import MainWindow
from detcore.project.edits import add_class, set_status
from detcore.project.runs import find_run
from detcore.types import Status
from tests.app.train.train_driving import write_run

CTRL = Qt.KeyboardModifier.ControlModifier
CTRL_SHIFT = CTRL | Qt.KeyboardModifier.ShiftModifier
SOON = 10_000


def open_folder(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    window.project_actions.open_path(folder)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=SOON)


@pytest.fixture
def labelled_folder(image_folder: Path) -> Path:
    (image_folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (image_folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    return image_folder


def test_labels_are_offered_until_they_are_imported(
    qtbot: QtBot, window: MainWindow, labelled_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_bar, "STAY_MS", dict.fromkeys(message_bar.STAY_MS, 100))
    open_folder(qtbot, window, labelled_folder)
    bar, document = window.messages, window.context.document
    qtbot.waitUntil(lambda: bar.offers, timeout=SOON)
    document.edit(add_class, "blob")
    qtbot.wait(300)
    assert bar.text.text() == "This folder also holds YOLO (text) labels."
    window.project_actions.import_from(ImportRequest(format="yolo", source=labelled_folder))
    qtbot.waitUntil(lambda: bar.text.text().startswith("Imported 1 box"), timeout=SOON)
    bar.dismiss()
    assert bar.isHidden()


def test_labels_are_offered_again_when_their_import_was_cancelled(
    qtbot: QtBot, window: MainWindow, labelled_folder: Path
) -> None:
    open_folder(qtbot, window, labelled_folder)
    bar, tasks = window.messages, window.context.tasks
    qtbot.waitUntil(lambda: bar.offers, timeout=SOON)
    tasks.started.connect(Task.cancel)
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    assert not bar.offers
    qtbot.waitUntil(lambda: bar.offers, timeout=SOON)
    assert "Cancelled" in window.context.messages.history[-1].text
    tasks.started.disconnect(Task.cancel)
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.context.document.project.statistics().boxes == 1, timeout=SOON)


def test_labels_are_offered_again_behind_the_error_of_their_import(
    qtbot: QtBot, window: MainWindow, labelled_folder: Path
) -> None:
    open_folder(qtbot, window, labelled_folder)
    bar = window.messages
    qtbot.waitUntil(lambda: bar.offers, timeout=SOON)
    classes = (labelled_folder / "classes.txt").rename(labelled_folder / "kept")
    label = (labelled_folder / "img_0.txt").rename(labelled_folder / "kept too")
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.text.text().startswith("Could not import"), timeout=SOON)
    classes.rename(labelled_folder / "classes.txt")
    label.rename(labelled_folder / "img_0.txt")
    qtbot.mouseClick(bar.close_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.context.document.project.statistics().boxes == 1, timeout=SOON)


def test_what_was_said_of_a_project_goes_with_it(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    window.context.messages.warning("Something about this project.")
    assert window.messages.isVisible()
    other = tmp_path / "other"
    other.mkdir()
    (image_folder / "img_0.jpg").rename(other / "img_0.jpg")
    window.project_actions.open_path(other)
    qtbot.waitUntil(lambda: window.context.document.project.image_root == other, timeout=SOON)
    assert window.messages.isHidden()


def test_the_way_back_is_offered_until_the_next_edit(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    document = window.context.document
    document.edit(add_class, "blob")
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert window.messages.action.text() == "Redo"
    assert window.messages.isVisible()
    document.edit(set_status, document.project.image_ids()[:1], Status.VERIFIED)
    assert window.messages.isHidden()


def test_undo_on_the_train_page_brings_back_the_run_that_was_just_discarded(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    open_folder(qtbot, window, image_folder)
    document, undo = window.context.document, window.context.actions["global.undo"]
    document.edit(add_class, "blob")
    name = write_run(document.project, [0.3])
    document.runs_changed.emit()
    window.show_page("train")
    train, model = window.train_page, window.train_page.shelf.model
    qtbot.waitUntil(lambda: train.run_list.selected == name, timeout=SOON)
    train.run_list.view.setFocus()
    QTest.keyClick(train.run_list.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: model.rowCount() == 0, timeout=SOON)
    assert undo.text() == f"Undo discard {name}"
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: model.rowCount() == 1, timeout=SOON)
    qtbot.waitUntil(lambda: window.messages.isHidden(), timeout=SOON)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL_SHIFT)
    qtbot.waitUntil(lambda: model.rowCount() == 0, timeout=SOON)
    # on another page undo is about labels
    window.show_page("label")
    assert undo.text() == "Undo add class blob"
    window.show_page("train")
    assert undo.text() == f"Undo discard {name}"
    # and so it is everywhere once something else was done
    document.edit(add_class, "cell")
    assert undo.text() == "Undo add class cell"
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert [item.name for item in document.project.classes()] == ["blob"]
    qtbot.wait(100)
    assert model.rowCount() == 0


def discard_a_run(qtbot: QtBot, window: MainWindow, folder: Path) -> str:
    """By the key, on the Train page of a folder with one run; its name. What is offered then is shown."""
    open_folder(qtbot, window, folder)
    name = write_run(window.context.document.project, [0.3])
    window.context.document.runs_changed.emit()
    window.show_page("train")
    runs = window.train_page.run_list
    qtbot.waitUntil(lambda: runs.selected == name, timeout=SOON)
    QTest.keyClick(runs.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: window.messages.offers, timeout=SOON)
    return name


def test_the_message_and_undo_bring_a_discarded_run_back_once(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    discard_a_run(qtbot, window, image_folder)
    undo, model = window.context.actions["global.undo"], window.train_page.shelf.model
    qtbot.mouseClick(window.messages.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: model.rowCount() == 1, timeout=SOON)
    qtbot.waitUntil(lambda: undo.text() == "Undo", timeout=SOON)
    assert not undo.isEnabled()
    assert all(message.level != "error" for message in window.context.messages.history)


def test_an_undo_that_fails_is_told_at_once_and_undid_nothing(
    qtbot: QtBot, window: MainWindow, image_folder: Path, tmp_path: Path
) -> None:
    name = discard_a_run(qtbot, window, image_folder)
    project, undo = window.context.document.project, window.context.actions["global.undo"]
    model = window.train_page.shelf.model
    (discarded,) = project.folder.rglob(f"{name}*")
    aside = discarded.rename(tmp_path / "aside")
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: "Could not bring" in window.messages.text.text(), timeout=SOON)
    assert undo.text() == f"Undo discard {name}"
    aside.rename(discarded)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: model.rowCount() == 1, timeout=SOON)
    # a redo that fails did nothing either
    run = find_run(project, name)
    run.path.rename(aside)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL_SHIFT)
    qtbot.waitUntil(lambda: "Could not discard" in window.messages.text.text(), timeout=SOON)
    assert window.context.actions["global.redo"].text() == f"Redo discard {name}"
