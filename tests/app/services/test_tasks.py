"""Work in the pool, and the end of the window in the midst of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from app.services.tasks import Tasks


def fail() -> None:
    raise ValueError("no result")


@pytest.mark.parametrize("work", [lambda: 5, fail])
def test_what_is_on_its_way_when_all_is_shut_down_is_not_delivered(
    qtbot: QtBot, tasks: Tasks, work: Callable[[], object]
) -> None:
    """The work has ended, and its signal waits for the GUI thread."""
    delivered: list[object] = []
    ended = threading.Event()

    def signalled() -> object:
        try:
            return work()
        finally:
            ended.set()

    tasks.run(signalled, done=delivered.append, failed=delivered.append)
    assert ended.wait(10)
    tasks._pool.waitForDone()
    tasks.shut_down()
    for _ in range(5):
        QCoreApplication.processEvents()
    assert delivered == []


def test_nothing_is_begun_after_the_end(qtbot: QtBot, tasks: Tasks) -> None:
    tasks.shut_down()
    begun: list[int] = []
    task = tasks.run(lambda: begun.append(1), done=begun.append, failed=begun.append)
    assert task.cancelled
    tasks._pool.waitForDone()
    QCoreApplication.processEvents()
    assert begun == []
