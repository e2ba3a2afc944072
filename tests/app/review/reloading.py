"""Reviews that are read anew, at once or held back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.review.live import live_evaluation
from app.review.page import ReviewPage
from detcore.project.scope import Scope
from detcore.review.entries import ErrorEntry


class Gate:
    """Lets no review through while it is closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        self._open.set()
        self.built = threading.Event()
        build: Callable[..., Any] = live_evaluation.build_review

        def build_later(*args: Any) -> Any:
            review = build(*args)
            self.built.set()
            assert self._open.wait(30)
            return review

        monkeypatch.setattr(live_evaluation, "build_review", build_later)

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def let_through(self, page: ReviewPage, qtbot: QtBot) -> None:
        assert page.live.is_loading
        with qtbot.waitSignal(page.live.loaded, timeout=5000):
            self.open()


def choose_iou(page: ReviewPage, row: int) -> None:
    page.choice.iou.setCurrentIndex(row)
    page.choice.iou.activated.emit(row)


def ask_for_next_iou(page: ReviewPage) -> None:
    """The review may be held back."""
    choose_iou(page, page.choice.iou.currentIndex() + 1)
    assert page.live.is_loading


def show_next_iou(page: ReviewPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.live.loaded, timeout=5000):
        ask_for_next_iou(page)


def show_scope(page: ReviewPage, scope: Scope, qtbot: QtBot) -> None:
    box = page.choice.scope
    with qtbot.waitSignal(page.live.loaded, timeout=5000):
        box.setCurrentIndex(box.findData(scope))
        box.activated.emit(box.currentIndex())
    assert page.live.review is not None
    assert page.live.review.scope is scope


def current(page: ReviewPage) -> ErrorEntry:
    entry = page.queue.current
    assert entry is not None
    return entry


def row_where(page: ReviewPage, wanted: Callable[[ErrorEntry], bool], *, after: int = 0) -> int:
    """The first row from ``after`` on that holds such an item."""
    return next(row for row in range(after, page.queue.count) if wanted(page.errors.entry(row)))


def same_box(entry: ErrorEntry) -> tuple[int | None, int]:
    """What a box is in every review of a run: the row in the run, or the id of a label."""
    return entry.run_row, 0 if entry.is_detection else entry.key
