"""Send to training, by its key: what counts, what the user is told, what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.messages import Message
from app.services.tasks import Task
from detcore.jobs.preparing.sent_errors import SentErrors, keep_sent, read_sent
from detcore.project.edits import add_boxes, add_verdicts, delete_boxes, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.types import Box, Detections
from tests.app.review.review_driving import press

EDGES = (10.0, 10.0, 40.0, 40.0)
ELSEWHERE = (80.0, 60.0, 110.0, 90.0)


@pytest.fixture
def told(context: AppContext) -> list[Message]:
    heard: list[Message] = []
    context.messages.posted.connect(heard.append)
    return heard


@pytest.fixture
def project(project: Project) -> Project:
    """One cell on each image and nothing else: 0 to 3 are for training, 4 and 5 for validation."""
    images = project.image_ids()
    with_boxes = [box.id for box in project.all_boxes()]
    assert len(with_boxes) == 4
    project.edit(delete_boxes, with_boxes)
    cell = project.classes()[0].id
    x1, y1, x2, y2 = EDGES
    boxes = [Box(id=0, image_id=i, class_id=cell, x1=x1, y1=y1, x2=x2, y2=y2) for i in images]
    project.edit(add_boxes, boxes)
    project.edit(set_split, {i: "train" for i in images[:4]} | {i: "val" for i in images[4:]})
    return project


def detections(project: Project, *rows: tuple[int, tuple[float, ...], float]) -> Detections:
    """From (place of the image, edges, score), all cells."""
    images, cell = project.image_ids(), project.classes()[0].id
    return Detections(
        image_ids=np.array([images[row[0]] for row in rows]),
        labels=np.full(len(rows), cell),
        boxes=np.array([row[1] for row in rows]),
        scores=np.array([row[2] for row in rows]),
    )


@pytest.fixture
def run(project: Project) -> RunFolder:
    """Finds the cells of images 0 (at 0.9) and 1 (at 0.4); takes background for one on 0, 2 and, in validation, 4."""
    run = create_run(project, "reticle-s")
    found = detections(
        project,
        (0, EDGES, 0.9),
        (0, ELSEWHERE, 0.8),
        (1, EDGES, 0.4),
        (2, ELSEWHERE, 0.7),
        (4, EDGES, 0.9),
        (4, ELSEWHERE, 0.9),
    )
    save_detections(run, found, image_ids=project.image_ids())
    return run


@pytest.fixture
def page(
    window: ReviewPage, context: AppContext, run: RunFolder, project: Project, qtbot: QtBot
) -> ReviewPage:
    context.document.open(project)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None and window.image._ready)
    window.live.set_threshold(0.5)
    return window


def send(page: ReviewPage, told: list[Message], qtbot: QtBot) -> Message:
    before = len(told)
    press(page, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: len(told) > before)
    return told[-1]


def test_t_sends_what_is_wrong_in_training_images_at_the_threshold_that_is_shown(
    page: ReviewPage, told: list[Message], project: Project, qtbot: QtBot
) -> None:
    # missed at 0.5: the cells of 1, 2 and 3; false: on 0 and 2
    message = send(page, told, qtbot)
    assert message.level == "success"
    assert message.text == (
        "4 training images with 2 false alarms and 3 missed objects will count more in the next training."
    )
    assert read_sent(project) == SentErrors(
        run="001-reticle-s", threshold=0.5, iou_threshold=0.5, images=4, false_positives=2, misses=3
    )
    page.live.set_threshold(0.85)
    assert send(page, told, qtbot).text.startswith("3 training images with 3 missed objects will")
    page.live.set_threshold(0.3)
    assert send(page, told, qtbot).text.startswith(
        "3 training images with 2 false alarms and 2 missed objects"
    )


def test_the_message_leads_to_the_train_page(page: ReviewPage, told: list[Message], qtbot: QtBot) -> None:
    action = send(page, told, qtbot).action
    assert action is not None
    assert action[0] == "Go to Train"
    with qtbot.waitSignal(page.request_page) as asked:
        action[1]()
    assert asked.args == ["train"]


def test_what_is_ambiguous_is_not_sent_and_what_the_model_got_wrong_is(
    page: ReviewPage, told: list[Message], project: Project, context: AppContext, qtbot: QtBot
) -> None:
    images, cell = project.image_ids(), project.classes()[0].id

    def verdict(image: int, row: int, kind: VerdictKind) -> Verdict:
        x1, y1, x2, y2 = ELSEWHERE
        return Verdict(
            id=0,
            image_id=images[image],
            run="001-reticle-s",
            kind=kind,
            detection_row=row,
            class_id=cell,
            x1=x1,
            y1=y1,
            x2=x2,
            y2=y2,
        )

    given = [verdict(0, 1, VerdictKind.AMBIGUOUS), verdict(2, 3, VerdictKind.MODEL_WRONG)]
    context.document.edit(add_verdicts, given)
    assert send(page, told, qtbot).text.startswith(
        "3 training images with 1 false alarm and 3 missed objects"
    )


def test_errors_of_another_run_take_the_place_of_those_sent_before(
    page: ReviewPage, told: list[Message], project: Project, qtbot: QtBot
) -> None:
    earlier = SentErrors(
        run="000-old", threshold=0.5, iou_threshold=0.5, images=9, false_positives=9, misses=9
    )
    keep_sent(project, earlier)
    assert send(page, told, qtbot).text.endswith("What was sent of 000-old will not.")
    sent = read_sent(project)
    assert sent is not None
    assert sent.run == "001-reticle-s"


def test_a_run_without_mistakes_sends_nothing(
    page: ReviewPage, told: list[Message], run: RunFolder, project: Project, qtbot: QtBot
) -> None:
    found = detections(project, *((place, EDGES, 0.9) for place in range(4)))
    save_detections(run, found, image_ids=project.image_ids())
    assert "makes no mistake" in send(page, told, qtbot).text
    assert read_sent(project) is None


def test_a_run_that_has_not_looked_at_training_images_is_offered_to_predict(
    page: ReviewPage,
    told: list[Message],
    run: RunFolder,
    project: Project,
    context: AppContext,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_detections(run, detections(project, (4, EDGES, 0.9)), image_ids=project.image_ids()[4:])
    message = send(page, told, qtbot)
    assert message.level == "warning"
    assert "has looked at no labelled training image" in message.text
    assert read_sent(project) is None
    asked: list[object] = []
    monkeypatch.setattr(context.jobs, "predict", lambda path, _snapshot: asked.append(path))
    assert message.action is not None
    assert message.action[0] == "Predict with this run"
    message.action[1]()
    qtbot.waitUntil(lambda: asked == [run.path])


def choose(box: QComboBox, row: int) -> None:
    box.setCurrentIndex(row)
    box.activated.emit(row)


def test_the_offer_to_predict_is_for_the_run_it_names_alone(
    page: ReviewPage, told: list[Message], run: RunFolder, project: Project, context: AppContext, qtbot: QtBot
) -> None:
    save_detections(run, detections(project, (4, EDGES, 0.9)), image_ids=project.image_ids()[4:])
    other = create_run(project, "reticle-s")
    save_detections(other, detections(project, (4, EDGES, 0.9)), image_ids=project.image_ids())
    context.document.runs_changed.emit()
    qtbot.waitUntil(lambda: page.choice.run.count() == 2)
    message = send(page, told, qtbot)
    choose(page.choice.iou, 9)
    assert page.live.is_loading
    assert message.offers
    here = page.choice.run.currentIndex()
    choose(page.choice.run, 1 - here)
    assert not message.offers
    choose(page.choice.run, here)
    assert message.offers


def test_without_training_images_the_message_says_where_they_come_from(
    page: ReviewPage, told: list[Message], project: Project, context: AppContext, qtbot: QtBot
) -> None:
    context.document.edit(set_split, dict.fromkeys(project.image_ids(), "val"))
    message = send(page, told, qtbot)
    assert message.level == "error"
    assert "there is no labelled image to train on" in message.text
    assert "move some from the validation and test splits" in message.text


def test_cancel_sends_nothing_and_it_can_be_sent_again(
    page: ReviewPage, told: list[Message], project: Project, context: AppContext, qtbot: QtBot
) -> None:
    context.tasks.started.connect(Task.cancel)
    assert send(page, told, qtbot).text == "Cancelled. Nothing was sent to training."
    assert read_sent(project) is None
    context.tasks.started.disconnect(Task.cancel)
    assert send(page, told, qtbot).level == "success"


def test_there_is_nothing_to_send_without_a_review(window: ReviewPage, context: AppContext) -> None:
    assert not context.actions["review.send"].isEnabled()
