"""Work that follows something that moves leaves pauses; actions are asked once a step."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, QTimer

from app.actions import Actions
from app.context import AppContext
from app.review.pace import Pace

WORK_SECONDS = 0.01
pytestmark = pytest.mark.usefixtures("qapp")  # there are no timers without an application


class Worker:
    """Works by a clock of its own, which stands still between the tests' steps."""

    def __init__(self, seconds: float = WORK_SECONDS) -> None:
        self.now = 100.0
        self.seconds = seconds
        self.done = 0
        self.owner = QObject()
        self.pace = Pace(self.owner, self._work, clock=lambda: self.now)

    @property
    def timer(self) -> QTimer:
        (timer,) = self.pace.findChildren(QTimer)
        return timer

    def _work(self) -> None:
        self.now += self.seconds
        self.done += 1


def test_work_is_done_at_once_then_once_more_after_a_pause() -> None:
    worker = Worker()
    for _ in range(5):
        worker.pace.ask()
    assert worker.done == 1
    assert worker.timer.isActive()
    # eight times the work of 10 ms, and not a moment less
    assert worker.timer.interval() in (80, 81)
    worker.now += 0.081
    worker.timer.stop()
    worker.timer.timeout.emit()
    assert worker.done == 2
    assert not worker.timer.isActive()


def test_after_the_pause_work_is_done_at_once() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.now += 0.081
    worker.pace.ask()
    assert worker.done == 2


def test_the_pause_after_long_work_is_a_fifth_of_a_second() -> None:
    worker = Worker(seconds=3.0)
    worker.pace.ask()
    worker.pace.ask()
    assert worker.timer.interval() in (200, 201)


def test_what_waits_is_done_when_somebody_catches_up() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.pace.ask()
    worker.pace.catch_up()
    assert worker.done == 2
    worker.pace.catch_up()
    assert worker.done == 2


def test_actions_that_are_held_are_asked_once_at_the_end(context: AppContext) -> None:
    asked: list[int] = []
    actions = Actions(context.theme)
    actions.bind("global.undo", lambda: None, when=lambda: bool(asked.append(1)) or True)
    asked.clear()
    with actions.held(), actions.held():
        actions.refresh()
        actions.refresh()
        assert not asked
    assert len(asked) == 1
