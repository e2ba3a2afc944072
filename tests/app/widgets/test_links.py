"""A link below a text begins where the text begins, although it has room of its own around it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.review.widgets.compare_panel import ChangeCount, ComparePanel
from app.shell.main_window import MainWindow
from detcore.project.project import Project
from tests.app.ink import ink_left


def test_the_link_of_the_train_page(window: MainWindow, project: Project, qtbot: QtBot) -> None:
    window.context.document.open(project)
    window.show_page("train")
    buttons = window.train_page.buttons
    qtbot.waitUntil(lambda: buttons.divide.isVisible() and buttons.data.isVisible())
    assert ink_left(buttons.divide) == pytest.approx(ink_left(buttons.data), abs=1)


def test_the_counts_of_a_comparison(window: MainWindow, qtbot: QtBot) -> None:
    panel = ComparePanel(window.context.theme)
    qtbot.addWidget(panel)
    panel.resize(800, 300)
    panel.show_runs(["001-reticle-s"], "001-reticle-s")
    panel.show_counts([ChangeCount(name="lost", count=7, tip="")])
    panel.show()
    text = next(label for label in panel.findChildren(QLabel) if label.text() == "Compare with")
    (link,) = panel.links.findChildren(QPushButton)
    assert ink_left(link) == pytest.approx(ink_left(text), abs=1)
