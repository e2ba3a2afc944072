"""A project that is opened again shows the order and the box that were left."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.review.place import REVIEW_PLACE
from detcore.project.project import Project
from detcore.project.runs import RunFolder, save_detections
from detcore.review.filter import SortOrder
from tests.app.review.reloading import current
from tests.app.review.review_driving import choose_order, made_up_detections, press


def reopen(page: ReviewPage, qtbot: QtBot) -> None:
    """Close the project and open it again, as after a restart."""
    document = page.context.document
    folder = document.project.folder
    document.close()
    document.open(Project.open(folder))
    page.entered()
    qtbot.waitUntil(lambda: page.live.review is not None and page.image._ready, timeout=5000)


def test_order_and_box_are_those_that_were_left(page: ReviewPage, qtbot: QtBot) -> None:
    choose_order(page, SortOrder.IMAGE)
    for _ in range(4):
        press(page, Qt.Key.Key_Space)
    left = current(page)
    assert page.queue.count > 4
    reopen(page, qtbot)
    assert page.order.order is SortOrder.IMAGE
    assert page.queue_panel.order.currentText() == SortOrder.IMAGE.value
    here = current(page)
    assert (here.key, here.image_id, here.xyxy) == (left.key, left.image_id, left.xyxy)


def test_a_place_in_detections_that_are_gone_is_the_beginning(
    page: ReviewPage, run: RunFolder, qtbot: QtBot
) -> None:
    for _ in range(3):
        press(page, Qt.Key.Key_Space)
    project = page.context.document.project
    found = made_up_detections(project)
    save_detections(run, found.take(np.arange(1, len(found))), image_ids=project.image_ids())
    reopen(page, qtbot)
    assert page.errors.row_of(current(page).key) == 0


@pytest.mark.parametrize("stored", ["x", {"order": 3, "key": "a", "detections": None}, {"order": "none"}])
def test_a_place_that_makes_no_sense_is_passed_over(
    window: ReviewPage, run: RunFolder, labelled: Project, qtbot: QtBot, stored: object
) -> None:
    labelled.set_setting(REVIEW_PLACE, stored)
    window.context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None, timeout=5000)
    assert window.order.order is SortOrder.WORST
