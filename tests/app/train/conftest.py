"""The Train page with fake workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.context import AppContext
from app.train.page import TrainPage
from detcore.project.project import Project
from tests.app.worker_fakes import fake_workers

WAIT = 30_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    use = fake_workers(monkeypatch)
    use("good")
    return use


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, behave: Callable[[str], None]) -> TrainPage:
    page = TrainPage(context)
    qtbot.addWidget(page)
    context.actions.install(page)
    page.resize(1380, 820)
    page.show()
    qtbot.waitExposed(page)
    context.actions.show_scope("train")
    page.entered()
    return page


@pytest.fixture
def open_page(qtbot: QtBot, page: TrainPage, context: AppContext, project: Project) -> TrainPage:
    context.document.open(project)
    qtbot.waitUntil(lambda: page._data is not None, timeout=WAIT)
    return page
