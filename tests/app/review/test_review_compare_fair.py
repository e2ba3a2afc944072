"""Like is compared with like; where that is not so, it stands before all figures, and nothing is called better."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.services.context import AppContext
from detcore.project.edits import set_split
from detcore.project.project import Project
from detcore.project.snapshot import take_snapshot
from tests.app.review.comparing import figures, link_texts, links, make_run, open_compare, validation_labels


def choose_other(page: ReviewPage, name: str, qtbot: QtBot) -> None:
    """With the keyboard, as the list is long or not."""
    box = page.compare.panel.run
    box.setFocus()
    QTest.keyClicks(box, name)
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: page.compare.panel.table.isVisible() and page.compare.panel.wait.isHidden())


def look_at(page: ReviewPage, name: str, qtbot: QtBot) -> None:
    names = [run.name for run in page.choice.runs]
    page.choice.run.setCurrentIndex(names.index(name))
    page.choice.run.activated.emit(names.index(name))
    qtbot.waitUntil(lambda: page.live.review is not None and page.live.review.run.name == name)


@pytest.fixture
def both_sorts(window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot) -> ReviewPage:
    """Trainings 001 and 004, cross-validations 002 and 003; each finds one label more than the one before."""
    boxes = validation_labels(labelled)
    for found, crossval in ((4, False), (5, True), (6, True), (12, False)):
        make_run(labelled, boxes[:found], crossval=crossval)
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    return window


def test_the_run_before_of_the_same_sort_is_proposed(both_sorts: ReviewPage, qtbot: QtBot) -> None:
    box = both_sorts.compare.panel.run
    assert box.currentText() == "001-reticle-s"
    for looked_at, proposed in (
        ("003-crossval", "002-crossval"),
        ("002-crossval", "003-crossval"),
        ("001-reticle-s", "004-reticle-s"),
    ):
        look_at(both_sorts, looked_at, qtbot)
        qtbot.waitUntil(lambda name=proposed: box.currentText() == name)
    # every run can be chosen all the same
    assert box.count() == 3


def test_unlike_runs_are_called_so_above_all_figures_and_nothing_is_better(
    both_sorts: ReviewPage, context: AppContext, qtbot: QtBot
) -> None:
    panel = both_sorts.compare.panel
    assert not panel.caution.isVisible()
    assert [row.verdict for row in panel.plot.rows] == ["better", "better"]
    choose_other(both_sorts, "003-crossval", qtbot)
    qtbot.waitUntil(panel.caution.isVisible)
    assert panel.caution.text.text() == (
        "<b>Not a fair comparison.</b> 003-crossval is a cross-validation, that is several models, "
        "004-reticle-s a single training."
    )
    places = [widget.mapTo(panel, QPoint(0, 0)).y() for widget in (panel.caution, panel.table, panel.plot)]
    assert places[0] < min(places[1:])
    # 12 of 12 labels against 6 are clearly more, but no verdict on a model
    assert [row.verdict for row in panel.plot.rows] == ["higher", "higher"]
    image = panel.plot.grab().toImage()
    painted = {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}
    assert context.theme.color("success").name() not in painted
    assert context.theme.color("danger").name() not in painted
    choose_other(both_sorts, "001-reticle-s", qtbot)
    qtbot.waitUntil(lambda: not panel.caution.isVisible())


def test_runs_are_compared_on_what_neither_has_learnt(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    ids, boxes = labelled.image_ids(), validation_labels(labelled)
    labelled.edit(set_split, {ids[3]: "train"})
    first = make_run(labelled, boxes)
    take_snapshot(labelled).save(first.snapshot)
    labelled.edit(set_split, {ids[3]: "val"})
    second = make_run(labelled, boxes[:5])
    take_snapshot(labelled).save(second.snapshot)
    open_compare(window, context, labelled, qtbot)
    qtbot.waitUntil(lambda: bool(links(window)))
    panel, left = window.compare.panel, [box for box in boxes if box.image_id != ids[3]]
    found_by_second = sum(box.image_id != ids[3] for box in boxes[:5])
    assert figures(window)["Found"][1:3] == (str(len(left)), str(found_by_second))
    assert "On 2 of 3 images that both have seen and neither has learnt from." in panel.note.text()
    assert not panel.caution.isVisible()
    assert f"lost {len(left) - found_by_second}" in link_texts(window)


def test_a_run_that_knows_the_images_is_not_held_against_one_that_does_not(
    window: ReviewPage, context: AppContext, labelled: Project, qtbot: QtBot
) -> None:
    boxes = validation_labels(labelled)
    ids = labelled.image_ids()
    labelled.edit(set_split, dict.fromkeys(ids, "train"))
    first = make_run(labelled, boxes)
    take_snapshot(labelled).save(first.snapshot)
    labelled.edit(set_split, dict.fromkeys(ids[3:], "val"))
    second = make_run(labelled, boxes[:5])
    take_snapshot(labelled).save(second.snapshot)
    open_compare(window, context, labelled, qtbot)
    panel = window.compare.panel
    qtbot.waitUntil(panel.caution.isVisible)
    assert "001-reticle-s was trained on all of these images and knows them." in panel.caution.text.text()
    assert "knows them" not in panel.note.text()
    assert {row.verdict for row in panel.plot.rows} == {"lower"}
    everything = window.choice.scope.findText("All images", Qt.MatchFlag.MatchStartsWith)
    window.choice.scope.setCurrentIndex(everything)
    window.choice.scope.activated.emit(everything)
    qtbot.waitUntil(lambda: "002-reticle-s was trained on 3 of these 6 images" in panel.caution.text.text())


def test_the_tab_fits_into_a_window_of_1440_by_900(both_sorts: ReviewPage, qtbot: QtBot) -> None:
    # what rail, menu and status bar leave of it
    both_sorts.resize(1376, 844)
    choose_other(both_sorts, "003-crossval", qtbot)
    panel = both_sorts.compare.panel
    qtbot.waitUntil(panel.caution.isVisible)
    area = panel.findChild(QScrollArea)
    assert area is not None
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() == 0)
    assert area.horizontalScrollBar().maximum() == 0
