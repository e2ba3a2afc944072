"""Work in portions: the window has its turn in between, and nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.services.idle_runner import IdleRunner

STEP = 0.002
"""Seconds that a step takes by the clock of these tests."""


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
