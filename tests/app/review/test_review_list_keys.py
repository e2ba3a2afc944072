"""Keys in the list of the queue that are no verdicts, and what the list says to those who cannot see it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.review.kinds import ErrorKind, ItemType
from tests.app.review.review_driving import choose_type, click_row, drag_slider, keys, press


def test_keys_that_are_no_verdict_for_an_item_leave_the_queue_where_it_is(
    page: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    drag_slider(page, 0.1, qtbot)
    choose_type(page, ItemType.BACKGROUND)
    assert page.queue.count > 1
    click_row(page, 0)
    before = page.queue.current
    names = {page.errors.entry(row).class_name[0].upper() for row in range(page.queue.count)}
    for action, key in (
        ("review.take_class", Qt.Key.Key_C),
        ("review.take_box", Qt.Key.Key_B),
        ("review.delete", Qt.Key.Key_X),
    ):
        assert not context.actions[action].isEnabled()
        press(page, key)
        assert page.queue.current == before
    assert names & {"C", "B", "X"}, "a list that looks names up would have moved"


def test_a_modifier_alone_does_not_scroll_the_list(page: ReviewPage, qtbot: QtBot) -> None:
    drag_slider(page, 0.05, qtbot)
    view = page.queue_panel.list
    view.setFixedHeight(120)
    qtbot.wait(20)
    click_row(page, 0)
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    below = view.verticalScrollBar().value()
    assert below > 0
    for key in (Qt.Key.Key_Control, Qt.Key.Key_Shift):
        press(page, key)
        assert view.verticalScrollBar().value() == below


def test_keys_go_on_from_the_place_of_an_item_that_is_no_longer_listed(
    page: ReviewPage, qtbot: QtBot
) -> None:
    drag_slider(page, 0.1, qtbot)
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    place = next(n for n, entry in enumerate(entries) if n and entry.kind is ErrorKind.FP)
    click_row(page, place)
    # above its score it is no false positive any more
    score = entries[place].score
    assert score is not None
    drag_slider(page, score + 0.01, qtbot)
    listed = keys(page)
    assert entries[place].key not in listed
    page.queue_panel.list.setFixedHeight(1000)
    pages = ((Qt.Key.Key_PageDown, -1), (Qt.Key.Key_PageUp, 0))  # all of them fit into one
    for key, expected in ((Qt.Key.Key_End, -1), (Qt.Key.Key_Home, 0), *pages):
        page.queue.go_to(entries[place].key)
        press(page, key)
        assert page.queue.current is not None
        assert page.queue.current.key == listed[expected]


def test_what_is_looked_at_follows_the_threshold_in_kind(page: ReviewPage, qtbot: QtBot) -> None:
    drag_slider(page, 0.1, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["recall"], Qt.MouseButton.LeftButton)
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    found = next(entry for entry in entries if entry.kind is ErrorKind.TP)
    assert found.label is not None
    page.queue.go_to(found.label.key)
    assert page.image.details.text().count("Found")
    drag_slider(page, 0.999, qtbot)
    qtbot.waitUntil(lambda: "Found" not in page.image.details.text().split("<br>")[0])


def test_the_list_has_a_name_and_its_rows_say_what_they_show(page: ReviewPage) -> None:
    view = page.queue_panel.list
    assert view.accessibleName() == "Queue"
    entry, index = page.errors.entry(0), page.errors.index(0)
    spoken = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert entry.class_name in spoken
    assert entry.path.name in spoken
