"""AP over all IoUs and AP at one IoU have names of their own: no name stands for two numbers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.models.class_metrics_model import Column
from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.jobs.events import Validation, encode
from detcore.project.project import Project
from tests.app.review.comparing import figures, links, make_run, open_compare, validation_labels


@pytest.fixture
def compared(window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot) -> ReviewPage:
    boxes = validation_labels(labelled)
    make_run(labelled, boxes[:4])
    second = make_run(labelled, boxes[:8])
    judged = Validation(step=5, epoch=1.0, time=1.0, per_class={}, metrics={"AP": 0.25}, best=True)
    second.events.write_text(encode(judged) + "\n")
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    return window


def by_hand(project: Project) -> float:
    """Each class with n labels of which k are found, all exactly: precision 1 at the recalls 0, 0.01 … k/n."""
    boxes, found = validation_labels(project), validation_labels(project)[:8]
    values: list[float] = []
    for class_id in {box.class_id for box in boxes}:
        labels = sum(box.class_id == class_id for box in boxes)
        hits = sum(box.class_id == class_id for box in found)
        values.append((100 * hits // labels + 1) / 101 if hits else 0.0)
    return sum(values) / len(values)


def show_tab(page: ReviewPage, name: str) -> None:
    tabs = page.figures.tabs
    place = [tabs.tabText(number) for number in range(tabs.count())].index(name)
    QTest.mouseClick(tabs.tabBar(), Qt.MouseButton.LeftButton, pos=tabs.tabBar().tabRect(place).center())


def test_the_same_name_is_the_same_number_everywhere(
    compared: ReviewPage, labelled: Project, qtbot: QtBot
) -> None:
    expected = f"{by_hand(labelled):.3f}"
    everything = compared.figures.classes.rows[0]
    assert everything.ap_text == f"AP50 {expected}"
    assert figures(compared)["AP50"][2] == expected
    # boxes are exact, so AP over all IoUs is the same here, under its own name
    assert figures(compared)["AP"][2] == expected
    assert "best AP 0.250" in compared.choice.run.currentText()
    show_tab(compared, "Sizes")
    qtbot.waitUntil(lambda: all(row.ap is not None for row in compared.sizes.table.rows.rows))
    sizes = compared.sizes.table.rows
    assert [sizes.index(0, place).data() for place in (0, 2, 3)] == ["All sizes", expected, expected]


def test_names_follow_the_iou_that_is_chosen(compared: ReviewPage, qtbot: QtBot) -> None:
    iou = compared.choice.iou
    iou.setFocus()
    QTest.keyClicks(iou, "0.75")
    iou.activated.emit(iou.currentIndex())
    qtbot.waitUntil(lambda: "AP75" in figures(compared))
    assert {row.ap_text[:4] for row in compared.figures.classes.rows} == {"AP75"}
    model = compared.figures.classes
    tip = model.index(0, Column.CLASS).data(Qt.ItemDataRole.ToolTipRole)
    assert "Average precision at IoU 0.75" in tip
    assert "the mean over the classes" in tip
    assert "all detections" in tip
    show_tab(compared, "Sizes")
    qtbot.waitUntil(compared.sizes.table.isVisible)
    heads = compared.sizes.table.rows
    assert [heads.headerData(place, Qt.Orientation.Horizontal) for place in (2, 3)] == ["AP", "AP75"]
    tips = [
        heads.headerData(place, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) for place in (2, 3)
    ]
    assert "0.50 to 0.95" in tips[0]
    assert "IoU 0.75" in tips[1]
    table = compared.compare.panel.table.rows
    tips = [table.data(table.index(row, 0), Qt.ItemDataRole.ToolTipRole) for row in (0, 1)]
    assert "0.50 to 0.95" in tips[0]
    assert "IoU 0.75" in tips[1]
    assert "100 best detections" in tips[1]
