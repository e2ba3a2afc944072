"""What follows an edit: counts a moment later, curves and the histogram once the labels stand still."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.review.models.class_metrics_model import ClassMetricsModel, Column
from app.review.models.threshold_goal import GOALS
from app.review.page import ReviewPage
from detcore.evaluation.live import LiveEvaluation
from detcore.review.kinds import ErrorKind
from tests.app.review.review_driving import press, undo

SOON, LATER = 500, 3000
THRESHOLD = 0.3


@pytest.fixture
def judging(page: ReviewPage, qtbot: QtBot) -> ReviewPage:
    """On the first of the false positives."""
    page.live.set_threshold(THRESHOLD)
    page.live.catch_up()
    page.queue.pace.catch_up()
    page.queue.set_filter(page.queue.filter.with_kinds(frozenset({ErrorKind.FP})))
    page.queue_panel.list.setFocus()
    press(page, Qt.Key.Key_Home)
    return page


def afresh(page: ReviewPage) -> LiveEvaluation:
    """Everything matched anew, from what the project holds now."""
    live = page.live.review.evaluation  # type: ignore[union-attr]
    project = page.context.document.project
    return LiveEvaluation(
        project.ground_truth(live.image_ids.tolist()),
        live.dets,
        class_ids=live.class_ids,
        image_ids=live.image_ids,
    )


def tiles(page: ReviewPage) -> list[int]:
    return [int(page.header.tiles.tiles[name].text()) for name in ("tp", "fp", "fn")]


def classes(page: ReviewPage) -> list[tuple[int, int, int]]:
    """As they are painted, all together first."""
    model, counts = page.figures.classes, (Column.TP, Column.FP, Column.FN)
    found = [[model.index(row, column).data() for column in counts] for row in range(model.rowCount())]
    return [(int(tp), int(fp), int(fn)) for tp, fp, fn in found]


def counted(evaluation: LiveEvaluation) -> list[tuple[int, int, int]]:
    each = [evaluation.counts(THRESHOLD, item) for item in (None, *evaluation.class_ids.tolist())]
    return [(one.tp, one.fp, one.fn) for one in each]


def bars(page: ReviewPage) -> QImage:
    return page.header.slider.grab().toImage()


def test_counts_are_those_of_the_labels_a_moment_after_verdicts_and_their_undo(
    judging: ReviewPage, qtbot: QtBot
) -> None:
    before = classes(judging)
    for _ in range(3):
        press(judging, Qt.Key.Key_Y)
    expected = counted(afresh(judging))
    assert expected != before
    qtbot.waitUntil(lambda: classes(judging) == expected, timeout=SOON)
    assert tuple(tiles(judging)) == expected[0]
    for _ in range(3):
        undo(judging)
    qtbot.waitUntil(lambda: classes(judging) == before, timeout=SOON)
    assert tuple(tiles(judging)) == before[0]


def test_curves_and_the_histogram_are_those_of_the_labels_once_they_stand_still(
    judging: ReviewPage, qtbot: QtBot
) -> None:
    qtbot.wait(100)
    before = bars(judging)
    for _ in range(3):
        press(judging, Qt.Key.Key_Y)
    fresh = afresh(judging)
    expected = {item: fresh.curve(item) for item in (None, *fresh.class_ids.tolist())}

    def follow() -> bool:
        shown = {curve.class_id: curve for curve in judging.figures.pr_plot._curves}
        return all(np.array_equal(shown[item].recall, one.recall) for item, one in expected.items())

    assert not follow()
    qtbot.waitUntil(follow, timeout=LATER)
    aps = pytest.approx([one.ap for one in expected.values()])
    qtbot.waitUntil(lambda: [row.ap for row in judging.figures.classes.rows] == aps, timeout=LATER)
    assert bars(judging) != before


def test_a_goal_that_is_chosen_while_curves_follow_holds_for_all_of_them(
    judging: ReviewPage, qtbot: QtBot
) -> None:
    press(judging, Qt.Key.Key_Y)
    judging.figures.follow_curves()
    for _ in range(3):  # the first ones are done
        next(judging.figures._idle_runner._steps)
    evaluation = judging.live.review.evaluation  # type: ignore[union-attr]
    everything = judging.figures.classes.rows[0]
    points = everything.curve.points(len(evaluation.image_ids))
    goal = next(one for one in GOALS if one.best(points) != everything.best)
    judging.figures.table.menu.goal_chosen.emit(goal)
    qtbot.wait(50)
    for row in judging.figures.classes.rows:
        assert row.best == goal.best(row.curve.points(len(evaluation.image_ids)))
        assert row.ap == evaluation.curve(row.class_id).ap


def test_a_run_of_classes_that_changed_is_announced_whole(judging: ReviewPage, qtbot: QtBot) -> None:
    model: ClassMetricsModel = judging.figures.classes
    shown = classes(judging)
    announced: set[int] = set()
    model.dataChanged.connect(
        lambda first, last, _roles: announced.update(range(first.row(), last.row() + 1))
    )
    judging.live.set_threshold(0.7)
    judging.live.catch_up()
    changed = {row for row, (old, new) in enumerate(zip(shown, classes(judging), strict=True)) if old != new}
    assert len(changed) > 1
    assert announced == changed
