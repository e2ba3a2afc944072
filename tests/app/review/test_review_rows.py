"""What the rows of the queue show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget
from pytestqt.qtbot import QtBot

from app.review.models.error_model import ErrorModel
from app.review.page import ReviewPage
from app.review.place import REVIEW_PLACE
from app.review.widgets.error_list import ErrorDelegate, row_texts
from app.services.context import AppContext
from app.widgets.crops import Crop, crops
from detcore.project.edits import add_boxes, add_class, set_split
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind, ItemType
from detcore.types import Box
from tests.app.review.review_driving import choose_order, made_up_detections


def painted(delegate: ErrorDelegate, widget: QWidget, index: QModelIndex | None = None) -> QImage:
    picture = QImage(284, 56, QImage.Format.Format_RGB32)
    picture.fill(0)
    option = QStyleOptionViewItem()
    option.rect = QRect(0, 0, 284, 56)  # type: ignore[attr-defined]
    option.widget = widget  # type: ignore[attr-defined]
    painter = QPainter(picture)
    delegate.paint(painter, option, index or QModelIndex())
    painter.end()
    return picture


def test_a_thumbnail_follows_a_label_that_moves_within_its_crop(
    context: AppContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = ErrorEntry(
        key=4,
        kind=ErrorKind.FN,
        type=ItemType.LOCATION,
        image_id=1,
        class_id=1,
        class_name="cell",
        class_color="#aa3377",
        xyxy=(20.0, 20.0, 50.0, 50.0),
        score=None,
        path=Path("a.jpg"),
    )
    around = replace(label, key=-1, kind=ErrorKind.FP, xyxy=(0.0, 0.0, 100.0, 100.0), partner=label)
    moved = replace(around, partner=replace(label, xyxy=(50.0, 50.0, 80.0, 80.0)))
    assert moved.extent == around.extent
    widget = QWidget()
    qtbot.addWidget(widget)
    image = QImage(88, 88, QImage.Format.Format_RGB32)
    image.fill(0x808080)
    crop = Crop(image=image, box=QRectF(0.1, 0.1, 0.8, 0.8))
    model, pictures = ErrorModel(widget), crops(context.tasks, widget)
    monkeypatch.setattr(pictures, "request", lambda _path, _extent: crop)
    shown = [around]
    monkeypatch.setattr(model, "entry", lambda _row: shown[-1])
    delegate = ErrorDelegate(model, context.theme, pictures, widget)
    before = painted(delegate, widget)
    assert painted(delegate, widget) == before
    shown.append(moved)
    thumb = QRect(10, 6, 44, 44)
    assert painted(delegate, widget).copy(thumb) != before.copy(thumb)


def test_another_project_is_listed_in_the_order_that_stands_above_the_list(
    page: ReviewPage, context: AppContext, image_folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(page.order.found):
        choose_order(page, SortOrder.COST)
    paths = sorted(path.name for path in image_folder.iterdir())
    other = Project.create(tmp_path / "other.reticle", image_root=image_folder, image_paths=paths)
    other.edit(add_class, "cell")
    images, (cell,) = other.image_ids(), other.classes()
    boxes = [
        Box(id=0, image_id=image_id, class_id=cell.id, x1=10 + 40 * n, y1=20, x2=40 + 40 * n, y2=70)
        for image_id in images
        for n in range(3)
    ]
    other.edit(add_boxes, boxes)
    other.edit(set_split, dict.fromkeys(images, "val"))
    save_detections(create_run(other, "reticle-s"), made_up_detections(other), image_ids=images)
    other.set_setting(REVIEW_PLACE, {"order": SortOrder.LABEL_ERRORS.value})
    with qtbot.waitSignal(page.live.loaded):
        context.document.open(other)
    qtbot.waitUntil(lambda: page.queue.count > 0 and page.errors.entry(0).suspicion is not None, timeout=5000)
    assert page.queue_panel.order.currentData() == SortOrder.LABEL_ERRORS
    entries = [page.errors.entry(row) for row in range(page.queue.count)]
    scores = [entry.suspicion.score if entry.suspicion else 0.0 for entry in entries]
    assert scores[0] > 0
    assert scores == sorted(scores, reverse=True)
    assert page.queue.current == entries[0]
    # and the rows say what may be wrong with the labels
    assert entries[0].suspicion is not None
    assert row_texts(entries[0], page.errors.rows.order)[1] == f"{entries[0].suspicion.score:.2f}"


def test_the_costliest_rows_show_what_they_cost(page: ReviewPage, qtbot: QtBot) -> None:
    view, first = page.queue_panel.list, page.errors.index(0)
    delegate = view.itemDelegate()
    assert isinstance(delegate, ErrorDelegate)
    figure = QRect(200, 0, 84, 28)
    with qtbot.waitSignal(page.order.found):
        choose_order(page, SortOrder.COST)
    by_cost = painted(delegate, view, first).copy(figure)
    entry = page.errors.entry(0)
    assert entry.cost is not None
    assert row_texts(entry, SortOrder.COST)[1:] == (f"{entry.cost:.4f}", "AP50")
    assert f"Costs {entry.cost:.4f} AP50" in first.data(Qt.ItemDataRole.ToolTipRole)
    # the same row in another order shows how sure the model was
    confidence = "" if entry.score is None else f"{entry.score:.2f}"
    rows = page.errors.rows
    page.errors.set_rows(replace(rows, items=replace(rows.items, order=SortOrder.WORST)))
    assert painted(delegate, view, page.errors.index(0)).copy(figure) != by_cost
    assert row_texts(entry, SortOrder.WORST)[1:] == (confidence, "")
