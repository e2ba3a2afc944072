"""Dialogs are as high as their text needs, and no larger than the screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

import app
from app.services.context import AppContext
from app.services.tasks import Tasks
from app.shell.about_dialogs import ManualDialog
from app.shell.keys_dialog import KeysDialog
from app.shell.project_dialog import ProjectDialog
from app.train.crossval import CrossValidationDialog
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.learning import Learning


def _cut(dialog: QDialog) -> list[str]:
    """Texts that have less height than they need, and buttons that the edge cuts."""
    labels = [label for label in dialog.findChildren(QLabel) if label.wordWrap() and label.isVisible()]
    cut = [label.text() for label in labels if label.heightForWidth(label.width()) > label.height()]
    for button in dialog.findChildren(QPushButton):
        end = button.mapTo(dialog, QPoint(0, button.height())).y()
        if end > dialog.height() or button.height() < button.sizeHint().height():
            cut.append(button.text())
    return cut


def _show(dialog: QDialog, qtbot: QtBot) -> None:
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    qtbot.wait(20)


@pytest.mark.parametrize("own_weights", [False, True])
def test_a_dialog_that_the_screen_makes_narrower_shows_all_its_lines(qtbot: QtBot, own_weights: bool) -> None:
    dialog = CrossValidationDialog(
        TrainConfig(learning=Learning(minutes=4.0)), images=108, own_weights=own_weights
    )
    # what Qt makes of it on a small screen: its height is that of the width it would have had
    wanted = dialog.sizeHint()
    dialog.resize(dialog.minimumWidth(), dialog.layout().totalHeightForWidth(wanted.width()))
    _show(dialog, qtbot)
    assert dialog.width() < wanted.width()
    assert _cut(dialog) == []


def test_a_dialog_grows_with_a_text_that_changes_while_it_is_open(qtbot: QtBot, tasks: Tasks) -> None:
    dialog = ProjectDialog(tasks)
    _show(dialog, qtbot)
    dialog.note.setText("A text of more lines than were there when the dialog was opened. " * 4)
    qtbot.waitUntil(lambda: _cut(dialog) == [])


def test_dialogs_are_not_larger_than_the_screen(qtbot: QtBot, context: AppContext) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    for dialog in (ManualDialog(parent), KeysDialog(context.actions, context.settings, parent)):
        dialog.resize(3000, 2000)
        _show(dialog, qtbot)
        room = dialog.screen().availableGeometry()
        assert dialog.width() <= room.width()
        assert dialog.height() < room.height()


def test_every_dialog_is_a_fitted_one() -> None:
    own = [
        f"{path.name}: {node.name}"
        for path in Path(app.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "QDialog" for base in node.bases)
    ]
    assert own == ["fitted_dialog.py: FittedDialog"]
