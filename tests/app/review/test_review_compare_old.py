"""Figures of the Compare tab that do not hold any more: they say so until others are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.live import comparisons
from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.tasks import ProgressCallback
from detcore.errors import Cancelled
from detcore.jobs.owner import Outcome, OutcomeState
from detcore.project.edits import delete_boxes
from detcore.project.project import Project
from tests.app.review.comparing import link_texts, links, make_run, open_compare, validation_labels
from tests.app.review.review_driving import drag_slider

COMPLETED = Outcome(state=OutcomeState.COMPLETED, text="")


@pytest.fixture
def compared(window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot) -> ReviewPage:
    boxes = validation_labels(labelled)
    make_run(labelled, boxes[:8])
    make_run(labelled, boxes[3:11])
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    return window


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons end only when they are cancelled."""

    def compare(*args: object) -> None:
        progress: ProgressCallback = args[-1]  # type: ignore[assignment]
        while progress(30, 100):
            QTest.qSleep(5)
        raise Cancelled("comparing runs was cancelled")

    monkeypatch.setattr(comparisons, "compare_with", compare)


def test_after_cancel_the_figures_of_before_never_pass_for_current(
    compared: ReviewPage,
    labelled: Project,
    context: AppContext,
    qtbot: QtBot,
    endless: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = compared.compare.panel
    context.document.edit(delete_boxes, [validation_labels(labelled)[0].id])
    qtbot.waitUntil(lambda: panel.status.text() == "Comparing… 30 %", timeout=8000)
    QTest.mouseClick(panel.wait, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.status.text() == "Cancelled. These figures are of before.")
    drag_slider(compared, 0.3, qtbot)
    qtbot.wait(100)
    assert panel.status.isVisible()
    assert panel.wait.isVisible()
    assert not any(link.isEnabled() for link in links(compared).values())
    monkeypatch.undo()
    QTest.mouseClick(panel.wait, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "lost 2" in link_texts(compared))
    assert not panel.status.isVisible()
    assert not panel.wait.isVisible()
    assert links(compared)["lost"].isEnabled()


def test_a_job_of_another_project_stops_no_comparison(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
    endless: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boxes = validation_labels(labelled)
    make_run(labelled, boxes[:4])
    second = make_run(labelled, boxes[:6])
    open_compare(window, context, labelled, qtbot)
    panel = window.compare.panel
    qtbot.waitUntil(lambda: panel.status.text() == "Comparing… 30 %")
    context.jobs.ended.emit(Path("/elsewhere/other.reticle/runs/001-reticle-s"), COMPLETED)
    QTest.mouseClick(panel.wait, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.status.text() == "Cancelled.")
    monkeypatch.undo()
    # one of this project may have left other detections: compared again
    context.jobs.ended.emit(second.path, COMPLETED)
    qtbot.waitUntil(lambda: "gained 2" in link_texts(window))
    assert not panel.status.isVisible()
