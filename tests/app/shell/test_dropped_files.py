"""What becomes of files that are dropped on the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell import project_actions
from app.shell.main_window import MainWindow
from detcore.project.project import Project


@pytest.mark.parametrize("is_open", [False, True])
def test_a_file_that_is_no_image_is_refused_and_its_folder_not_opened(
    window: MainWindow, project: Project, image_folder: Path, qtbot: QtBot, is_open: bool
) -> None:
    if is_open:
        window.context.document.open(project)
    text = image_folder / "notes.md"
    text.write_text("Nothing.", encoding="utf-8")
    window.project_actions.open_dropped([text])
    qtbot.wait(100)
    message = window.context.messages.history[-1]
    assert message.text.startswith("notes.md cannot be opened. Drop a folder")
    assert message.action is None
    assert window.context.document.is_open is is_open


def test_the_database_of_a_project_is_called_a_project_when_it_cannot_be_opened(
    window: MainWindow, project: Project, qtbot: QtBot
) -> None:
    window.project_actions.open_dropped([project.folder / "project.db"])
    qtbot.waitUntil(lambda: bool(window.context.messages.history))
    assert window.context.messages.history[-1].text.startswith("Could not open the project:")


@pytest.mark.parametrize("name", ["a.xml", "a.JSON", "data.yml", "obj.data"])
def test_a_file_that_some_format_reads_opens_the_import_dialog_with_it(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(project_actions, "ask_import", lambda *arguments: asked.append(arguments[-1]))
    file = tmp_path / name
    file.write_text("", encoding="utf-8")
    window.project_actions.open_dropped([file])
    assert asked == [file]
