"""The Review page over detections that are made up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from app.services.image_loader import ImageLoader
from detcore.project.edits import add_boxes, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.scope import Scope
from detcore.types import Box
from tests.app.review.reloading import show_scope
from tests.app.review.review_driving import drag_slider, made_up_detections


@pytest.fixture
def labelled(project: Project) -> Project:
    """Boxes on all six images; the last three are the validation split."""
    random = np.random.default_rng(7)
    class_ids = [item.id for item in project.classes()]
    images = project.image_ids()
    boxes = [
        Box(
            id=0,
            image_id=image_id,
            class_id=class_ids[number % 3],
            x1=10 + 35 * number,
            y1=20 + float(random.uniform(0, 30)),
            x2=40 + 35 * number,
            y2=80,
        )
        for image_id in images
        for number in range(4)
    ]
    project.edit(add_boxes, boxes)
    project.edit(set_split, {image_id: "train" for image_id in images[:3]})
    project.edit(set_split, {image_id: "val" for image_id in images[3:]})
    return project


@pytest.fixture
def run(labelled: Project) -> RunFolder:
    run = create_run(labelled, "reticle-s")
    save_detections(run, made_up_detections(labelled), image_ids=labelled.image_ids())
    return run


@pytest.fixture
def window(context: AppContext, qtbot: QtBot) -> Iterator[ReviewPage]:
    """The page in a window of its own, with nothing open."""
    page = ReviewPage(context, ImageLoader(context.tasks))
    context.actions.bind("global.undo", context.document.undo)
    frame = QWidget()
    qtbot.addWidget(frame)
    context.actions.install(frame)
    page.setParent(frame)
    page.resize(1390, 840)
    frame.resize(1390, 840)
    page.show()
    frame.show()
    context.actions.show_scope("review")
    frame.activateWindow()
    QTest.qWaitForWindowActive(frame)
    yield page
    page.live.close()


@pytest.fixture
def page(
    window: ReviewPage, context: AppContext, run: RunFolder, labelled: Project, qtbot: QtBot
) -> ReviewPage:
    """The page with the run open over the validation images."""
    context.document.open(labelled)
    window.entered()
    qtbot.waitUntil(lambda: window.live.review is not None and window.image._ready)
    return window


@pytest.fixture
def everything(page: ReviewPage, qtbot: QtBot) -> ReviewPage:
    """All images at a low threshold: every type of error is there."""
    show_scope(page, Scope.ALL, qtbot)
    drag_slider(page, 0.1, qtbot)
    page.queue_panel.list.setFocus()
    return page
