"""Two made-up runs whose differences are known, and hands on the Compare tab."""

from __future__ import annotations

import json

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.cross_validation import MODEL_NAME
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.types import Box, Detections

SCORE = 0.9


def validation_labels(project: Project) -> list[Box]:
    """The twelve labels of the three validation images."""
    return [box for image_id in project.image_ids()[3:] for box in project.boxes(image_id)]


def make_run(
    project: Project,
    found: list[Box],
    *,
    strays: int = 0,
    mistaken: tuple[Box, ...] = (),
    crossval: bool = False,
) -> RunFolder:
    """A run, or a cross-validation, that finds these labels exactly, has false boxes in a corner of the last image,
    and takes some labels for another class; all with the same score."""
    classes = [item.id for item in project.classes()]
    rows = [(box.image_id, box.class_id, box.xyxy) for box in found]
    last = project.image_ids()[-1]
    rows += [(last, classes[0], (5.0 + 30 * n, 100.0, 25.0 + 30 * n, 115.0)) for n in range(strays)]
    for box in mistaken:
        other = next(class_id for class_id in classes if class_id != box.class_id)
        rows.append((box.image_id, other, box.xyxy))
    run = create_run(project, MODEL_NAME if crossval else "reticle-s")
    if crossval:
        (run.path / "folds.json").write_text(json.dumps({"held_out": [project.image_ids()]}))
    dets = Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
        scores=np.full(len(rows), SCORE),
    )
    save_detections(run, dets, image_ids=project.image_ids())
    return run


def open_compare(page: ReviewPage, context: AppContext, project: Project, qtbot: QtBot) -> None:
    """Open the newest run and turn to the tab."""
    context.document.open(project)
    page.entered()
    qtbot.waitUntil(lambda: page.live.review is not None)
    tabs = page.figures.tabs
    place = [tabs.tabText(number) for number in range(tabs.count())].index("Compare")
    QTest.mouseClick(tabs.tabBar(), Qt.MouseButton.LeftButton, pos=tabs.tabBar().tabRect(place).center())


def links(page: ReviewPage) -> dict[str, QPushButton]:
    """The counts that can be clicked, by name."""
    return {link.objectName(): link for link in page.compare.panel.links.findChildren(QPushButton)}


def link_texts(page: ReviewPage) -> list[str]:
    return [link.text() for link in page.compare.panel.links.findChildren(QPushButton)]


def click_link(page: ReviewPage, name: str) -> None:
    QTest.mouseClick(links(page)[name], Qt.MouseButton.LeftButton)


def figures(page: ReviewPage) -> dict[str, tuple[str, ...]]:
    """The rows of the table by name: three cells and the two differences."""
    return {row.name: (*row.cells, row.by_labels, row.by_model) for row in page.compare.panel.table.rows.rows}
