"""Images that a run could not read are in no figure, and the page says which they are."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.project import Project
from detcore.project.runs import RunFolder, load_detections, save_detections
from detcore.project.scope import Scope
from tests.app.review.reloading import show_scope


def test_a_labelled_image_that_the_run_could_not_read_is_named_and_not_judged(
    window: ReviewPage, context: AppContext, labelled: Project, run: RunFolder, qtbot: QtBot
) -> None:
    torn = labelled.image_ids()[4]
    found = load_detections(run)
    others = [image_id for image_id in labelled.image_ids() if image_id != torn]
    save_detections(run, found.take(found.image_ids != torn), image_ids=others, left_out=[torn])
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None and window.image._ready)
    show_scope(window, Scope.VAL, qtbot)
    assert window.live.review is not None
    assert torn not in window.live.review.evaluation.image_ids
    assert not np.isin(torn, window.live.review.evaluation.gt.image_ids)
    assert window.header.note.isVisible()
    assert "1 labelled image could not be read and is in no figure: img_4.jpg." in window.header.note.text()
    show_scope(window, Scope.TRAIN, qtbot)
    assert "img_4.jpg" not in window.header.note.text()
