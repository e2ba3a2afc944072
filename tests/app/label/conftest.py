"""The Label page in a window of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.label.page import LabelPage
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from app.services.keyboard import FocusKeys
from app.services.undo_redo import UndoRedo


@pytest.fixture
def empty_page(qapp: QApplication, qtbot: QtBot, context: AppContext) -> Iterator[LabelPage]:
    """Nothing is open."""
    page = LabelPage(context, ImageLoader(context.tasks))
    FocusKeys(qapp, page, context.actions.held_keys)
    context.actions.install(page)
    UndoRedo(context)
    page.resize(1200, 800)
    qtbot.addWidget(page)
    page.show()
    context.actions.show_scope("label")
    yield page
    context.tasks.shut_down()


@pytest.fixture
def page(qtbot: QtBot, empty_page: LabelPage, project: object) -> LabelPage:
    """The first image of the project is shown."""
    empty_page.context.document.open(project)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: empty_page.viewer.is_showing, timeout=5000)
    empty_page.entered()
    return empty_page
