"""What the window offers for a project whose database is damaged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from app.shell.damaged_projects import DamagedProjectDialog
from app.shell.main_window import MainWindow
from detcore.project.edits import add_class
from detcore.project.project import Project

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def damaged(project: Project) -> Path:
    """The project of the other tests, closed, with a daily copy; then a class is added and a page is lost."""
    folder = project.folder
    project.close()
    with Project.open(folder) as opened:
        opened.edit(add_class, "late")
    path = folder / "project.db"
    with path.open("rb+") as file:
        file.seek(60)
        file.write(bytes(4))  # the version
    return folder


def dialog(qtbot: QtBot, window: MainWindow) -> DamagedProjectDialog:
    qtbot.waitUntil(lambda: bool(window.findChildren(DamagedProjectDialog)), timeout=10_000)
    (found,) = window.findChildren(DamagedProjectDialog)
    qtbot.waitUntil(found.isVisible)
    return found


def press(qtbot: QtBot, button: QAbstractButton | None) -> None:
    assert button is not None
    qtbot.mouseClick(button, LEFT)


def test_the_daily_copy_is_opened_in_place_of_the_damaged_database(
    qtbot: QtBot, window: MainWindow, damaged: Path
) -> None:
    broken = (damaged / "project.db").read_bytes()
    window.project_actions.open_path(damaged)
    asked = dialog(qtbot, window)
    assert "version 0" in asked.title.text()
    assert str(date.today().year) in (asked.go_back.text() if asked.go_back else "")
    press(qtbot, asked.go_back)
    document = window.context.document
    qtbot.waitUntil(lambda: document.is_open, timeout=10_000)
    assert document.project.folder == damaged
    assert "late" not in [item.name for item in document.project.classes()]
    (kept,) = damaged.glob("damaged */project.db")
    assert kept.read_bytes() == broken


def test_a_rescue_opens_a_new_project_beside_the_damaged_one(
    qtbot: QtBot, window: MainWindow, damaged: Path
) -> None:
    broken = (damaged / "project.db").read_bytes()
    damaged.with_name(f"{damaged.stem} rescued.reticle").mkdir()
    window.project_actions.open_path(damaged)
    press(qtbot, dialog(qtbot, window).rescue)
    document = window.context.document
    qtbot.waitUntil(lambda: document.is_open, timeout=10_000)
    assert document.project.folder.name == f"{damaged.stem} rescued 2.reticle"
    assert "late" in [item.name for item in document.project.classes()]
    assert (damaged / "project.db").read_bytes() == broken
    assert any("rescued into" in message.text for message in window.context.messages.history)


def test_without_a_copy_there_is_the_rescue_and_escape_leaves_all_as_it_is(
    qtbot: QtBot, window: MainWindow, damaged: Path
) -> None:
    for path in (damaged / "daily copies").iterdir():
        path.unlink()
    before = sorted(path.name for path in damaged.parent.iterdir())
    window.project_actions.open_path(damaged)
    asked = dialog(qtbot, window)
    assert asked.go_back is None
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(DamagedProjectDialog))
    assert not window.context.document.is_open
    assert sorted(path.name for path in damaged.parent.iterdir()) == before
    assert any("damaged" in message.text for message in window.context.messages.history)
