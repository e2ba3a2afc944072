"""A found object that the threshold passes is its label from then on: it is missed, not a false detection."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.review.entries import ErrorEntry
from detcore.review.kinds import COUNTED, ErrorKind
from tests.app.review.review_driving import click_row, drag_slider


def _current(page: ReviewPage) -> ErrorEntry:
    entry = page.queue.current
    assert entry is not None
    return entry


@pytest.fixture
def found(everything: ReviewPage, qtbot: QtBot) -> ErrorEntry:
    """The found object with the lowest score is looked at, in a list of all boxes."""
    page = everything
    page.queue_panel.kinds_chosen.emit(frozenset(COUNTED))
    drag_slider(page, 0.1, qtbot)
    rows = [row for row in range(page.queue.count) if page.errors.entry(row).kind is ErrorKind.TP]
    click_row(page, min(rows, key=lambda row: page.errors.entry(row).score or 0.0))
    return _current(page)


def test_what_was_found_is_looked_at_as_a_missed_label_above_its_score_and_as_found_below(
    everything: ReviewPage, found: ErrorEntry, context: AppContext, qtbot: QtBot
) -> None:
    page = everything
    assert found.label is not None
    assert found.score is not None
    drag_slider(page, found.score + 0.1, qtbot)
    missed = _current(page)
    assert (missed.key, missed.kind) == (found.label.key, ErrorKind.FN)
    assert page.queue_panel.list.selected_keys() == [missed.key]
    assert not context.actions["review.accept"].isEnabled()
    drag_slider(page, 0.1, qtbot)
    assert (_current(page).key, _current(page).kind) == (found.key, ErrorKind.TP)
    assert page.queue_panel.list.selected_keys() == [found.key]


def test_a_found_object_passed_by_the_threshold_is_missed_though_no_list_has_it(
    everything: ReviewPage, found: ErrorEntry, context: AppContext, qtbot: QtBot
) -> None:
    page = everything
    page.queue_panel.kinds_chosen.emit(frozenset({ErrorKind.TP}))
    assert _current(page).key == found.key
    assert found.score is not None
    drag_slider(page, found.score + 0.1, qtbot)
    assert page.errors.row_of(_current(page).key) < 0
    assert _current(page).kind is ErrorKind.FN
    assert not context.actions["review.accept"].isEnabled()
