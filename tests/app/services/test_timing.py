"""Work that is asked for again and again: after a rest, a few times a second, in frames that have time, while idle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.services.timing import Debouncer, FrameThrottle, IdleRunner, Throttle

pytestmark = pytest.mark.usefixtures("qapp")  # there are no timers without an application
WORK_SECONDS = 0.01
STEP = 0.002
"""Seconds that a step takes by the clock of these tests."""


def test_a_pause_is_rest(qtbot: QtBot) -> None:
    owner, told = QObject(), [0]
    debouncer = Debouncer(owner, lambda: told.append(1), pause_ms=150, longest_ms=500)
    for _ in range(3):
        debouncer.ask()
        qtbot.wait(20)
    assert told == [0]
    qtbot.wait(400)
    # once for all three, and the longest wait is over as well
    assert told == [0, 1]
    qtbot.wait(300)
    assert told == [0, 1]


def asked_without_a_pause(qtbot: QtBot, *, longest_ms: int | None) -> int | None:
    """After how many askings about 25 ms apart, 60 at most, work that waits for 150 ms of rest was done."""
    owner, told, asked = QObject(), list[int](), 0
    debouncer = Debouncer(owner, lambda: told.append(asked), pause_ms=150, longest_ms=longest_ms)
    while asked < 60 and not told:
        asked += 1
        debouncer.ask()
        qtbot.wait(25)
    return told[0] if told else None


def test_what_is_asked_for_without_a_pause_is_done_after_the_longest_wait(qtbot: QtBot) -> None:
    asked = asked_without_a_pause(qtbot, longest_ms=500)
    assert asked is not None
    assert asked >= 5


def test_without_a_longest_wait_it_is_not_done(qtbot: QtBot) -> None:
    assert asked_without_a_pause(qtbot, longest_ms=None) is None


def test_what_was_asked_for_can_be_forgotten(qtbot: QtBot) -> None:
    owner, told = QObject(), list[int]()
    debouncer = Debouncer(owner, lambda: told.append(1), pause_ms=10, longest_ms=20)
    debouncer.ask()
    debouncer.stop()
    qtbot.wait(60)
    assert told == []


def test_a_throttle_works_at_once_and_then_once_in_its_interval(qtbot: QtBot) -> None:
    owner, now, told = QObject(), [100.0], list[float]()
    throttle = Throttle(owner, lambda: told.append(now[0]), interval_ms=8, clock=lambda: now[0])
    (timer,) = throttle.findChildren(QTimer)
    throttle.ask()
    assert told == [100.0]
    now[0] += 0.0035
    for _ in range(3):
        throttle.ask()
    assert timer.interval() == 5
    now[0] += 0.005
    timer.timeout.emit()
    assert told == [100.0, 100.0085]


def test_what_a_throttle_holds_back_is_done_when_somebody_catches_up() -> None:
    owner, told = QObject(), list[int]()
    throttle = Throttle(owner, lambda: told.append(1), interval_ms=8, clock=lambda: 100.0)
    throttle.catch_up()
    assert told == []
    throttle.ask()
    throttle.ask()
    throttle.catch_up()
    assert told == [1, 1]
    throttle.catch_up()
    assert told == [1, 1]


class Worker:
    """Works by a clock of its own, which stands still between the tests' steps."""

    def __init__(self, seconds: float = WORK_SECONDS) -> None:
        self.now = 100.0
        self.seconds = seconds
        self.done = 0
        self.owner = QObject()
        self.throttle = FrameThrottle(self.owner, self._work, clock=lambda: self.now)

    @property
    def timer(self) -> QTimer:
        (timer,) = self.throttle.findChildren(QTimer)
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
        worker.throttle.ask()
    assert worker.done == 0
    assert worker.timer.interval() == 8
    worker.wait()
    assert worker.done == 1
    assert not worker.timer.isActive()


def test_a_full_frame_leaves_the_work_to_the_next_one() -> None:
    worker = Worker()
    worker.throttle.ask()
    worker.wait(late=0.006)
    assert worker.done == 0
    worker.now += 0.002
    worker.throttle.ask()
    worker.wait()
    assert worker.done == 1


def test_frames_that_are_always_full_hold_work_up_for_a_fifth_of_a_second() -> None:
    worker = Worker()
    begin = worker.now
    while not worker.done:
        worker.throttle.ask()
        if worker.timer.isActive():
            worker.wait(late=0.006)
    assert worker.now - WORK_SECONDS - begin == pytest.approx(0.2, abs=0.015)


def test_work_that_is_asked_for_all_the_time_is_done_all_the_same() -> None:
    worker = Worker()
    begin = worker.now
    while worker.now < begin + 0.2:
        worker.throttle.ask()
        worker.now += 0.004
        if worker.done:
            break
    assert worker.done == 1
    assert not worker.timer.isActive()
    assert worker.now - WORK_SECONDS - begin == pytest.approx(0.2, abs=0.015)


def test_work_that_nobody_asks_for_again_is_done_after_a_full_frame_as_well() -> None:
    worker = Worker()
    worker.throttle.ask()
    worker.wait(late=0.006)
    worker.wait()
    assert worker.done == 1


def test_work_leaves_a_pause_of_eight_times_its_length() -> None:
    worker = Worker()
    worker.throttle.ask()
    worker.wait()
    worker.throttle.ask()
    assert worker.timer.interval() == 80 + 16
    worker.now += 0.1
    worker.throttle.ask()
    assert worker.timer.interval() == 8


def test_the_pause_after_long_work_is_a_fifth_of_a_second() -> None:
    worker = Worker(seconds=3.0)
    worker.throttle.ask()
    worker.wait()
    worker.throttle.ask()
    assert worker.timer.interval() == 200 + 16


def test_what_waits_is_done_when_somebody_catches_up() -> None:
    worker = Worker()
    worker.throttle.ask()
    worker.throttle.catch_up()
    assert worker.done == 1
    worker.throttle.catch_up()
    assert worker.done == 1


class Steps:
    """Tells a clock, and goes through steps that each take some time by it."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.now = 0.0

    def __call__(self, numbers: range) -> Iterator[None]:
        for number in numbers:
            self.done.append(number)
            self.now += STEP
            yield

    def clock(self) -> float:
        return self.now


def test_all_steps_are_gone_through_and_the_window_has_its_turn_in_between(qtbot: QtBot) -> None:
    parent, steps = QObject(), Steps()
    turns: list[int] = []
    window = QTimer(parent, interval=0)
    window.timeout.connect(lambda: turns.append(len(steps.done)))
    idle_runner = IdleRunner(parent, clock=steps.clock)
    idle_runner.start(steps(range(7)))
    window.start()
    qtbot.waitUntil(lambda: len(steps.done) == 7)
    assert steps.done == [*range(7)]
    assert [count for count in (2, 4, 6) if count in turns] == [2, 4, 6]


def test_other_steps_take_the_place_of_those_that_are_left(qtbot: QtBot) -> None:
    parent, steps = QObject(), Steps()
    idle_runner = IdleRunner(parent, clock=steps.clock)
    idle_runner.start(steps(range(4)))
    idle_runner.start(steps(range(10, 12)))
    idle_runner.finish()
    qtbot.wait(20)
    assert steps.done == [10, 11]


def test_what_is_stopped_does_not_go_on(qtbot: QtBot) -> None:
    parent, steps = QObject(), Steps()
    idle_runner = IdleRunner(parent, clock=steps.clock)
    idle_runner.start(steps(range(3)))
    idle_runner.stop()
    idle_runner.finish()
    qtbot.wait(20)
    assert steps.done == []


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_step_may_begin_other_work_in_place_of_what_is_left(qtbot: QtBot, place: int) -> None:
    parent, steps = QObject(), Steps()
    idle_runner = IdleRunner(parent, clock=steps.clock)

    def first() -> Iterator[None]:
        for number, _ in enumerate(steps(range(5))):
            if number == place:
                idle_runner.start(steps(range(10, 13)))
            yield

    idle_runner.start(first())
    qtbot.waitUntil(lambda: 12 in steps.done)
    qtbot.wait(20)
    assert steps.done == [*range(place + 1), 10, 11, 12]


def test_a_step_may_stop_the_work(qtbot: QtBot) -> None:
    parent, steps = QObject(), Steps()
    idle_runner = IdleRunner(parent, clock=steps.clock)

    def stopping() -> Iterator[None]:
        for _ in steps(range(3)):
            idle_runner.stop()
            yield

    idle_runner.start(stopping())
    qtbot.waitUntil(lambda: bool(steps.done))
    qtbot.wait(20)
    assert steps.done == [0]
