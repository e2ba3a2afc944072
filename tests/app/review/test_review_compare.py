"""The Compare tab: each count opens its boxes, figures keep labels and models apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.review.live import comparisons
from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.tasks import ProgressCallback
from detcore.errors import Cancelled
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.project.edits import delete_boxes, update_boxes
from detcore.project.project import Project
from detcore.project.runs import save_detections
from detcore.project.snapshot import take_snapshot
from detcore.review.filter import ErrorFilter
from detcore.review.query import detection_row
from detcore.types import Detections
from tests.app.review.comparing import (
    click_link,
    figures,
    link_texts,
    links,
    make_run,
    open_compare,
    validation_labels,
)
from tests.app.review.review_driving import drag_slider, keys

GAINED, LOST, CHANGED = slice(8, 11), slice(0, 3), slice(11, 12)
"""Of the twelve labels: what the second run of ``compared`` alone finds, the first alone, and neither."""


@pytest.fixture
def compared(window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot) -> ReviewPage:
    """The first run finds labels 0 to 7 and takes the last for another class; the second finds 3 to 10 and has two
    boxes of nothing."""
    boxes = validation_labels(labelled)
    make_run(labelled, boxes[:8], mistaken=(boxes[11],))
    make_run(labelled, boxes[3:11], strays=2)
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    return window


def labels_listed(page: ReviewPage) -> list[int]:
    """Ids of the labels behind the rows: a found one stands there as its detection."""
    review = page.live.review
    assert review is not None
    evaluation, found = review.evaluation, []
    for key in keys(page):
        if key > 0:
            found.append(key)
            continue
        row = detection_row(key)
        view = evaluation.image_view(int(evaluation.dets.image_ids[row]), page.live.threshold)
        found.append(int(evaluation.gt.ids[view.det_match[view.det_rows == row][0]]))
    return sorted(found)


def test_each_count_opens_exactly_its_objects(compared: ReviewPage, labelled: Project) -> None:
    assert link_texts(compared) == ["gained 3", "lost 3", "missed differently 1", "new false positives 2"]
    ids = [box.id for box in validation_labels(labelled)]
    for name, expected in (
        ("gained", ids[GAINED]),
        ("lost", ids[LOST]),
        ("missed differently", ids[CHANGED]),
    ):
        click_link(compared, name)
        assert labels_listed(compared) == sorted(expected)
        assert compared.queue_panel.narrowed.text() == name
        assert compared.queue_panel.narrowed.isVisible()
    click_link(compared, "new false positives")
    review = compared.live.review
    assert review is not None
    rows = [detection_row(key) for key in keys(compared)]
    # the run's rows 8 and 9 are its two boxes of nothing
    assert sorted(review.source.run_rows[rows].tolist()) == [8, 9]


def test_the_cross_lists_all_errors_again(compared: ReviewPage) -> None:
    click_link(compared, "lost")
    QTest.mouseClick(compared.queue_panel.narrowed, Qt.MouseButton.LeftButton)
    assert not compared.queue_panel.narrowed.isVisible()
    assert compared.queue.filter == ErrorFilter()
    # three lost, one missed by both, two false
    assert compared.queue.count == 6


def test_objects_stay_listed_when_the_threshold_hides_their_detections(
    compared: ReviewPage, qtbot: QtBot, labelled: Project
) -> None:
    click_link(compared, "gained")
    ids = [box.id for box in validation_labels(labelled)]
    drag_slider(compared, 0.97, qtbot)
    qtbot.waitUntil(lambda: min(keys(compared)) > 0)
    assert sorted(keys(compared)) == sorted(ids[GAINED])
    # each run still counts where it is best
    assert link_texts(compared) == ["gained 3", "lost 3", "missed differently 1", "new false positives 2"]


def test_both_runs_count_at_their_best_or_both_at_the_slider_and_it_is_said_beside_the_figures(
    compared: ReviewPage, qtbot: QtBot
) -> None:
    panel = compared.compare.panel
    assert panel.note.text().startswith("Each where its F1 is highest: 001-reticle-s at ")
    drag_slider(compared, 0.97, qtbot)
    tick = QPoint(10, panel.at_slider.height() // 2)
    QTest.mouseClick(panel.at_slider, Qt.MouseButton.LeftButton, pos=tick)
    assert panel.note.text().startswith("Both at 0.97, the slider's.")
    # all detections of either run are below: it would be no comparison to count one of them there alone
    qtbot.waitUntil(lambda: link_texts(compared)[:2] == ["gained 0", "lost 0"])
    assert link_texts(compared)[3] == "new false positives 0"
    assert figures(compared)["Found"] == ("–", "0", "0", "–", "±0")
    QTest.mouseClick(panel.at_slider, Qt.MouseButton.LeftButton, pos=tick)
    qtbot.waitUntil(lambda: figures(compared)["Found"] == ("–", "8", "8", "–", "±0"))


def test_figures_are_those_of_either_run_and_their_difference(compared: ReviewPage) -> None:
    shown = figures(compared)
    assert shown["Found"] == ("–", "8", "8", "–", "±0")
    # the first takes one label for another class
    assert shown["False"] == ("–", "1", "2", "–", "+1")
    assert shown["Missed"] == ("–", "4", "4", "–", "±0")
    panel = compared.compare.panel
    assert [row.name for row in panel.plot.rows] == ["AP", "AP50"]
    assert "was started without labels of these images" in panel.note.text()


def test_figures_follow_the_iou_and_the_images_that_are_chosen(compared: ReviewPage, qtbot: QtBot) -> None:
    compared.choice.iou.setCurrentIndex(5)
    compared.choice.iou.activated.emit(5)
    qtbot.waitUntil(lambda: "AP75" in figures(compared))
    scope = compared.choice.scope
    everything = scope.findText("All images", Qt.MatchFlag.MatchStartsWith)
    scope.setCurrentIndex(everything)
    scope.activated.emit(everything)
    # 28 labels of all six images; either run finds eight
    qtbot.waitUntil(lambda: figures(compared)["Missed"][1:3] == ("20", "20"))


def test_mended_labels_are_told_from_a_better_model(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    boxes = validation_labels(labelled)
    moved = [replace(box, y1=box.y1 - 18, y2=box.y2 - 60) for box in boxes[:2]]
    labelled.edit(update_boxes, moved)
    first = make_run(labelled, boxes[:6])
    take_snapshot(labelled).save(first.snapshot)
    labelled.edit(update_boxes, boxes[:2])
    make_run(labelled, boxes[:9])
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    shown = figures(window)
    # two of the six were missed for their labels, three more are found for the model
    assert shown["Found"] == ("4", "6", "9", "+2", "+3")
    assert shown["False"] == ("2", "0", "0", "−2", "±0")
    assert shown["Missed"] == ("8", "6", "3", "−2", "−3")
    assert shown["AP50"][3].startswith("+")
    table = window.compare.panel.table.rows
    tip = table.data(table.index(1, 2), Qt.ItemDataRole.ToolTipRole)
    assert "the model is the same" in tip
    assert " to +" in tip


def test_counts_follow_an_edit_once_the_person_pauses(
    compared: ReviewPage, labelled: Project, context: AppContext, qtbot: QtBot
) -> None:
    lost = validation_labels(labelled)[0]
    click_link(compared, "lost")
    context.document.edit(delete_boxes, [lost.id])
    assert compared.queue.count == 2
    qtbot.waitUntil(lambda: "lost 2" in link_texts(compared), timeout=8000)


def test_another_run_can_be_chosen(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    boxes = validation_labels(labelled)
    for found in (4, 6, 8):
        make_run(labelled, boxes[:found])
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    box = window.compare.panel.run
    assert [box.itemText(row) for row in range(box.count())] == ["002-reticle-s", "001-reticle-s"]
    # the run before
    assert (box.currentText(), link_texts(window)[0]) == ("002-reticle-s", "gained 2")
    box.setCurrentIndex(1)
    box.activated.emit(1)
    qtbot.waitUntil(lambda: "gained 4" in link_texts(window))
    # boxes of one run are nothing in another
    click_link(window, "gained")
    assert window.queue.count == 4
    window.choice.run.setCurrentIndex(1)
    window.choice.run.activated.emit(1)
    qtbot.waitUntil(lambda: window.live.review is not None and window.live.review.run.name.startswith("002"))
    assert window.queue.filter.picked is None
    qtbot.waitUntil(lambda: "gained 2" in link_texts(window))


def test_picked_boxes_are_given_up_when_the_run_predicts_again(
    compared: ReviewPage, labelled: Project, context: AppContext, qtbot: QtBot
) -> None:
    click_link(compared, "new false positives")
    review = compared.live.review
    assert review is not None
    boxes = validation_labels(labelled)
    again = Detections(
        image_ids=np.array([box.image_id for box in boxes]),
        labels=np.array([box.class_id for box in boxes]),
        boxes=np.array([box.xyxy for box in boxes]),
        scores=np.full(len(boxes), 0.9),
    )
    save_detections(review.run, again, image_ids=labelled.image_ids())
    context.jobs.ended.emit(review.run.path, Outcome(state=OutcomeState.COMPLETED, text=""))
    qtbot.waitUntil(lambda: compared.live.review is not review and not compared.live.is_loading)
    # rows 8 and 9 are found labels now, and nothing is wrong any more
    assert compared.queue.filter == ErrorFilter()
    assert keys(compared) == []
    assert not compared.queue_panel.narrowed.isVisible()
    qtbot.waitUntil(
        lambda: (
            link_texts(compared) == ["gained 4", "lost 0", "missed differently 0", "new false positives 0"]
        )
    )


def test_picked_boxes_stay_with_other_images(compared: ReviewPage, qtbot: QtBot) -> None:
    click_link(compared, "new false positives")
    scope, review = compared.choice.scope, compared.live.review
    everything = scope.findText("All images", Qt.MatchFlag.MatchStartsWith)
    scope.setCurrentIndex(everything)
    scope.activated.emit(everything)
    qtbot.waitUntil(lambda: compared.live.review is not review and not compared.live.is_loading)
    now = compared.live.review
    assert now is not None
    rows = [detection_row(key) for key in keys(compared)]
    assert sorted(now.source.run_rows[rows].tolist()) == [8, 9]


def test_a_comparison_can_be_cancelled_and_asked_for_again(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boxes = validation_labels(labelled)
    make_run(labelled, boxes[:4])
    make_run(labelled, boxes[:6])
    quick = comparisons.compare_with

    def endless(*args: object) -> None:
        progress: ProgressCallback = args[-1]  # type: ignore[assignment]
        while progress(30, 100):
            QTest.qSleep(5)
        raise Cancelled("comparing runs was cancelled")

    monkeypatch.setattr(comparisons, "compare_with", endless)
    open_compare(window, context, labelled, qtbot)
    panel = window.compare.panel
    qtbot.waitUntil(lambda: panel.status.text() == "Comparing… 30 %")
    QTest.mouseClick(panel.wait, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.status.text() == "Cancelled.")
    assert not links(window)
    monkeypatch.setattr(comparisons, "compare_with", quick)
    QTest.mouseClick(panel.wait, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "gained 2" in link_texts(window))
    assert not panel.wait.isVisible()


def test_with_one_run_the_tab_says_what_would_be_there(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot, tmp_path: Path
) -> None:
    make_run(labelled, validation_labels(labelled))
    open_compare(window, context, labelled, qtbot)
    panel = window.compare.panel
    qtbot.waitUntil(panel.empty.isVisible)
    assert panel.empty.title.text() == "There is no other run to compare with"
    assert not panel.run.isVisible()


def test_a_run_that_has_looked_at_none_of_the_images_is_not_compared(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    boxes = validation_labels(labelled)
    first = make_run(labelled, [])
    save_detections(first, Detections.empty(), image_ids=labelled.image_ids()[:3])
    make_run(labelled, boxes)
    open_compare(window, context, labelled, qtbot)
    panel = window.compare.panel
    qtbot.waitUntil(lambda: panel.status.text() == "This run has looked at none of these images.")
    assert not panel.wait.isVisible()
    assert not panel.table.isVisible()


def test_a_click_on_a_count_leaves_the_keys_to_the_queue(compared: ReviewPage) -> None:
    compared.queue_panel.list.setFocus()
    click_link(compared, "lost")
    assert QApplication.focusWidget() is compared.queue_panel.list
    assert compared.queue.count == 3
    first = compared.queue.current
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert compared.queue.current is not None
    assert compared.queue.current != first
