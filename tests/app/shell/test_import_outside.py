"""Images that a dataset names outside of its folder are asked for before anything is taken in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.shell.import_dialog import ImportRequest
from app.shell.main_window import MainWindow
from detcore.project.opening import project_folder_for


@pytest.fixture
def request_outside(tmp_path: Path, image_folder: Path) -> ImportRequest:
    """A YOLO dataset without images of its own, which names the six of another folder."""
    folder = tmp_path / "set"
    folder.mkdir()
    image_folder.rename(tmp_path / "pictures")
    (folder / "data.yaml").write_text(
        "train: ../pictures\nval: ../pictures\nnames: [cell]\n", encoding="utf-8"
    )
    for number in range(6):
        (tmp_path / f"pictures/img_{number}.txt").write_text("0 .5 .5 .2 .2\n", encoding="utf-8")
    return ImportRequest(format="yolo", source=folder)


def answer_with(key: Qt.Key, asked: list[str], qtbot: QtBot) -> Callable[[], None]:
    """Waits for the question, keeps its text and answers by the keyboard."""

    def answer() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(10, answer)
            return
        asked.append(f"{box.text()} {box.informativeText()}")
        take = next(button for button in box.buttons() if button.text() == "Take them in")
        qtbot.keyClick(take if key is Qt.Key.Key_Space else box, key)

    return answer


def test_the_question_names_count_and_folder_and_no_changes_nothing(
    qtbot: QtBot, window: MainWindow, request_outside: ImportRequest, tmp_path: Path
) -> None:
    asked: list[str] = []
    QTimer.singleShot(0, answer_with(Qt.Key.Key_Return, asked, qtbot))  # Cancel is the default
    window.project_actions.import_from(request_outside)
    qtbot.waitUntil(lambda: bool(window.context.messages.history), timeout=10_000)
    assert "6 images lie outside" in asked[0]
    assert str(tmp_path / "pictures") in asked[0]
    assert window.context.messages.history[-1].text == "Cancelled. Nothing was changed."
    assert not project_folder_for(request_outside.source).exists()
    assert not window.context.document.is_open


def test_with_a_yes_the_images_come_in(
    qtbot: QtBot, window: MainWindow, request_outside: ImportRequest
) -> None:
    asked: list[str] = []
    QTimer.singleShot(0, answer_with(Qt.Key.Key_Space, asked, qtbot))
    window.project_actions.import_from(request_outside)
    qtbot.waitUntil(lambda: window.context.document.is_open, timeout=10_000)
    assert len(asked) == 1
    assert window.context.document.project.box_count() == 6
