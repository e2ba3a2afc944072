"""What would undo or stop more than a person may have meant says so, or asks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.shell.import_dialog import ImportRequest
from app.shell.main_window import MainWindow

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(window: MainWindow, qtbot: QtBot, image_folder: Path) -> MainWindow:
    window.project_actions.open_path(image_folder)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=10_000)
    return window


@pytest.fixture
def training(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something trains."""
    with monkeypatch.context() as patch:
        patch.setattr(window.context.jobs, "active", lambda: ("001-reticle-s",))
        yield


def answer(button: str) -> list[str]:
    """Press that button of the question that is about to come; its text is kept."""
    asked: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            chosen = next(one for one in box.buttons() if one.text() == button)
            QTest.mouseClick(chosen, Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, press)
    return asked


def import_labels(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    (folder / "classes.txt").write_text("cell\n", encoding="utf-8")
    (folder / "img_0.txt").write_text("0 0.5 0.5 0.25 0.25\n", encoding="utf-8")
    window.project_actions.import_from(ImportRequest(format="yolo", source=folder))
    qtbot.waitUntil(lambda: window.context.document.project.statistics().boxes == 1, timeout=5000)


@pytest.mark.parametrize("page", ["label", "train"])
def test_undo_of_an_import_says_so_and_offers_the_way_back(
    qtbot: QtBot, window: MainWindow, image_folder: Path, page: str
) -> None:
    import_labels(qtbot, window, image_folder)
    window.show_page(page)
    document = window.context.document
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert document.project.statistics().boxes == 0
    message = window.context.messages.history[-1]
    assert message.text.startswith("Undone: Import")
    assert message.action is not None
    assert message.action[0] == "Redo"
    message.action[1]()
    assert document.project.statistics().boxes == 1
    assert window.context.messages.history[-1].text.startswith("Redone: Import")


def test_an_import_says_how_many_boxes_came_on_how_many_images_and_what_is_new(
    qtbot: QtBot, window: MainWindow, image_folder: Path
) -> None:
    history = window.context.messages.history
    import_labels(qtbot, window, image_folder)
    qtbot.waitUntil(lambda: bool(history))
    assert history[-1].text.startswith("Imported 1 box on 1 image. ")

    import_labels(qtbot, window, image_folder)
    qtbot.waitUntil(lambda: len(history) == 2)
    assert history[-1].text.startswith("No box and no image was new. ")

    shutil.copy(image_folder / "img_0.jpg", image_folder / "late.jpg")
    import_labels(qtbot, window, image_folder)
    qtbot.waitUntil(lambda: len(history) == 3)
    assert history[-1].text.startswith("Imported 1 new image without boxes. ")

    shutil.copy(image_folder / "img_0.jpg", image_folder / "later.jpg")
    (image_folder / "late.txt").write_text("0 0.5 0.5 0.25 0.25\n0 0.2 0.2 0.1 0.1\n", encoding="utf-8")
    window.project_actions.import_from(ImportRequest(format="yolo", source=image_folder))
    qtbot.waitUntil(lambda: len(history) == 4)
    assert history[-1].text.startswith("Imported 2 boxes on 1 image; 1 new image. ")


@pytest.mark.usefixtures("training")
@pytest.mark.parametrize(("button", "stays"), [("Go on training", True), ("Stop and keep", False)])
def test_quitting_while_something_trains_asks(window: MainWindow, button: str, stays: bool) -> None:
    asked = answer(button)
    QTest.keyClick(window, Qt.Key.Key_Q, CTRL)
    assert asked == ["A detector is being trained."]
    assert window.isVisible() is stays


@pytest.mark.usefixtures("training")
@pytest.mark.parametrize("open_other", ["path", "sample"])
def test_opening_another_project_while_something_trains_asks(
    window: MainWindow, tmp_path: Path, open_other: str
) -> None:
    opening: dict[str, Callable[[], None]] = {
        "path": lambda: window.project_actions.open_dropped([tmp_path]),
        "sample": window.project_actions.open_sample,
    }
    project = window.context.document.project
    asked = answer("Go on training")
    opening[open_other]()
    assert asked == ["A detector is being trained."]
    assert window.context.document.project is project
    assert not window.context.messages.history


def test_nothing_is_asked_when_nothing_trains(window: MainWindow) -> None:
    asked = answer("Go on training")
    QTest.keyClick(window, Qt.Key.Key_Q, CTRL)
    assert not window.isVisible()
    assert asked == []
