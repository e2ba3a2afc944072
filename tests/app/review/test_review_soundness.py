"""Above the list of likely label errors: whether the run may judge labels, and the way out if not."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.edits import set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.project.scope import Scope
from detcore.project.snapshot import take_snapshot
from detcore.review.filter import SortOrder
from tests.app.review.comparing import make_run, validation_labels
from tests.app.review.review_driving import choose_order


@pytest.fixture
def run(labelled: Project) -> RunFolder:
    """Finds all but one of the labels of the validation images, and has learnt those of the other three."""
    run = make_run(labelled, validation_labels(labelled)[:-1])
    take_snapshot(labelled).save(run.snapshot)
    return run


def order_by_label_errors(page: ReviewPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.order.found):
        choose_order(page, SortOrder.LABEL_ERRORS)


def choose_scope(page: ReviewPage, scope: Scope, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.order.found):
        page.choice.scope.setCurrentIndex(page.choice.scope.findData(scope))
        page.choice.scope.activated.emit(page.choice.scope.currentIndex())


def follow_link(page: ReviewPage) -> None:
    """With the keyboard: Tab reaches the link, Enter opens it."""
    label = page.queue_panel.caution.text
    label.setFocus()
    QTest.keyClick(label, Qt.Key.Key_Tab)
    QTest.keyClick(label, Qt.Key.Key_Return)


def test_a_sound_run_judges_without_a_word(page: ReviewPage, qtbot: QtBot) -> None:
    order_by_label_errors(page, qtbot)
    assert not page.queue_panel.caution.isVisible()


def test_above_the_list_it_stands_that_the_labels_were_learnt(page: ReviewPage, qtbot: QtBot) -> None:
    caution = page.queue_panel.caution
    order_by_label_errors(page, qtbot)
    choose_scope(page, Scope.ALL, qtbot)
    assert caution.isVisible()
    assert "3 of these 6 images were used for training:" in caution.text.text()
    panel = page.queue_panel
    assert caution.mapTo(panel, QPoint(0, caution.height())).y() <= panel.list.mapTo(panel, QPoint(0, 0)).y()
    choose_order(page, SortOrder.WORST)
    assert not caution.isVisible()
    # what holds for every order is said for every order
    assert "3 of these 6 images were used for training" in page.header.note.text()


def test_links_are_to_be_seen_in_either_theme(page: ReviewPage, context: AppContext, qtbot: QtBot) -> None:
    order_by_label_errors(page, qtbot)
    choose_scope(page, Scope.ALL, qtbot)
    label = page.queue_panel.caution.text
    for theme in ("dark", "light"):
        context.theme.apply(theme)
        qtbot.wait(10)
        image = label.grab().toImage()
        painted = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        # the line below the link is of its colour alone
        assert context.theme.color("accent_text").name() in painted


def test_the_way_out_is_a_cross_validation(page: ReviewPage, context: AppContext, qtbot: QtBot) -> None:
    asked: list[str] = []
    context.actions.bind("train.crossval", lambda: asked.append("crossval"))
    page.request_page.connect(asked.append)
    page.request_page.connect(context.actions.show_scope)
    order_by_label_errors(page, qtbot)
    choose_scope(page, Scope.ALL, qtbot)
    follow_link(page)
    assert asked == ["train", "crossval"]


def test_a_cross_validation_that_is_there_is_offered(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    make_run(labelled, validation_labels(labelled), crossval=True)
    context.document.runs_changed.emit()
    order_by_label_errors(page, qtbot)
    choose_scope(page, Scope.ALL, qtbot)
    qtbot.waitUntil(lambda: "Review 002-crossval" in page.queue_panel.caution.text.text())
    with qtbot.waitSignal(page.order.found):
        follow_link(page)
    assert page.live.review is not None
    assert page.live.review.run.name == "002-crossval"
    assert "used for training" not in page.queue_panel.caution.text.text()


@pytest.mark.parametrize(("found", "weak"), [(1, True), (12, False)])
def test_a_detector_that_finds_next_to_nothing_is_called_too_weak(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot, found: int, weak: bool
) -> None:
    boxes = validation_labels(labelled)
    run = make_run(labelled, boxes[:found])
    take_snapshot(labelled).save(run.snapshot)
    asked: list[str] = []
    window.request_page.connect(asked.append)
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None)
    order_by_label_errors(window, qtbot)
    caution = window.queue_panel.caution
    assert caution.isVisible() == weak
    if not weak:
        return
    # one of a class's labels is found, of the other classes none: recall 1 of n, at 101 points
    counts = np.bincount([box.class_id for box in boxes])
    recall = 1 / counts[boxes[0].class_id]
    reached = (np.floor(recall * 100) + 1) / 101 / np.count_nonzero(counts)
    assert f"the AP50 of this run is {reached:.2f} here" in caution.text.text()
    follow_link(window)
    assert asked == ["train"]


def test_what_was_said_of_one_run_is_not_said_of_another(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    labelled.edit(set_split, dict.fromkeys(labelled.image_ids()[3:], "test"))
    boxes = validation_labels(labelled)
    for found in (12, 1):
        take_snapshot(labelled).save(make_run(labelled, boxes[:found]).snapshot)
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None)
    order_by_label_errors(window, qtbot)
    assert "Too weak" in window.queue_panel.caution.text.text()
    with qtbot.waitSignal(window.order.found):
        window.choice.run.setCurrentIndex(1)
        window.choice.run.activated.emit(1)
    assert not window.queue_panel.caution.isVisible()
