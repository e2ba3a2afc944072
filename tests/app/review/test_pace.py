"""Work that follows something that moves takes the frames that have time for it; actions are asked once a step."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, QTimer

from app.review.live.pace import Pace
from app.services.actions import Actions
from app.services.context import AppContext

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

    def wait(self, *, late: float = 0.0) -> None:
        """Until the timer comes, by so many seconds too late."""
        self.now += self.timer.interval() / 1000 + late
        self.timer.stop()
        self.timer.timeout.emit()

    def _work(self) -> None:
        self.now += self.seconds
        self.done += 1


def test_work_is_done_once_half_a_frame_after_it_was_asked_for() -> None:
    worker = Worker()
    for _ in range(5):
        worker.pace.ask()
    assert worker.done == 0
    assert worker.timer.interval() == 8
    worker.wait()
    assert worker.done == 1
    assert not worker.timer.isActive()


def test_a_full_frame_leaves_the_work_to_the_next_one() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.wait(late=0.006)
    assert worker.done == 0
    worker.now += 0.002
    worker.pace.ask()
    worker.wait()
    assert worker.done == 1


def test_frames_that_are_always_full_hold_work_up_for_a_fifth_of_a_second() -> None:
    worker = Worker()
    begin = worker.now
    while not worker.done:
        worker.pace.ask()
        if worker.timer.isActive():
            worker.wait(late=0.006)
    assert worker.now - WORK_SECONDS - begin == pytest.approx(0.2, abs=0.015)


def test_work_that_is_asked_for_all_the_time_is_done_all_the_same() -> None:
    worker = Worker()
    begin = worker.now
    while worker.now < begin + 0.2:
        worker.pace.ask()
        worker.now += 0.004
        if worker.done:
            break
    assert worker.done == 1
    assert not worker.timer.isActive()
    assert worker.now - WORK_SECONDS - begin == pytest.approx(0.2, abs=0.015)


def test_work_that_nobody_asks_for_again_is_done_after_a_full_frame_as_well() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.wait(late=0.006)
    worker.wait()
    assert worker.done == 1


def test_work_leaves_a_pause_of_eight_times_its_length() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.wait()
    worker.pace.ask()
    assert worker.timer.interval() == 80 + 16
    worker.now += 0.1
    worker.pace.ask()
    assert worker.timer.interval() == 8


def test_the_pause_after_long_work_is_a_fifth_of_a_second() -> None:
    worker = Worker(seconds=3.0)
    worker.pace.ask()
    worker.wait()
    worker.pace.ask()
    assert worker.timer.interval() == 200 + 16


def test_what_waits_is_done_when_somebody_catches_up() -> None:
    worker = Worker()
    worker.pace.ask()
    worker.pace.catch_up()
    assert worker.done == 1
    worker.pace.catch_up()
    assert worker.done == 1


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
