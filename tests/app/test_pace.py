"""Work that follows something that moves leaves pauses; actions are asked once a step."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.actions import Actions
from app.context import AppContext
from app.pace import Pace

WORK_SECONDS = 0.01


def test_work_is_done_at_once_then_once_more_after_a_pause(qtbot: QtBot) -> None:
    times: list[float] = []
    owner = QObject()

    def work() -> None:
        time.sleep(WORK_SECONDS)
        times.append(time.monotonic())

    pace = Pace(owner, work)
    for _ in range(5):
        pace.ask()
    assert len(times) == 1
    qtbot.waitUntil(lambda: len(times) == 2)
    # the pause is eight times the work, which a busy machine only prolongs
    assert times[1] - times[0] >= 8 * WORK_SECONDS
    qtbot.wait(50)
    assert len(times) == 2


def test_what_waits_is_done_when_somebody_catches_up() -> None:
    done: list[int] = []
    owner = QObject()
    pace = Pace(owner, lambda: (time.sleep(WORK_SECONDS), done.append(1)))
    pace.ask()
    pace.ask()
    pace.catch_up()
    assert len(done) == 2
    pace.catch_up()
    assert len(done) == 2


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
