"""While another review is being read, the one that is shown can be worked on, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.messages import Message
from detcore.errors import ProjectError
from detcore.project.edits import add_boxes, add_class, delete_boxes, remove_images, update_class
from detcore.project.project import Project
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.review.kinds import ErrorKind
from detcore.review.verdicts import is_offered, verdict_edit
from detcore.types import Box
from tests.app.review.reloading import Gate, ask_for_next_iou, current, row_where, same_box
from tests.app.review.review_driving import click_row, drag_slider, keys, press, undo


@pytest.fixture
def gate(everything: ReviewPage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


def label_ids(project: Project) -> set[int]:
    return {box.id for box in project.all_boxes()}


def test_labels_deleted_one_after_the_other_leave_the_list_and_the_review_that_comes(
    everything: ReviewPage, gate: Gate, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    drag_slider(page, 0.8, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    order = keys(page)
    click_row(page, 1)
    gate.close()
    ask_for_next_iou(page)
    for number in range(3):
        press(page, Qt.Key.Key_X)
        assert page.live.is_loading
        assert not {*order[1 : 2 + number]} & label_ids(labelled)
        assert keys(page) == [order[0], *order[2 + number :]]
        assert current(page).key == order[2 + number]
        assert page.image.entry == current(page)
    qtbot.waitUntil(lambda: int(page.header.tiles.tiles["fn"].text()) == len(order) - 3)
    undo(page)
    assert current(page).key == order[3]
    gate.let_through(page, qtbot)
    review = page.live.review
    assert review is not None
    assert review.evaluation.iou_threshold == pytest.approx(0.55)
    assert set(review.evaluation.gt.ids.tolist()) == label_ids(labelled)
    assert not {*order[1:3]} & {*keys(page)}
    assert current(page).key == order[3]


def test_every_verdict_is_taken_into_the_review_that_comes(
    everything: ReviewPage, gate: Gate, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    gate.close()
    ask_for_next_iou(page)
    judged: list[tuple[int | None, int]] = []
    for key, kind in (
        (Qt.Key.Key_Y, VerdictKind.ACCEPT),
        (Qt.Key.Key_I, VerdictKind.IGNORE),
        (Qt.Key.Key_M, VerdictKind.MODEL_WRONG),
        (Qt.Key.Key_X, VerdictKind.DELETE),
        (Qt.Key.Key_Question, VerdictKind.AMBIGUOUS),
    ):
        click_row(page, row_where(page, lambda entry, kind=kind: is_offered(kind, entry), after=3))
        judged.append(same_box(current(page)))
        press(page, key)
        assert [given.kind for given in read_verdicts(labelled)][-1] is kind
    assert page.queue_panel.done.text() == "5 judged today · 5 in all"
    here = current(page)
    gate.let_through(page, qtbot)
    assert page.queue_panel.done.text() == "5 judged today · 5 in all"
    listed = {same_box(page.errors.entry(row)) for row in range(page.queue.count)}
    # the detection of a deleted label has still to be judged
    assert not {*judged[:3], judged[4]} & listed
    assert same_box(current(page)) == same_box(here)
    for box in reversed(judged):
        undo(page)
        assert same_box(current(page)) == box


def test_a_label_of_a_class_that_came_meanwhile_is_left_to_the_review_that_comes(
    everything: ReviewPage, gate: Gate, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    here, document = current(page), context.document
    gate.close()
    document.edit(add_class, "late")
    late = next(item.id for item in labelled.classes() if item.name == "late")
    added = Box(id=0, image_id=here.image_id, class_id=late, x1=1, y1=1, x2=40, y2=40)
    document.edit(add_boxes, [added])
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    assert late not in {page.errors.entry(row).class_id for row in range(page.queue.count)}
    gate.let_through(page, qtbot)
    assert [page.errors.entry(row).class_id for row in range(page.queue.count)].count(late) == 1


def test_what_follows_a_judged_item_stays_when_judged_ones_are_listed_as_well(
    everything: ReviewPage, gate: Gate, qtbot: QtBot
) -> None:
    page = everything
    press(page, Qt.Key.Key_J)
    click_row(page, 3)
    following = page.errors.entry(4)
    gate.close()
    ask_for_next_iou(page)
    press(page, Qt.Key.Key_M)
    assert current(page).key == following.key
    gate.let_through(page, qtbot)
    assert same_box(current(page)) == same_box(following)


def test_a_colour_that_is_chosen_meanwhile_is_that_of_the_review_that_comes(
    everything: ReviewPage, gate: Gate, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page = everything
    gate.close()
    ask_for_next_iou(page)
    assert gate.built.wait(5)
    context.document.edit(update_class, replace(labelled.classes()[0], color="#123456"))
    gate.let_through(page, qtbot)
    assert page.live.review is not None
    assert page.live.review.classes[labelled.classes()[0].id].color == "#123456"


@pytest.mark.parametrize("key", [Qt.Key.Key_M, Qt.Key.Key_Y, Qt.Key.Key_I, Qt.Key.Key_X])
def test_a_verdict_on_an_image_that_was_taken_out_says_so(
    everything: ReviewPage, gate: Gate, context: AppContext, labelled: Project, key: Qt.Key, qtbot: QtBot
) -> None:
    page = everything
    heard: list[Message] = []
    context.messages.posted.connect(heard.append)
    gate.close()
    wanted = VerdictKind.DELETE if key == Qt.Key.Key_X else VerdictKind.ACCEPT
    click_row(page, row_where(page, lambda entry: is_offered(wanted, entry)))
    context.document.edit(remove_images, [current(page).image_id])
    press(page, key)
    assert "is not in the project any more" in heard[-1].text
    assert read_verdicts(labelled) == []
    gate.let_through(page, qtbot)


@pytest.mark.parametrize("kind", [kind for kind in VerdictKind if kind is not VerdictKind.ACCEPT])
def test_a_verdict_about_a_deleted_label_is_refused(
    everything: ReviewPage, labelled: Project, kind: VerdictKind
) -> None:
    page = everything
    row = row_where(
        page,
        lambda entry: (
            entry.label is not None and entry.label.kind is ErrorKind.FN and is_offered(kind, entry)
        ),
    )
    entry = page.errors.entry(row)
    assert entry.label is not None
    labelled.edit(delete_boxes, [entry.label.key])
    with pytest.raises(ProjectError, match="is not in the project any more"):
        verdict_edit(labelled, kind, [entry], run="run", threshold=0.5)


@pytest.mark.parametrize("key", [Qt.Key.Key_I, Qt.Key.Key_M, Qt.Key.Key_X])
def test_a_verdict_on_a_label_that_went_with_many_others_says_so(
    everything: ReviewPage,
    gate: Gate,
    context: AppContext,
    labelled: Project,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    key: Qt.Key,
) -> None:
    """So many at once are matched in the pool, and the old list is shown until then."""
    monkeypatch.setattr("app.review.live.live_evaluation._REMATCH_ALL_FROM", 1)
    page = everything
    heard: list[Message] = []
    context.messages.posted.connect(heard.append)
    drag_slider(page, 0.8, qtbot)
    QTest.mouseClick(page.header.tiles.tiles["fn"], Qt.MouseButton.LeftButton)
    click_row(page, 2)
    gate.close()
    context.document.edit(delete_boxes, [*label_ids(labelled)])
    press(page, key)
    assert "is not in the project any more" in heard[-1].text
    assert read_verdicts(labelled) == []
    gate.let_through(page, qtbot)
    assert page.live.review is not None
    assert len(page.live.review.evaluation.gt) == 0
