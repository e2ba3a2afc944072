"""How well anchors fit the boxes, drawn below the options of a detector."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.plots.count_plot import CountPlot
from app.services.context import AppContext
from app.train.page import TrainPage
from detcore.project.edits import delete_boxes
from detcore.project.project import Project
from tests.app.train.train_driving import LEFT, WAIT
from tests.detcore.jobs.preparing.test_box_options import project_of

ANCHORED = {"head": "grid", "assigner": "neighbours"}


@pytest.fixture
def boxes_page(page: TrainPage, context: AppContext, tmp_path: Path) -> TrainPage:
    """A project of boxes of 80×80 and 60×40 in images whose longer side is 320, as the detector sees them, and one held out."""
    context.document.open(Project.open(project_of(tmp_path, [(80, 80), (60, 40), (300, 9)])))
    return page


def plot_of(qtbot: QtBot, page: TrainPage, options: dict[str, str]) -> CountPlot:
    """The plot for these options, as soon as it is drawn."""
    page.setup.detector.choose("compose")
    page.setup.settings.choose_options(options)
    qtbot.waitUntil(lambda: page.anchors.plot is not None, timeout=WAIT)
    plot = page.anchors.plot
    assert plot is not None
    qtbot.waitUntil(lambda: len(plot.curve) > 0 and not plot.text.text().startswith("Looking"), timeout=WAIT)
    return plot


def test_the_mean_iou_of_anchors_by_kmeans_is_drawn_with_that_of_the_chosen_ones(
    qtbot: QtBot, boxes_page: TrainPage
) -> None:
    qtbot.mouseClick(boxes_page.setup.settings.more_button, LEFT)
    plot = plot_of(qtbot, boxes_page, ANCHORED)
    # one anchor is their median, 70×60; two are themselves, and there are no more
    assert plot.curve == pytest.approx([(4200 / 6400 + 2400 / 4200) / 2, 1.0])
    # of the nine by formula both fit the square of 64 pixels best
    assert plot.mark == pytest.approx((9.0, (4096 / 6400 + 2400 / 4096) / 2))
    assert plot.text.text() == "★ 9 anchors: mean IoU 0.61."
    boxes_page.setup.settings.choose_options({**ANCHORED, "anchors": "40,40, 60,40, 80,80"})
    qtbot.waitUntil(lambda: plot.mark == pytest.approx((3.0, 1.0)), timeout=WAIT)
    boxes_page.setup.settings.choose_options({**ANCHORED, "anchors": "kmeans"})
    qtbot.waitUntil(lambda: plot.mark is None, timeout=WAIT)
    assert "Too few boxes" in plot.text.text()
    # a head without anchors has nothing to show
    boxes_page.setup.settings.choose_options({})
    assert plot.isHidden()


def test_nothing_is_drawn_while_the_options_are_folded_away_nor_without_boxes(
    qtbot: QtBot, boxes_page: TrainPage, context: AppContext
) -> None:
    boxes_page.setup.detector.choose("yolo-anchors")
    qtbot.waitUntil(lambda: boxes_page.anchors.plot is not None, timeout=WAIT)
    plot = boxes_page.anchors.plot
    assert plot is not None
    qtbot.wait(400)
    assert len(plot.curve) == 0
    project = context.document.project
    project.edit(delete_boxes, [box.id for image in project.image_ids() for box in project.boxes(image)])
    boxes_page.tiling.look()
    qtbot.waitUntil(plot.isHidden, timeout=WAIT)
