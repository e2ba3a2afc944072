"""Likely label errors first: what a detector knows of labels, and when that is to be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.evaluation.label_answers import AnswerRecorder
from detcore.evaluation.label_errors import LabelError, rank_label_errors
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.project.edits import delete_boxes, set_split, update_boxes
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, load_answers, load_detections, save_detections
from detcore.project.scope import Scope
from detcore.project.snapshot import take_snapshot
from detcore.review.filter import SortOrder
from detcore.review.kinds import ItemType
from detcore.types import Detections, LabelAnswers
from tests.app.review.review_driving import choose_order, press, undo


def sound_detections(project: Project) -> Detections:
    """A detector that finds every object nearly in its place, and sees some faint things that are not there."""
    random = np.random.default_rng(3)
    some_class = project.classes()[0].id
    rows: list[tuple[int, int, tuple[float, ...], float]] = []
    for image_id in project.image_ids():
        for box in project.boxes(image_id):
            xyxy = tuple(
                float(edge + move) for edge, move in zip(box.xyxy, random.normal(0, 0.5, 4), strict=True)
            )
            rows.append((image_id, box.class_id, xyxy, float(random.uniform(0.7, 0.95))))
        for number in range(3):
            x = 10.0 + 45 * number
            rows.append((image_id, some_class, (x, 95.0, x + 30, 115.0), float(random.uniform(0.05, 0.4))))
    return Detections(
        image_ids=np.array([row[0] for row in rows]),
        labels=np.array([row[1] for row in rows]),
        boxes=np.array([row[2] for row in rows]),
        scores=np.array([row[3] for row in rows]),
    )


@pytest.fixture
def run(labelled: Project) -> RunFolder:
    """Validated on sound labels, two of which went wrong since: one is of another class, one is gone."""
    run = create_run(labelled, "reticle-s")
    take_snapshot(labelled).save(run.snapshot)
    found = sound_detections(labelled)
    save_detections(run, found, image_ids=labelled.image_ids(), answers=said_at_labels(labelled, found))
    spoil(labelled)
    return run


def said_at_labels(project: Project, found: Detections) -> LabelAnswers:
    """What a detector says that finds no more than it says."""
    classes = np.array([item.id for item in project.classes()])
    recorder = AnswerRecorder(project.ground_truth(), image_ids=project.image_ids(), class_ids=classes)
    for image_id in project.image_ids():
        here = found.take(found.image_ids == image_id)
        recorder.hear(
            image_id, here.boxes, np.where(here.labels[:, None] == classes, here.scores[:, None], 0.0)
        )
    return recorder.answers()


def spoil(project: Project) -> None:
    swapped, missing = project.boxes(project.image_ids()[3])[:2]
    other = next(item.id for item in project.classes() if item.id != swapped.class_id)
    project.edit(update_boxes, [replace(swapped, class_id=other)])
    project.edit(delete_boxes, [missing.id])


def order_by_label_errors(page: ReviewPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.order.found):
        choose_order(page, SortOrder.LABEL_ERRORS)


def all_scores(page: ReviewPage) -> list[float]:
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    return [entry.suspicion.score if entry.suspicion else 0.0 for entry in entries]


def expected_scores(page: ReviewPage) -> list[float]:
    """Of all suspicions that the command ``audit`` would name, the highest."""
    review = page.live.review
    assert review is not None
    evaluation = review.evaluation
    errors = rank_label_errors(
        evaluation.gt,
        evaluation.dets,
        image_ids=evaluation.image_ids,
        class_ids=evaluation.class_ids,
        answers=load_answers(review.run),
    )
    return sorted(errors.scores.tolist(), reverse=True)


def test_wrong_labels_come_before_mistakes_of_the_model(page: ReviewPage, qtbot: QtBot) -> None:
    page.live.set_threshold(0.0)
    qtbot.waitUntil(lambda: page.queue.count > 2)
    order_by_label_errors(page, qtbot)
    top = [page.errors.entry(row) for row in range(2)]
    assert {entry.type for entry in top} == {ItemType.CLASS, ItemType.BACKGROUND}
    assert {entry.suspicion.kind for entry in top if entry.suspicion} == {
        LabelError.SWAPPED,
        LabelError.MISSING,
    }
    scores = all_scores(page)
    assert scores == sorted(scores, reverse=True)
    assert scores[:2] == expected_scores(page)[:2]
    assert scores[1] > 2 * scores[2]
    assert page.queue.current == top[0]
    qtbot.waitUntil(lambda: "Label error" in page.image.details.text())


def test_what_the_run_said_at_the_labels_counts(page: ReviewPage, qtbot: QtBot) -> None:
    order_by_label_errors(page, qtbot)
    review = page.live.review
    assert review is not None
    assert review.answers is not None
    with_them, expected = set(all_scores(page)), expected_scores(page)
    save_detections(review.run, load_detections(review.run), image_ids=review.evaluation.image_ids.tolist())
    assert with_them - {0.0} <= set(expected)
    assert not with_them - {0.0} <= set(expected_scores(page))


def test_scores_follow_the_labels(page: ReviewPage, qtbot: QtBot) -> None:
    order_by_label_errors(page, qtbot)
    before = all_scores(page)
    first = page.queue.current
    with qtbot.waitSignal(page.order.found):
        press(page, Qt.Key.Key_Y if first and first.type is ItemType.BACKGROUND else Qt.Key.Key_C)
    assert all_scores(page)[0] == pytest.approx(expected_scores(page)[0])
    assert first is not None
    assert page.errors.row_of(first.key) < 0
    with qtbot.waitSignal(page.order.found):
        undo(page)
    assert all_scores(page) == before
    assert page.queue.current == first


def test_scores_are_found_once_for_the_same_labels(page: ReviewPage, qtbot: QtBot) -> None:
    order_by_label_errors(page, qtbot)
    choose_order(page, SortOrder.LARGE)
    with qtbot.assertNotEmitted(page.order.found, wait=100):
        choose_order(page, SortOrder.LABEL_ERRORS)
    scores = all_scores(page)
    assert scores[0] > 0
    assert scores == sorted(scores, reverse=True)
    press(page, Qt.Key.Key_Y)
    choose_order(page, SortOrder.LARGE)
    order_by_label_errors(page, qtbot)


def test_nothing_is_said_of_a_label_that_was_mended_in_another_order(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    page.live.set_threshold(0.0)
    qtbot.waitUntil(lambda: page.queue.count > 2)
    order_by_label_errors(page, qtbot)
    entries = [page.errors.entry(row) for row in range(2)]
    label, detection = next((e.label, e.detection) for e in entries if e.type is ItemType.CLASS)
    assert label is not None
    assert detection is not None
    choose_order(page, SortOrder.WORST)
    page.queue.go_to(detection.key)
    qtbot.waitUntil(lambda: "Label error" in page.image.details.text())
    (box,) = [box for box in labelled.boxes(label.image_id) if box.id == label.key]
    context.document.edit(update_boxes, [replace(box, class_id=detection.class_id)])
    page.queue.go_to(detection.key)
    assert page.queue.current is not None
    assert page.queue.current.suspicion is None
    qtbot.wait(400)
    assert "Label error" not in page.image.details.text()


def test_what_was_being_found_when_a_label_changed_in_another_order_is_not_taken(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    choose_order(page, SortOrder.LABEL_ERRORS)
    choose_order(page, SortOrder.WORST)
    context.document.edit(delete_boxes, [labelled.boxes(labelled.image_ids()[3])[0].id])
    qtbot.wait(400)
    review = page.live.review
    assert review is not None
    assert not review.source.suspicions.is_known
    order_by_label_errors(page, qtbot)
    assert all_scores(page)[0] > 0


@pytest.mark.parametrize("order", [SortOrder.LABEL_ERRORS, SortOrder.COST])
def test_the_order_stays_with_other_images(page: ReviewPage, qtbot: QtBot, order: SortOrder) -> None:
    with qtbot.waitSignal(page.order.found):
        choose_order(page, order)
    box = page.choice.scope
    with qtbot.waitSignal(page.order.found):
        box.setCurrentIndex(box.findData(Scope.ALL))
        box.activated.emit(box.currentIndex())
    review = page.live.review
    assert review is not None
    assert review.scope is Scope.ALL
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    figures = (
        all_scores(page) if order is SortOrder.LABEL_ERRORS else [entry.cost or 0.0 for entry in entries]
    )
    assert figures == sorted(figures, reverse=True)
    assert figures[0] > 0
    assert page.queue.current == entries[0]


def test_a_cross_validation_has_learnt_from_no_image_that_it_shows(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    labelled.edit(set_split, dict.fromkeys(labelled.image_ids(), "train"))
    run = create_cross_validation(labelled, TrainConfig(), folds=2)
    save_detections(run, sound_detections(labelled), image_ids=labelled.image_ids())
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None)
    review = window.live.review
    assert review is not None
    assert (review.scope, review.image_count, review.trained) == (Scope.HELD_OUT, 6, 0)
    order_by_label_errors(window, qtbot)
    assert window.header.note.text() == ""
    assert not window.queue_panel.caution.isVisible()


def test_the_run_that_is_asked_for_takes_the_place_of_the_one_that_was_chosen(
    page: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    run = create_cross_validation(labelled, TrainConfig(), folds=2)
    save_detections(run, sound_detections(labelled), image_ids=labelled.image_ids())
    context.document.runs_changed.emit()
    qtbot.waitUntil(lambda: page.choice.run.count() == 2)
    assert _shown_run(page) == "001-reticle-s"
    context.view.show_run("002-crossval")
    qtbot.waitUntil(lambda: _shown_run(page) == "002-crossval")
    assert page.choice.run.currentText().startswith("002-crossval")
    page.entered()
    qtbot.wait(100)
    assert _shown_run(page) == "002-crossval"


def _shown_run(page: ReviewPage) -> str:
    return "" if page.live.review is None else page.live.review.run.name
