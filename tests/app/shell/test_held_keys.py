"""A key that is held writes once: of every action, in every preset, on every page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from app.canvas.key_strokes import HeldKeys
from app.review.verdicts import VERDICT_ACTIONS
from app.services.actions import GLOBAL, Actions
from app.services.keyboard import FocusKeys
from app.services.keymaps import KEYMAPS
from app.services.theme import Theme
from app.shell.action_specs import all_actions
from tests.app.held_keys import REPEATS, WAYS, keys_of

DOWN, UP = QEvent.Type.ShortcutOverride, QEvent.Type.KeyRelease
PAGES = ("label", "train", "review", "export")
WALKS = {
    "label.previous_image",
    "label.next_image",
    "label.next_unverified",
    "review.next",
    "review.previous",
}
LOOKS = {"label.zoom_in", "label.zoom_out", "label.next_proposal", "label.previous_proposal"}
"""All that may go on while a key is held: nothing of it writes."""
TAKES_AWAY = {"review.delete", "label.delete", "label.remove_image", "train.discard"}


class Everything(QMainWindow):
    """A window in which every action of a preset only counts how often it was done."""

    def __init__(self, app: QApplication, preset: str) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()
        self.actions_ = Actions(all_actions(), Theme(app, "light"), preset)
        self.actions_.install(self)
        self.middle = QWidget()
        self.middle.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCentralWidget(self.middle)
        for spec in all_actions():
            action = self.actions_.bind(spec.id, lambda name=spec.id: self.done.update([name]))
            if spec.where_focused:
                self.middle.addAction(action)
        FocusKeys(app, self, self.actions_.held_keys)


@pytest.fixture(params=KEYMAPS)
def everything(request: pytest.FixtureRequest, qapp: QApplication, qtbot: QtBot) -> Everything:
    window = Everything(qapp, request.param)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    window.middle.setFocus()
    return window


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("page", PAGES)
def test_of_a_held_key_only_walking_and_zooming_is_done_again(
    everything: Everything, page: str, hold: Callable[..., None]
) -> None:
    everything.actions_.show_scope(page)
    held = 0
    for spec, action in everything.actions_.specs():
        if spec.scope not in (GLOBAL, page):
            continue
        for shortcut in action.shortcuts():
            everything.done.clear()
            hold(everything.middle, *keys_of(shortcut))
            expected = REPEATS + 1 if spec.id in WALKS | LOOKS else 1
            assert everything.done == {spec.id: expected}, shortcut.toString()
            held += 1
    assert held > 10


def test_a_key_that_is_struck_again_and_again_is_done_as_often(everything: Everything) -> None:
    everything.actions_.show_scope("review")
    shortcut = everything.actions_["review.delete"].shortcut()
    for _ in range(4):
        QTest.keyClick(everything.middle, keys_of(shortcut)[0])
    assert everything.done == {"review.delete": 4}


def test_a_release_and_a_press_of_the_same_instant_are_one_long_press() -> None:
    """As X tells of a held key."""
    held = HeldKeys()
    repeats: list[bool] = []
    for kind, time in ((DOWN, 100), (UP, 700), (DOWN, 700), (UP, 740), (DOWN, 740), (UP, 760), (DOWN, 900)):
        event = QKeyEvent(kind, Qt.Key.Key_X, Qt.KeyboardModifier.NoModifier, "x")
        event.setTimestamp(time)
        held.follow(event)
        if kind == DOWN:
            repeats.append(held.is_repeat)
    assert repeats == [False, True, True, False]


def test_what_takes_away_has_no_key_that_walks_on_another_page_in_any_preset(qapp: QApplication) -> None:
    for preset in KEYMAPS:
        actions = Actions(all_actions(), Theme(qapp, "light"), preset)
        walking = {key.toString() for name in WALKS for key in actions[name].shortcuts()}
        for name in {*TAKES_AWAY, *VERDICT_ACTIONS.values()}:
            keys = {key.toString() for key in actions[name].shortcuts()}
            assert keys, (preset, name)
            assert not keys & walking, (preset, name)
