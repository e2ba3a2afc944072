"""What others have found or labelled on the Review page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.imported_run import ImportedFrom
from detcore.project.project import Project
from detcore.project.runs import RunFolder, make_imported_run, save_detections
from detcore.review.kinds import ErrorKind
from detcore.types import Detections
from tests.app.review.review_driving import keys

ANNA = ImportedFrom(source="anna", format="Pascal VOC (XML)", by_person=True)
MODEL = ImportedFrom(source="dt.json", format="COCO results (JSON)", by_person=False)
LEFT = Qt.MouseButton.LeftButton


def labels_of(project: Project) -> Detections:
    """The labels of the last four images, four on each, sure."""
    truth = project.ground_truth(project.image_ids()[2:])
    return Detections(
        image_ids=truth.image_ids, labels=truth.labels, boxes=truth.boxes, scores=np.ones(len(truth))
    )


def take_in(project: Project, origin: ImportedFrom, found: Detections) -> RunFolder:
    def fill(run: RunFolder) -> None:
        save_detections(run, found, image_ids={*project.image_ids()[2:], *found.image_ids.tolist()})

    return make_imported_run(project, "other", origin, fill)


@pytest.fixture
def show(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> Callable[[RunFolder], ReviewPage]:
    """Opens the page on a run."""

    def shown(run: RunFolder) -> ReviewPage:
        context.document.open(labelled)
        context.view.show_run(run.name)
        window.entered()
        qtbot.waitUntil(lambda: window.live.review is not None and window.live.review.run == run)
        return window

    return shown


def test_labels_of_a_person_show_how_far_the_two_agree(
    show: Callable[[RunFolder], ReviewPage], labelled: Project, qtbot: QtBot
) -> None:
    theirs = labels_of(labelled)
    # of 16 boxes two are called otherwise, one is missing, and one is elsewhere
    first, second, _ = (item.id for item in labelled.classes())
    others = theirs.labels.copy()
    others[np.flatnonzero(others == first)[:2]] = second
    boxes = theirs.boxes.copy()
    boxes[-1] = (0, 100, 20, 119)
    theirs = replace(theirs, labels=others, boxes=boxes)
    page = show(take_in(labelled, ANNA, theirs.take(np.arange(15) + 1)))
    panel, tabs = page.agreement.panel, page.figures.tabs
    assert tabs.currentWidget() is panel
    qtbot.waitUntil(lambda: panel.matched.value.text() == "14")
    assert panel.agreed.value.text() == "13"
    assert panel.f1.value.text() == f"{2 * 13 / (16 + 15):.3f}"
    rows = panel.table.classes.rows
    assert (rows[0].yours, rows[0].theirs, rows[0].agreed) == (16, 15, 13)


def test_a_count_of_agreement_opens_its_boxes(
    show: Callable[[RunFolder], ReviewPage], labelled: Project, qtbot: QtBot
) -> None:
    theirs = labels_of(labelled)
    page = show(take_in(labelled, ANNA, theirs.take(np.arange(12))))
    table = page.agreement.panel.table
    qtbot.waitUntil(lambda: table.classes.rowCount() == 4)
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualRect(table.classes.index(0, 4)).center())
    assert page.queue.filter.kinds == frozenset({ErrorKind.FN})
    assert len(keys(page)) == 4
    class_id = table.classes.rows[1].class_id
    table.setCurrentIndex(table.classes.index(1, 3))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert (page.queue.filter.kinds, page.queue.filter.class_id) == (frozenset({ErrorKind.TP}), class_id)
    assert len(keys(page)) == table.classes.rows[1].agreed


def test_agreement_follows_edits_and_the_iou(
    show: Callable[[RunFolder], ReviewPage], labelled: Project, context: AppContext, qtbot: QtBot
) -> None:
    theirs = labels_of(labelled)
    shifted = theirs.boxes + np.array([6.0, 0.0, 6.0, 0.0])  # 30 wide: IoU is 24 / 36
    page = show(take_in(labelled, ANNA, replace(theirs, boxes=shifted)))
    panel = page.agreement.panel
    qtbot.waitUntil(lambda: panel.f1.value.text() == "1.000")
    box = page.choice.iou
    box.setFocus()
    for _ in range(4):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: panel.f1.value.text() == "0.000")
    assert panel.kappa.value.text() == "–"
    assert "IoU of 0.70" in panel.note.text()


def test_detections_of_a_model_have_no_agreement_and_say_what_is_not_known(
    show: Callable[[RunFolder], ReviewPage], labelled: Project
) -> None:
    page = show(take_in(labelled, MODEL, labels_of(labelled)))
    tabs = page.figures.tabs
    assert not tabs.isTabVisible(tabs.indexOf(page.agreement.panel))
    assert "Which images this detector was trained on is not known here." in page.choice.note()


def test_what_reaches_out_of_its_image_is_accepted_as_far_as_that_reaches(
    show: Callable[[RunFolder], ReviewPage], labelled: Project, qtbot: QtBot
) -> None:
    image = labelled.images()[0]
    kind = labelled.classes()[0].id
    found = Detections(
        image_ids=np.array([image.id]),
        labels=np.array([kind]),
        boxes=np.array([[140.0, 100, 170, 130]]),
        scores=np.array([0.9]),
    )
    if image.size is None:
        labelled.record_image_sizes({image.id: (160, 120)})
    page = show(take_in(labelled, MODEL, found))
    page.queue.set_filter(page.queue.filter.counted(frozenset({ErrorKind.FP})))
    assert len(keys(page)) == 1
    before = {box.id for box in labelled.boxes(image.id)}
    page.queue_panel.list.setFocus()
    qtbot.keyClick(page.queue_panel.list, Qt.Key.Key_Y)
    (box,) = [box for box in labelled.boxes(image.id) if box.id not in before]
    assert box.xyxy == (140, 100, 160, 120)
    assert (box.run, box.score) == ("001-other", 0.9)
