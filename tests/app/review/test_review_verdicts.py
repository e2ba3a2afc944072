"""Walking through the queue and giving verdicts, by keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.review.widgets.item_details import VerdictButton
from app.services.context import AppContext
from app.services.messages import Message
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.project.verdicts import read_verdicts
from detcore.review.kinds import ErrorKind
from detcore.types import Origin
from tests.app.review.review_driving import (
    click_row,
    control_click_row,
    drag_slider,
    keys,
    press,
    shift_click_row,
)


def test_space_and_arrows_walk_through_the_queue(page: ReviewPage) -> None:
    order = keys(page)
    click_row(page, 0)
    seen = [page.queue.current.key]  # type: ignore[union-attr]
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Space):
        press(page, key)
        seen.append(page.queue.current.key)  # type: ignore[union-attr]
    assert seen == order[:4]
    press(page, Qt.Key.Key_Up)
    assert page.queue.current.key == order[2]  # type: ignore[union-attr]
    assert page.queue_panel.progress.text() == f"3 of {len(order)}"
    assert page.queue_panel.list.selected_keys() == [order[2]]


def test_accepting_a_prediction_adds_a_label_and_goes_on(
    page: ReviewPage, labelled: Project, run: RunFolder, qtbot: QtBot
) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 1)
    entry = page.queue.current
    assert entry is not None
    before = page.live.review.evaluation.curve().ap  # type: ignore[union-attr]
    labels = {box.id for box in labelled.boxes(entry.image_id)}
    press(page, Qt.Key.Key_Y)
    added = [box for box in labelled.boxes(entry.image_id) if box.id not in labels]
    assert len(added) == 1
    assert added[0].xyxy == pytest.approx(entry.xyxy)
    assert (added[0].origin, added[0].run, added[0].class_id) == (Origin.MODEL, run.name, entry.class_id)
    assert added[0].score == pytest.approx(entry.score)
    assert entry.key not in keys(page)
    assert page.queue.current is not None
    assert page.queue.current.key == order[2]
    qtbot.waitUntil(lambda: page.live.review.evaluation.curve().ap != before)  # type: ignore[union-attr]
    QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert keys(page) == order
    assert page.queue.current.key == entry.key
    assert {box.id for box in labelled.boxes(entry.image_id)} == labels
    assert page.live.review.evaluation.curve().ap == before  # type: ignore[union-attr]


def test_deleting_a_missed_label_takes_it_off_the_list_and_undo_brings_it_back(
    page: ReviewPage, labelled: Project, qtbot: QtBot
) -> None:
    drag_slider(page, 0.8, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 0)
    dealt_with: list[int] = []
    for _ in range(3):
        current = page.queue.current
        assert current is not None
        following = keys(page)[keys(page).index(current.key) + 1]
        press(page, Qt.Key.Key_X)
        dealt_with.append(current.key)
        assert current.key not in {box.id for box in labelled.all_boxes()}
        assert page.queue.current.key == following  # type: ignore[union-attr]
        assert set(keys(page)) == set(order) - set(dealt_with)
    for expected in reversed(dealt_with):
        QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert page.queue.current.key == expected  # type: ignore[union-attr]
    assert keys(page) == order


def test_a_verdict_on_a_selection_is_one_edit(page: ReviewPage, labelled: Project) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    order, before = keys(page), labelled.statistics().boxes
    click_row(page, 0)
    rect = page.queue_panel.list.visualRect(page.errors.index(2))
    QTest.mouseClick(
        page.queue_panel.list.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ShiftModifier,
        rect.center(),
    )
    assert page.queue_panel.list.selected_keys() == order[:3]
    press(page, Qt.Key.Key_Y)
    assert labelled.statistics().boxes == before + 3
    QTest.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labelled.statistics().boxes == before


def test_more_items_than_anybody_has_looked_at_are_not_judged_at_once(
    page: ReviewPage, context: AppContext, labelled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.review.queue", "app.review.widgets.item_details"):
        monkeypatch.setattr(f"{module}.MOST_AT_ONCE", 2)
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    shift_click_row(page, 2)
    assert "at most 2: select fewer" in page.image.details.selected.text()
    assert not context.actions["review.model_wrong"].isEnabled()
    press(page, Qt.Key.Key_M)
    assert read_verdicts(labelled) == []
    shift_click_row(page, 1)
    press(page, Qt.Key.Key_M)
    assert len(read_verdicts(labelled)) == 2


def test_a_verdict_that_is_not_for_all_that_is_selected_says_so(
    page: ReviewPage, context: AppContext, labelled: Project
) -> None:
    heard: list[Message] = []
    context.messages.posted.connect(heard.append)
    QTest.keyClick(page.queue_panel.list, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    selected, labels = len(keys(page)), labelled.statistics().boxes
    press(page, Qt.Key.Key_X)
    deleted = labels - labelled.statistics().boxes
    assert 0 < deleted < selected
    assert heard[-1].text.startswith(f"Delete label: {deleted} of {selected} items.")


def test_actions_that_make_no_sense_are_disabled(page: ReviewPage, context: AppContext) -> None:
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    assert not context.actions["review.accept"].isEnabled()
    assert context.actions["review.delete"].isEnabled()
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    click_row(page, 0)
    assert context.actions["review.accept"].isEnabled()
    assert not context.actions["review.delete"].isEnabled()


def test_several_selected_items_are_announced_and_judged_together(
    page: ReviewPage, labelled: Project
) -> None:
    panel, details = page.queue_panel, page.image.details
    total = len(keys(page))
    buttons = {button.text(): button for button in details.findChildren(VerdictButton)}
    click_row(page, 0)
    assert panel.progress.text() == f"1 of {total}"
    assert not details.selected.isVisible()
    assert "selected" not in buttons["Model wrong"].toolTip()
    shift_click_row(page, 2)
    assert panel.progress.text() == f"3 selected of {total}"
    assert details.selected.isVisible()
    assert "3 items selected" in details.selected.text()
    assert "3 selected items" in buttons["Model wrong"].toolTip()
    assert "selected" not in buttons["Next"].toolTip()
    # what is taken out of the selection is not judged, though it was looked at
    control_click_row(page, 2)
    assert panel.progress.text() == f"2 selected of {total}"
    assert page.queue.current is not None
    assert page.queue.current.key == keys(page)[1]
    QTest.mouseClick(buttons["Model wrong"], Qt.MouseButton.LeftButton)
    assert len(read_verdicts(labelled)) == 2
    assert len(keys(page)) == total - 2
    assert panel.progress.text() == f"1 of {total - 2}"
    assert not details.selected.isVisible()


def test_the_announcement_goes_with_the_selection(page: ReviewPage) -> None:
    click_row(page, 0)
    shift_click_row(page, 3)
    assert page.image.details.selected.isVisible()
    press(page, Qt.Key.Key_Down)
    assert not page.image.details.selected.isVisible()
    shift_click_row(page, 3)
    QTest.mouseClick(page.header.tiles.tiles["tp"], Qt.MouseButton.LeftButton)
    assert not page.image.details.selected.isVisible()


def test_no_box_is_offered_to_a_label_that_a_better_one_has_found(
    page: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    drag_slider(page, 0.1, qtbot)
    seen: dict[bool, int] = {True: 0, False: 0}
    for row in range(page.queue.count):
        entry = page.errors.entry(row)
        if entry.kind is ErrorKind.FP and entry.label is not None:
            click_row(page, row)
            is_missed = entry.label.kind is ErrorKind.FN
            assert context.actions["review.take_box"].isEnabled() == is_missed
            seen[is_missed] += 1
    assert all(seen.values()), seen
