"""Detections with equal scores come and go together: what a threshold gives is what all of them give."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.plots.plot_painting import point_in
from app.review.models.score_curve import ScoreCurve
from app.review.plots.confidence_plot import ConfidencePlot
from app.services.theme import Theme
from detcore.evaluation.curves import Curve, precision_recall
from tests.app.review.made_up_evaluation import made_up_evaluation

LEFT = Qt.MouseButton.LeftButton
HITS = np.array([True, True, False, False, False, False, False, True])
SCORES = np.array([0.9] * 7 + [0.5])


def score_curve(found: Curve) -> ScoreCurve:
    return ScoreCurve(
        class_id=1,
        name="cell",
        color=None,
        scores=found.scores,
        precision=found.precision,
        recall=found.recall,
    )


def tied() -> ScoreCurve:
    """Of three labels two are found at 0.9, among five false ones, and the third at 0.5."""
    return score_curve(precision_recall(HITS, 3, SCORES, ap=0.5))


def test_the_best_f1_is_that_of_a_threshold_and_not_of_some_of_the_equal_scores() -> None:
    # at 0.9: TP 2, FP 5, FN 1, F1 4 / 10; at 0.5: TP 3, FP 5, FN 0, F1 6 / 11; after two detections 4 / 5
    assert tied().best() == (0.5, pytest.approx(6 / 11))


@pytest.mark.parametrize("row", range(7))
def test_a_point_among_equal_scores_tells_what_its_threshold_gives(row: int) -> None:
    # precision 2 / 7, recall 2 / 3
    expected = ["cell", "Threshold 0.900", "Precision 0.286", "Recall 0.667", "F1 0.400"]
    assert tied().readout(row) == expected


def test_the_plot_over_confidence_has_one_point_for_each_threshold(qapp: QApplication, qtbot: QtBot) -> None:
    plot = ConfidencePlot(Theme(qapp, "light"))
    qtbot.addWidget(plot)
    plot.resize(500, 240)
    plot.show()
    plot.set_curve(tied())
    assert [(mark.x, mark.y) for mark in plot.marks] == [(0.5, pytest.approx(6 / 11))]
    shown = {line.name: (line.x.tolist(), line.y.tolist()) for line in plot.lines}
    assert shown == {
        "Precision": ([0.9, 0.5], pytest.approx([2 / 7, 3 / 8])),
        "Recall": ([0.9, 0.5], pytest.approx([2 / 3, 1.0])),
        "F1": ([0.9, 0.5], pytest.approx([0.4, 6 / 11])),
    }
    at = point_in(plot.area(), 0.9, 0.4).toPoint()
    QTest.mouseMove(plot, at)
    qtbot.waitUntil(lambda: len(plot.readout) > 0)
    rows = ["cell", "Threshold 0.900", "Precision 0.286", "Recall 0.667", "F1 0.400", "Best F1 at 0.500"]
    assert list(plot.readout) == rows
    with qtbot.waitSignal(plot.threshold_chosen) as chosen:
        QTest.mouseClick(plot, LEFT, pos=at)
    assert chosen.args == [0.9]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("class_id", [None, 1, 2])
def test_every_point_says_what_the_class_table_counts_at_its_score(seed: int, class_id: int | None) -> None:
    evaluation = made_up_evaluation(seed)
    curve = score_curve(evaluation.curve(class_id))
    counted = {score: evaluation.counts(score, class_id) for score in curve.scores.tolist()}
    for row, score in enumerate(curve.scores.tolist()):
        found = counted[score]
        numbers = (score, found.precision, found.recall, found.f1)
        assert [text.split()[1] for text in curve.readout(row)[1:]] == [f"{value:.3f}" for value in numbers]
    highest = max(found.f1 for found in counted.values())
    threshold, f1 = curve.best()
    assert threshold == max(score for score, found in counted.items() if found.f1 == highest)
    assert f1 == highest


def test_a_curve_without_hits_has_no_best_threshold() -> None:
    assert score_curve(precision_recall(np.zeros(3, np.bool_), 2, SCORES[:3], ap=0.0)).best() == (None, 0.0)
    assert score_curve(precision_recall(np.zeros(0, np.bool_), 2, SCORES[:0], ap=0.0)).best() == (None, 0.0)
