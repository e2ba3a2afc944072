"""Another IoU, other images, other classes: the user stays where they are, and undo still leads back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.edits import add_class, remove_images, update_boxes, update_class
from detcore.project.project import Project
from detcore.project.runs import RunFolder, save_detections
from detcore.project.scope import Scope
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind
from detcore.review.verdicts import is_offered
from tests.app.review.reloading import (
    Gate,
    choose_iou,
    current,
    row_where,
    same_box,
    show_next_iou,
    show_scope,
)
from tests.app.review.review_driving import (
    choose_order,
    click_row,
    drag_slider,
    keys,
    made_up_detections,
    press,
    shift_click_row,
    undo,
)


@pytest.fixture
def small_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of more than one image is matched in the pool."""
    monkeypatch.setattr("app.review.live.live_evaluation._REMATCH_ALL_FROM", 1)


def is_false(entry: ErrorEntry) -> bool:
    return entry.is_detection and entry.kind is ErrorKind.FP


def is_missed(entry: ErrorEntry) -> bool:
    return not entry.is_detection and entry.kind is ErrorKind.FN


@pytest.mark.parametrize("wanted", [is_false, is_missed])
def test_another_iou_keeps_the_item_and_what_is_selected(
    everything: ReviewPage, qtbot: QtBot, wanted: object
) -> None:
    page = everything
    row = row_where(page, wanted, after=5)  # type: ignore[arg-type]
    click_row(page, row - 1)
    shift_click_row(page, row)
    here, selected = current(page), page.queue_panel.list.selected_keys()
    assert len(selected) == 2
    for _ in range(2):
        show_next_iou(page, qtbot)
        assert same_box(current(page)) == same_box(here)
        assert page.image.entry == current(page)
        assert set(page.queue_panel.list.selected_keys()) == set(selected)
        assert page.queue_panel.progress.text() == f"2 selected of {page.queue.count}"


@pytest.mark.parametrize("wanted", [is_false, is_missed])
def test_an_item_of_all_images_is_found_again_among_those_of_fewer(
    everything: ReviewPage, qtbot: QtBot, wanted: object
) -> None:
    page, review = everything, everything.live.review
    assert review is not None
    fewer = set(review.scopes[Scope.VAL].tolist())
    row = row_where(page, lambda entry: wanted(entry) and entry.image_id in fewer, after=3)  # type: ignore[operator]
    click_row(page, row)
    here = current(page)
    show_scope(page, Scope.VAL, qtbot)
    assert same_box(current(page)) == same_box(here)
    # rows of the review are others now
    assert (current(page).key == here.key) is not here.is_detection
    assert page.queue_panel.list.selected_keys() == [current(page).key]
    show_scope(page, Scope.ALL, qtbot)
    assert current(page) == here


def test_an_item_that_the_images_chosen_do_not_have_gives_way_to_the_first(
    everything: ReviewPage, qtbot: QtBot
) -> None:
    page, review = everything, everything.live.review
    assert review is not None
    fewer = set(review.scopes[Scope.VAL].tolist())
    click_row(page, row_where(page, lambda entry: entry.image_id not in fewer, after=5))
    show_scope(page, Scope.VAL, qtbot)
    assert current(page).key == keys(page)[0]


def test_new_classes_and_colours_keep_the_item_and_undo_leads_back(
    everything: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    click_row(page, row_where(page, is_false, after=6))
    judged = current(page)
    press(page, Qt.Key.Key_M)
    here = current(page)
    with qtbot.waitSignal(page.live.loaded):
        context.document.edit(update_class, replace(labelled.classes()[0], color="#123456"))
    assert current(page).key == here.key
    with qtbot.waitSignal(page.live.loaded):
        context.document.edit(add_class, "late")
    assert same_box(current(page)) == same_box(here)
    with qtbot.waitSignal(page.live.loaded):
        undo(page)
    undo(page)
    assert same_box(current(page)) == same_box(here)
    undo(page)
    assert read_verdicts(labelled) == []
    assert same_box(current(page)) == same_box(judged)


def test_undo_returns_to_each_judged_item_after_other_reviews(everything: ReviewPage, qtbot: QtBot) -> None:
    page, review = everything, everything.live.review
    assert review is not None
    fewer = set(review.scopes[Scope.VAL].tolist())
    judged: list[ErrorEntry] = []
    for wanted in (is_false, is_missed, is_false):
        row = row_where(page, lambda entry, wanted=wanted: wanted(entry) and entry.image_id in fewer, after=4)
        click_row(page, row)
        judged.append(current(page))
        press(page, Qt.Key.Key_M)
    show_next_iou(page, qtbot)
    show_scope(page, Scope.VAL, qtbot)
    click_row(page, 0)
    for entry in reversed(judged):
        undo(page)
        assert same_box(current(page)) == same_box(entry)


def test_undo_returns_to_what_was_judged_among_fewer_images(everything: ReviewPage, qtbot: QtBot) -> None:
    page = everything
    show_scope(page, Scope.VAL, qtbot)
    click_row(page, row_where(page, is_false, after=2))
    judged = current(page)
    press(page, Qt.Key.Key_M)
    show_scope(page, Scope.ALL, qtbot)
    undo(page)
    assert same_box(current(page)) == same_box(judged)


def test_undo_of_a_verdict_on_an_image_that_is_not_shown_leaves_the_person_where_they_are(
    everything: ReviewPage, labelled: Project, qtbot: QtBot
) -> None:
    page, review = everything, everything.live.review
    assert review is not None
    fewer = set(review.scopes[Scope.VAL].tolist())
    click_row(page, row_where(page, lambda entry: is_false(entry) and entry.image_id in fewer))
    first = current(page)
    press(page, Qt.Key.Key_M)
    click_row(page, row_where(page, lambda entry: is_false(entry) and entry.image_id not in fewer))
    press(page, Qt.Key.Key_M)
    show_scope(page, Scope.VAL, qtbot)
    click_row(page, 3)
    here = current(page)
    undo(page)
    assert len(read_verdicts(labelled)) == 1
    assert current(page).key == here.key
    show_scope(page, Scope.ALL, qtbot)
    assert same_box(current(page)) == same_box(here)
    undo(page)
    assert same_box(current(page)) == same_box(first)


def test_what_is_no_error_at_another_iou_stays_and_the_next_is_what_followed(
    everything: ReviewPage, qtbot: QtBot
) -> None:
    """A stricter IoU makes found objects false: among the found ones they are missing then."""
    page = everything
    QTest.mouseClick(page.header.tiles.tiles["tp"], Qt.MouseButton.LeftButton)
    before = [page.errors.entry(row) for row in range(page.queue.count)]
    choose_iou(page, 8)
    qtbot.waitUntil(lambda: not page.live.is_loading)
    still = {same_box(page.errors.entry(row)) for row in range(page.queue.count)}
    lost = next(
        row
        for row in reversed(range(1, len(before) - 1))
        if same_box(before[row]) not in still and same_box(before[row + 1]) in still
    )
    choose_iou(page, 0)
    qtbot.waitUntil(lambda: not page.live.is_loading)
    assert page.queue.count == len(before)
    assert any(same_box(entry) not in still for entry in before[:lost])
    click_row(page, lost)
    choose_iou(page, 8)
    qtbot.waitUntil(lambda: not page.live.is_loading)
    assert same_box(current(page)) == same_box(before[lost])
    assert current(page).kind is ErrorKind.FP
    press(page, Qt.Key.Key_Down)
    assert same_box(current(page)) == same_box(before[lost + 1])


def test_an_order_whose_figures_are_found_anew_keeps_the_item(everything: ReviewPage, qtbot: QtBot) -> None:
    page = everything
    with qtbot.waitSignal(page.live.costs_found):
        choose_order(page, SortOrder.COST)
    click_row(page, 9)
    here = current(page)
    with qtbot.waitSignal(page.live.costs_found):
        show_next_iou(page, qtbot)
    assert same_box(current(page)) == same_box(here)
    assert page.queue_panel.list.selected_keys() == [current(page).key]


def test_other_detections_of_the_run_begin_at_the_top_and_undo_leads_nowhere_else(
    everything: ReviewPage, labelled: Project, run: RunFolder, qtbot: QtBot
) -> None:
    page = everything
    click_row(page, row_where(page, is_false, after=5))
    press(page, Qt.Key.Key_M)
    assert current(page).key != keys(page)[0]
    click_row(page, row_where(page, is_false, after=7))
    old = made_up_detections(labelled)
    shuffled = old.take(np.random.default_rng(3).permutation(len(old)))
    save_detections(run, shuffled, image_ids=labelled.image_ids())
    show_scope(page, Scope.ALL, qtbot)
    assert current(page).key == keys(page)[0]
    click_row(page, 4)
    here = current(page)
    undo(page)
    assert read_verdicts(labelled) == []
    assert current(page).key == here.key
    click_row(page, 2)
    here = current(page)
    page.context.document.edit(update_boxes, [replace(labelled.all_boxes()[0], difficult=True)])
    assert current(page).key == here.key


@pytest.mark.usefixtures("small_bulk")
def test_after_a_verdict_on_many_images_the_item_that_follows_is_looked_at(
    everything: ReviewPage, labelled: Project, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    page, gate = everything, Gate(monkeypatch)
    QTest.mouseClick(page.header.tiles.tiles["fp"], Qt.MouseButton.LeftButton)
    before, labels = [page.errors.entry(row) for row in range(page.queue.count)], labelled.statistics().boxes
    click_row(page, 2)
    shift_click_row(page, 6)
    gate.close()
    press(page, Qt.Key.Key_Y)
    assert labelled.statistics().boxes == labels + 5
    # a second press in a row is for the next item, not for the first again
    press(page, Qt.Key.Key_Y)
    assert labelled.statistics().boxes == labels + 6
    assert len({verdict.detection_row for verdict in read_verdicts(labelled)}) == 6
    gate.let_through(page, qtbot)
    expected = {same_box(entry) for entry in (*before[:2], *before[8:])}
    assert {same_box(page.errors.entry(row)) for row in range(page.queue.count)} <= expected
    assert same_box(current(page)) == same_box(before[8])
    undo(page)
    assert same_box(current(page)) == same_box(before[7])
    with qtbot.waitSignal(page.live.loaded):
        undo(page)
    assert same_box(current(page)) == same_box(before[2])
    assert labelled.statistics().boxes == labels
    assert [same_box(page.errors.entry(row)) for row in range(page.queue.count)] == [
        same_box(entry) for entry in before
    ]


@pytest.mark.usefixtures("small_bulk")
def test_deleted_labels_of_many_images_come_back_with_undo_and_the_first_is_looked_at(
    everything: ReviewPage, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    drag_slider(page, 0.8, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 1)
    shift_click_row(page, 4)
    with qtbot.waitSignal(page.live.loaded):
        press(page, Qt.Key.Key_X)
    assert keys(page) == [order[0], *order[5:]]
    assert current(page).key == order[5]
    press(page, Qt.Key.Key_End)
    with qtbot.waitSignal(page.live.loaded):
        undo(page)
    assert keys(page) == order
    assert current(page).key == order[1]


@pytest.mark.parametrize("moves_on", [False, True])
def test_the_detection_of_a_label_deleted_with_many_has_still_to_be_judged(
    everything: ReviewPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, *, moves_on: bool
) -> None:
    """Matched in the pool, as if there were more; so its kind is known only later."""
    monkeypatch.setattr("app.review.live.live_evaluation._REMATCH_ALL_FROM", 0)
    page, gate = everything, Gate(monkeypatch)
    click_row(page, row_where(page, lambda entry: is_false(entry) and is_offered(VerdictKind.DELETE, entry)))
    pair, following = current(page), page.errors.entry(page.errors.row_of(current(page).key) + 1)
    gate.close()
    press(page, Qt.Key.Key_X)
    assert current(page).key == following.key
    if moves_on:
        press(page, Qt.Key.Key_Up)
    here = current(page)
    gate.let_through(page, qtbot)
    assert same_box(current(page)) == same_box(here if moves_on else pair)
    assert pair.key in keys(page)


def test_images_taken_out_with_their_verdicts_lead_nowhere_at_the_next_edit(
    everything: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    click_row(page, row_where(page, is_false, after=4))
    gone = current(page)
    press(page, Qt.Key.Key_M)
    with qtbot.waitSignal(page.live.loaded):
        context.document.edit(remove_images, [gone.image_id])
    assert gone.image_id not in {page.errors.entry(row).image_id for row in range(page.queue.count)}
    click_row(page, 4)
    here = current(page)
    box = next(box for box in labelled.all_boxes() if box.image_id != here.image_id)
    context.document.edit(update_boxes, [replace(box, difficult=True)])
    assert current(page).key == here.key


def test_what_was_judged_before_a_project_was_closed_is_forgotten(
    everything: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page, folder = everything, labelled.folder
    show_scope(page, Scope.VAL, qtbot)
    click_row(page, row_where(page, is_missed, after=1))
    press(page, Qt.Key.Key_M)
    left = current(page).key
    context.document.close()
    assert page.queue.current is None
    with Project.open(folder) as elsewhere:
        elsewhere.undo()
    with qtbot.waitSignal(page.live.loaded, timeout=5000):
        context.document.open(Project.open(folder))
    assert current(page).key == left, "the place is kept; the verdict taken back meanwhile leads nowhere"
    click_row(page, row_where(page, is_false))
    here, project = current(page), context.document.project
    box = project.boxes(here.image_id)[0]
    context.document.edit(update_boxes, [replace(box, x1=box.x1 - 1)])
    assert current(page).key == here.key
