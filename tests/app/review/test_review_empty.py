"""What the Review page says while there is nothing to review."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.jobs.config import TrainConfig
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.settings.learning import Learning
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.types import Detections
from tests.app.review.review_driving import made_up_detections


def test_without_runs_the_page_sends_to_train(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "Train a detector first")
    with qtbot.waitSignal(window.request_page) as asked:
        QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["train"]
    assert all(panel.isHidden() for panel in window.panels())


def test_without_detections_the_page_offers_to_predict(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = create_run(labelled, "reticle-s")
    run.last.write_bytes(b"weights")
    run.events.write_text('{"event": "started"}\n')
    run.pid.write_text("{}")
    asked: list[object] = []
    monkeypatch.setattr(context.jobs, "predict", lambda path, _snapshot: asked.append(path))
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.button.text() == "Predict with this run")
    QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: asked == [run.path])


def test_damaged_detections_are_told_where_they_would_be_with_a_button_that_makes_them_anew(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = create_run(labelled, "reticle-s")
    save_detections(run, made_up_detections(labelled), image_ids=labelled.image_ids())
    run.detections.write_bytes(run.detections.read_bytes()[:300])
    run.last.write_bytes(b"weights")
    asked: list[object] = []
    monkeypatch.setattr(context.jobs, "predict", lambda path, _snapshot: asked.append(path))
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "This run cannot be shown")
    assert window.empty.button.text() == "Predict again"
    QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: asked == [run.path])


def test_without_any_labels_what_the_run_sees_is_there_unjudged(
    window: ReviewPage, context: AppContext, project: Project, qtbot: QtBot
) -> None:
    run = create_run(project, "reticle-s")
    unlabelled = project.image_ids()[4:]
    dets = made_up_detections(project)
    save_detections(run, dets.take(np.isin(dets.image_ids, unlabelled)), image_ids=unlabelled)
    context.document.open(project)
    window.entered()
    qtbot.waitUntil(lambda: window.choice.scope.currentText() == "Without labels (2)")
    assert not window.empty.isVisible()
    assert window.queue.count


def test_a_run_that_has_looked_at_none_of_the_images_can_do_so(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    run = create_run(labelled, "reticle-s")
    run.last.write_bytes(b"weights")
    save_detections(run, Detections.empty(), image_ids=[])
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "No detections on these images")
    assert window.empty.button.text() == "Predict with this run"


def test_a_cross_validation_that_has_looked_at_none_of_the_images_sends_to_train_for_another(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    run = create_cross_validation(labelled, TrainConfig(learning=Learning(minutes=1)), folds=2)
    save_detections(run, Detections.empty(), image_ids=[])
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.empty.title.text() == "No detections on these images")
    assert "Cross-validate again" in window.empty.text.text()
    with qtbot.waitSignal(window.request_page) as asked:
        QTest.mouseClick(window.empty.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["train"]
