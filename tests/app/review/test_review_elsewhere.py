"""A run that another process works on: the Review page says so, and opens it when it has ended."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from app.train.runs_elsewhere import RunsElsewhere
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from tests.app.elsewhere import WAIT, working_on
from tests.app.review.review_driving import made_up_detections


def test_the_review_page_opens_what_another_process_has_found(
    window: ReviewPage,
    context: AppContext,
    labelled: Project,
    qtbot: QtBot,
) -> None:
    elsewhere = RunsElsewhere(context, window, look_ms=100)
    run = create_run(labelled, "reticle-s")
    with working_on(run):
        context.document.open(labelled)
        window.entered()
        qtbot.waitUntil(lambda: window.empty.title.text() == "This run is being worked on", timeout=WAIT)
        qtbot.waitUntil(lambda: list(elsewhere.running) == [run.name], timeout=WAIT)
        save_detections(run, made_up_detections(labelled), image_ids=labelled.image_ids())
    qtbot.waitUntil(lambda: window.live.review is not None, timeout=WAIT)
