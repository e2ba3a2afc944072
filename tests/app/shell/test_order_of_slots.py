"""What views show does not depend on the order in which they are told of a change."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.label.models.image_model import COUNT_ROLE, STATUS_ROLE
from app.services.context import AppContext
from app.services.document import Document
from app.shell.main_window import MainWindow
from detcore.assist.proposals import proposed_rows
from detcore.project.edits import (
    add_boxes,
    add_class,
    delete_boxes,
    delete_class,
    remove_images,
    set_status,
    update_boxes,
    update_class,
)
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.project.verdicts import read_verdicts
from detcore.types import Box, Changes, Status
from tests.app.review.review_driving import made_up_detections

Slot = Callable[..., object]
ORDERS = ["as connected", "backwards", *range(4)]


class Slots:
    """Stands for a signal and calls its slots in another order."""

    def __init__(self, order: object) -> None:
        self._order, self._slots = order, list[Slot]()

    def connect(self, slot: Slot) -> None:
        self._slots.append(slot)

    def emit(self, changes: Changes) -> None:
        slots = list(self._slots)
        if self._order == "backwards":
            slots.reverse()
        elif self._order != "as connected":
            random.Random(self._order).shuffle(slots)
        for slot in slots:
            slot(*[changes][: len(inspect.signature(slot).parameters)])


class ShuffledDocument(Document):
    """Tells its views of changes in another order."""

    def __init__(self, order: object) -> None:
        super().__init__()
        self.changed = Slots(order)  # type: ignore[assignment]


@pytest.fixture(params=ORDERS)
def shuffled(
    request: pytest.FixtureRequest, context: AppContext, project: Project, qtbot: QtBot
) -> MainWindow:
    """The window over two boxes on its image, one of them selected."""
    context = replace(context, document=ShuffledDocument(request.param))
    run = create_run(project, "reticle-s")
    save_detections(run, made_up_detections(project), image_ids=project.image_ids())
    window = MainWindow(context)
    qtbot.addWidget(window)
    window.show()
    context.document.open(project)
    page = window.label_page
    qtbot.waitUntil(lambda: page.viewer.is_showing and page.proposals.proposer is not None)
    context.view.select(frozenset({window.label_page.boxes.boxes[0].id}))
    return window


def proposed(window: MainWindow) -> list[int]:
    """What is proposed on the image, from what the project has now."""
    page, image_id, project = window.label_page, window.context.view.image_id, window.context.document.project
    proposer = page.proposals.proposer
    assert proposer is not None
    return proposed_rows(
        proposer.found,
        image_id,
        boxes=project.boxes(image_id),
        verdicts=read_verdicts(project, image_ids=[image_id]),
        thresholds=proposer.thresholds,
        class_ids=[item.id for item in project.classes()],
    ).tolist()


def assert_label_page_shows_the_project(window: MainWindow) -> None:
    page, view, project = window.label_page, window.context.view, window.context.document.project
    images = project.images()
    assert view.image_id in {image.id for image in images}
    boxes = project.boxes(view.image_id)
    on_canvas = page.canvas._stage.boxes
    shown = on_canvas.take(np.flatnonzero(on_canvas.ids > 0))
    assert (-on_canvas.ids[on_canvas.ids < 0] - 1).tolist() == proposed(window)
    names = {item.id: item.name for item in project.classes()}
    assert [tuple(row) for row in shown.boxes.tolist()] == [box.xyxy for box in boxes]
    assert list(shown.names) == [names[box.class_id] for box in boxes]
    table = page.boxes
    assert [table.index(row, 0).data() for row in range(table.rowCount())] == list(shown.names)
    assert view.selection <= {box.id for box in boxes}
    assert page.canvas.selection() == view.selection
    rows = page.box_table.view.selectionModel().selectedRows()
    assert {table.boxes[index.row()].id for index in rows} == view.selection
    if len(view.selection) == 1:
        (chosen,) = (box for box in boxes if box.id in view.selection)
        assert page.details.edges["x1"].value() == pytest.approx(chosen.x1, abs=0.05)
    listed = {
        page.images.image_id(row): (
            page.images.index(row).data(STATUS_ROLE),
            page.images.index(row).data(COUNT_ROLE),
        )
        for row in range(page.images.rowCount())
    }
    assert listed == {image.id: (image.status, project.box_count(image.id)) for image in images}
    classes = [page.class_model.index(row).data() for row in range(page.class_model.rowCount())]
    assert classes == list(names.values())
    assert view.class_id in names
    current = page.class_list.view.currentIndex()
    assert current.data() == names[view.class_id]
    assert page.canvas._stage.draw_name == names[view.class_id]
    is_empty = images and project.image(view.image_id).status is Status.VERIFIED and not boxes
    assert page.viewer.badge.isHidden() != is_empty or not page.viewer.is_showing


def test_the_label_page_shows_what_the_project_has_after_every_edit(
    shuffled: MainWindow, qtbot: QtBot
) -> None:
    document = shuffled.context.document
    project, here = document.project, shuffled.context.view.image_id
    first, second = project.boxes(here)
    cell = project.classes()[0]

    def check() -> None:
        qtbot.waitUntil(lambda: shuffled.label_page.viewer.is_showing)
        assert_label_page_shows_the_project(shuffled)

    check()
    document.edit(add_boxes, [Box(id=0, image_id=here, class_id=cell.id, x1=1, y1=2, x2=30, y2=40)])
    check()
    document.edit(update_boxes, [replace(first, x1=25.0)])
    check()
    assert shuffled.context.view.selection == {first.id}
    document.edit(update_class, replace(cell, name="red cell"))
    check()
    document.edit(delete_boxes, [first.id])
    check()
    document.edit(delete_boxes, [box.id for box in project.boxes(here)])
    document.edit(set_status, [here], Status.VERIFIED)
    check()
    for _ in range(4):
        document.undo()
        check()
    document.edit(add_class, "new")
    document.edit(delete_class, shuffled.context.view.class_id, delete_boxes=True)
    check()
    document.edit(remove_images, [here])
    check()
    document.edit(remove_images, project.image_ids()[:2])
    check()
    document.undo()
    check()


def tiles(window: MainWindow) -> list[str]:
    """The counts that are shown: found, false, missed."""
    shown = window.review_page.header.tiles.tiles
    return [shown[name].accessibleName().split()[-1] for name in ("tp", "fp", "fn")]


def counts(window: MainWindow) -> list[str]:
    """Those of the labels as the project has them."""
    live = window.review_page.live
    assert live.review is not None
    now = live.review.evaluation.counts(live.threshold, None)
    return [str(number) for number in (now.tp, now.fp, now.fn)]


def assert_review_shows_the_project(window: MainWindow) -> None:
    page, project = window.review_page, window.context.document.project
    review = page.live.review
    assert review is not None
    truth = project.ground_truth(sorted(review.evaluation.image_ids.tolist()))
    assert sorted(review.evaluation.gt.ids.tolist()) == sorted(truth.ids.tolist())
    on_canvas = {number for number in page.image.canvas._stage.boxes.ids.tolist() if number > 0}
    assert on_canvas <= {box.id for box in project.boxes(page.image.image_id)}
    listed = {key for key in page.errors.rows.keys.tolist() if key > 0}
    assert listed <= set(truth.ids.tolist())


def test_the_review_page_shows_what_the_project_has_after_every_edit(
    shuffled: MainWindow, qtbot: QtBot
) -> None:
    document = shuffled.context.document
    project = document.project
    shuffled.show_page("review")
    page = shuffled.review_page
    qtbot.waitUntil(lambda: page.live.review is not None and page.image.is_showing)
    here = page.image.image_id
    first = project.boxes(here)[0]

    def check() -> None:
        qtbot.waitUntil(lambda: not page.live.is_loading)
        # counts follow once the next item is shown
        qtbot.waitUntil(lambda: tiles(shuffled) == counts(shuffled))
        assert_review_shows_the_project(shuffled)

    check()
    document.edit(update_boxes, [replace(first, x1=first.x1 + 20, x2=first.x2 + 20)])
    check()
    document.edit(add_boxes, [replace(first, id=0, x1=80.0, x2=95.0)])
    check()
    document.edit(delete_boxes, [first.id])
    check()
    document.undo()
    check()
