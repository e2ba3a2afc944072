"""Dividing the images into splits, from the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.shell import division
from app.shell.division import Division, SplitDialog, SplitRequest
from detcore.errors import ProjectError
from detcore.project.project import Project
from detcore.project.splits import GroupBy

REQUEST = SplitRequest(ratios={"train": 0.7, "val": 0.15, "test": 0.15}, seed=0, everything=True)


def test_an_error_is_told_also_when_another_project_is_shown_by_then(
    qtbot: QtBot, context: AppContext, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_project: Project, _request: SplitRequest, _groups: object) -> None:
        raise ProjectError("the disk is full")

    monkeypatch.setattr(division, "divide", fail)
    window = QWidget()
    qtbot.addWidget(window)
    context.document.open(project)
    Division(context, window).start(REQUEST)
    context.document.open(Project.create(tmp_path / "other.reticle", image_root=tmp_path))
    qtbot.waitUntil(lambda: bool(context.messages.history), timeout=5000)
    said = context.messages.history[-1].text
    assert said.startswith(f"Could not divide the images of {project.folder.stem}: ")


def test_a_pattern_is_asked_for_where_images_stay_together_by_it(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    dialog = SplitDialog(window)
    dialog.show()
    assert not dialog.pattern.isVisible()
    dialog.together.setFocus()
    while dialog.together.currentData() != GroupBy.PATTERN:
        QTest.keyClick(dialog.together, Qt.Key.Key_Down)
    assert dialog.pattern.isVisible()
    assert not dialog.divide_button.isEnabled()
    QTest.keyClicks(dialog.pattern, r"^(\d+)_")
    assert dialog.divide_button.isEnabled()
    request = dialog.answer()
    assert (request.together.by, request.together.pattern) == (GroupBy.PATTERN, r"^(\d+)_")
    QTest.keyClicks(dialog.pattern, "(")
    assert "no regular expression" in dialog.odd.text()
    assert not dialog.divide_button.isEnabled()
