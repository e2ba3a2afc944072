"""What waits for rest does not wait for ever."""

from __future__ import annotations

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.review.live.debouncer import Debouncer


def debouncer(parent: QObject) -> tuple[Debouncer, list[int]]:
    """With how many of the changes had come when it announced rest."""
    told: list[int] = []
    made = Debouncer(parent, pause_ms=150, longest_ms=500)
    return made, told


def test_a_pause_is_rest(qapp: QObject, qtbot: QtBot) -> None:
    made, told = debouncer(qapp)
    made.settled.connect(lambda: told.append(1))
    for _ in range(3):
        made.ask()
        qtbot.wait(20)
    assert not told
    qtbot.wait(400)
    # once for all three, and the longest wait is over as well
    assert told == [1]
    qtbot.wait(300)
    assert told == [1]


def test_changes_without_a_pause_are_announced_all_the_same(qapp: QObject, qtbot: QtBot) -> None:
    made, told = debouncer(qapp)
    changes = 0
    made.settled.connect(lambda: told.append(changes))
    while changes < 60 and not told:
        changes += 1
        made.ask()
        qtbot.wait(25)
    # 500 ms of changes about 25 ms apart
    assert told
    assert told[0] >= 5
