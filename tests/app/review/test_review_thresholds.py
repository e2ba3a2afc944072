"""The threshold column of the class table: what it is chosen for, its order, and the slider that follows a click."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.review.models.class_metrics_model import ClassMetricsModel, ClassRow, Column
from app.review.models.score_curve import ScoreCurve
from app.review.models.threshold_goal import GOALS, Measure, ThresholdGoal
from app.review.page import ReviewPage
from detcore.evaluation.curves import precision_recall
from detcore.project.project import Project
from detcore.project.runs import RunFolder
from detcore.report.findings import find

LEFT = Qt.MouseButton.LeftButton


def goal(measure: Measure, value: float) -> ThresholdGoal:
    return ThresholdGoal(measure=measure, value=value)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        # after each score: TP 1 2 2 3 3 4 of 5, FP 0 0 1 1 2 2
        # F0.5 = 1.25 TP / (1.25 TP + 0.25 FN + FP): .556 .769 .625 .750 .625 .714
        (goal(Measure.F_BETA, 0.5), 0.8),
        # F1 = 2 TP / (2 TP + FN + FP): .333 .571 .500 .667 .600 .727
        (goal(Measure.F_BETA, 1.0), 0.4),
        # F2 = 5 TP / (5 TP + 4 FN + FP): .238 .455 .435 .625 .600 .769
        (goal(Measure.F_BETA, 2.0), 0.4),
        # precision 1 1 .67 .75 .6 .67
        (goal(Measure.PRECISION, 0.75), 0.6),
        (goal(Measure.PRECISION, 0.9), 0.8),
        # per image of four 0 0 .25 .25 .5 .5
        (goal(Measure.FPPI, 0.1), 0.8),
        (goal(Measure.FPPI, 0.25), 0.6),
        (goal(Measure.FPPI, 1.0), 0.4),
    ],
    ids=lambda value: value.short if isinstance(value, ThresholdGoal) else "",
)
def test_the_threshold_that_serves_each_goal_best(wanted: ThresholdGoal, expected: float) -> None:
    hit = np.array([True, True, False, True, False, True])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    found = precision_recall(hit, 5, scores, ap=0.5)
    curve = ScoreCurve(
        class_id=1, name="cell", color=None, scores=scores, precision=found.precision, recall=found.recall
    )
    best = wanted.best(curve.points(4))
    assert best is not None
    assert best.threshold == expected


def test_a_run_is_first_shown_at_the_very_threshold_that_a_report_takes(
    page: ReviewPage, run: RunFolder, labelled: Project, qtbot: QtBot
) -> None:
    images = np.array(labelled.image_ids()[3:])
    threshold = find(labelled, run, image_ids=images, scope="held out").threshold
    assert threshold != round(threshold, 2), "a score as detectors give them"
    assert page.live.threshold == threshold
    assert page.header.slider.value() == threshold


def test_no_threshold_serves_where_nothing_is_found() -> None:
    nothing = np.zeros(2)
    curve = ScoreCurve(
        class_id=1, name="cell", color=None, scores=np.array([0.9, 0.8]), precision=nothing, recall=nothing
    )
    assert [one.best(curve.points(3)) for one in GOALS] == [None] * len(GOALS)


def open_menu(page: ReviewPage, qtbot: QtBot) -> None:
    header = page.figures.table.horizontalHeader()
    x = header.sectionViewportPosition(Column.BEST) + header.sectionSize(Column.BEST) // 2
    QTest.mouseClick(header.viewport(), LEFT, pos=QPoint(x, header.height() // 2))
    qtbot.waitUntil(page.figures.table.menu.isVisible)


def choose(page: ReviewPage, title: str, qtbot: QtBot) -> None:
    open_menu(page, qtbot)
    menu = page.figures.table.menu
    action = next(one for one in menu.actions() if one.text() == title)
    QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
    assert action.isChecked()


def test_the_head_of_the_column_chooses_the_goal_and_a_click_on_a_class_sets_the_slider(
    page: ReviewPage, qtbot: QtBot
) -> None:
    table, model = page.figures.table, page.figures.classes
    wanted = goal(Measure.PRECISION, 0.9)
    before = [row.best for row in model.rows]
    choose(page, wanted.title, qtbot)
    assert model.headerData(Column.BEST, Qt.Orientation.Horizontal) == "Best ▾\nP ≥ .9"
    assert [row.best for row in model.rows] != before
    place = next(number for number, row in enumerate(model.rows) if number and row.best is not None)
    row = model.rows[place]
    assert row.best is not None
    assert row.best.precision >= 0.9
    QTest.mouseClick(table.viewport(), LEFT, pos=table.visualRect(model.index(place, Column.BEST)).center())
    best = row.best
    qtbot.waitUntil(lambda: page.header.slider.value() == best.threshold)
    assert page.live.review is not None
    counts = page.live.review.evaluation.counts(best.threshold, row.class_id)
    assert (counts.tp, counts.fp) == (best.tp, best.fp)
    assert model.rows[place].counts[:2] == (best.tp, best.fp)


def test_classes_can_stand_in_the_order_of_their_thresholds_and_the_chosen_one_stays(
    page: ReviewPage, qtbot: QtBot
) -> None:
    table, model = page.figures.table, page.figures.classes
    listed = [row.class_id for row in model.rows]
    QTest.mouseClick(table.viewport(), LEFT, pos=table.visualRect(model.index(1, Column.CLASS)).center())
    choose(page, "Highest threshold first", qtbot)
    found = [row.best.threshold for row in model.rows[1:] if row.best is not None]
    assert found == sorted(found, reverse=True)
    assert model.rows[0].class_id is None
    assert model.headerData(Column.BEST, Qt.Orientation.Horizontal) == "Best ↓\nF1"
    assert model.rows[table.currentIndex().row()].class_id == listed[1]
    choose(page, "Lowest threshold first", qtbot)
    assert [row.best.threshold for row in model.rows[1:] if row.best is not None] == sorted(found)
    choose(page, "Classes as listed", qtbot)
    assert [row.class_id for row in model.rows] == listed


def test_a_class_says_what_its_threshold_gives(page: ReviewPage) -> None:
    model = page.figures.classes
    tip = model.index(0, Column.BEST).data(Qt.ItemDataRole.ToolTipRole)
    best = model.rows[0].best
    assert best is not None
    assert tip.startswith(f"Highest F1: threshold {best.threshold:.3f}\nF1 {best.f1:.3f}")
    assert f"recall {best.recall:.3f}, {best.fppi:.2f} false positives per image" in tip
    head = model.headerData(Column.BEST, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert head.startswith("The confidence threshold at which F1 is highest")


def test_a_goal_that_nothing_reaches_says_so() -> None:
    nothing = np.zeros(1)
    curve = ScoreCurve(class_id=1, name="cell", color=None, scores=nothing, precision=nothing, recall=nothing)
    model = ClassMetricsModel()
    model.set_rows(
        [ClassRow(class_id=1, name="cell", color=None, ap=0.0, labels=3, counts=(0, 0, 3), curve=curve)]
    )
    tip = model.index(0, Column.BEST).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "No threshold reaches this"


@pytest.mark.usefixtures("german")
def test_goals_are_written_in_the_locale_of_the_person() -> None:
    assert goal(Measure.F_BETA, 0.5).title == "Highest F0,5: false alarms cost more"
    assert goal(Measure.F_BETA, 2.0).short == "F2"
    assert goal(Measure.PRECISION, 0.9).short == "P ≥ ,9"
    assert goal(Measure.FPPI, 0.1).title == "At most 0,1 false positives per image"
    assert goal(Measure.FPPI, 1.0).explanation.endswith("at most 1 false positive per image")
