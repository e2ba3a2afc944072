"""Keys that are held on the Review page, and what is told of a quick series of verdicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.review.page import ReviewPage
from app.services.keyboard import FocusKeys
from app.services.keymaps import KEYMAPS
from app.shell.action_specs import all_actions
from detcore.review.kinds import ErrorKind
from detcore.types import Changes
from tests.app.held_keys import WAYS, keys_of
from tests.app.review.review_driving import undo


@pytest.fixture
def watched(qapp: QApplication, everything: ReviewPage) -> ReviewPage:
    """The page with the keys of its window."""
    FocusKeys(qapp, everything, everything.context.actions.held_keys)
    everything.queue_panel.list.setFocus()
    return everything


@pytest.fixture
def missed(watched: ReviewPage) -> ReviewPage:
    """The labels that were not found are listed."""
    watched.queue.set_filter(watched.queue.filter.with_kinds(frozenset({ErrorKind.FN}), watched.order.order))
    assert watched.queue.count > 4
    return watched


@pytest.mark.parametrize("hold", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("preset", KEYMAPS)
def test_each_held_key_is_one_edit_at_most(
    watched: ReviewPage, preset: str, hold: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = watched.context
    context.actions.use_keymap(preset)
    done: list[Changes] = []
    context.document.changed.connect(done.append)
    writing: set[str] = set()
    for spec in [spec for spec in all_actions() if spec.scope == "review" and spec.id not in ASKS]:
        for shortcut in context.actions[spec.id].shortcuts():
            for row in range(watched.queue.count):
                watched.queue.go_to(int(watched.errors.rows.keys[row]))
                if context.actions[spec.id].isEnabled():
                    break
            watched.queue_panel.list.setFocus()
            done.clear()
            hold(watched.queue_panel.list, *keys_of(shortcut))
            assert len(done) <= 1, (spec.id, shortcut.toString())
            if done:
                writing.add(spec.id)
                context.document.undo()
    assert {"review.accept", "review.delete", "review.model_wrong", "review.difficult"} <= writing


ASKS = {"review.report", "review.send"}
"""These ask, or work in the background; they change no label."""


def test_a_quick_series_of_deletions_is_told_in_one_message_and_undone_one_by_one(
    missed: ReviewPage,
) -> None:
    document, history = missed.context.document, missed.context.messages.history
    count, before = document.project.box_count(), len(history)
    for _ in range(3):
        QTest.keyClick(missed.queue_panel.list, Qt.Key.Key_X)
        missed.queue.go(1)
    assert document.project.box_count() == count - 3
    assert [message.text for message in history[before:]] == ["3 labels deleted"]
    undo(missed)
    assert document.project.box_count() == count - 2


def test_another_kind_of_verdict_begins_another_message(missed: ReviewPage) -> None:
    history = missed.context.messages.history
    before = len(history)
    for key in (Qt.Key.Key_M, Qt.Key.Key_M, Qt.Key.Key_X, Qt.Key.Key_M):
        QTest.keyClick(missed.queue_panel.list, key)
    assert [message.text for message in history[before:]] == [
        "2 items judged: the model is wrong",
        "1 label deleted",
        "1 item judged: the model is wrong",
    ]
