"""How far two people agree, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detcore.evaluation.agreement import agreement, cohens_kappa
from detcore.evaluation.live import LiveEvaluation
from detcore.types import Box, Detections
from tests.columns import ground_truth


def test_kappa_of_the_textbook_table():
    # 50 applications: both say yes 20 times and no 15 times, only the first says yes 5 times, only the second 10 times.
    # They agree in 0.7; by chance in 0.5 * 0.6 + 0.5 * 0.4 = 0.5; (0.7 - 0.5) / (1 - 0.5) = 0.4.
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4, abs=1e-15)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[7, 0], [0, 3]], 1.0),
        ([[0, 5], [5, 0]], -1.0),
        ([[9, 3], [3, 1]], 0.0),  # 10/16 seen, (12 * 12 + 4 * 4) / 256 = 10/16 by chance
        ([[4, 1, 0], [0, 3, 1], [1, 0, 2]], (0.75 - (5 * 5 + 4 * 4 + 3 * 3) / 144) / (1 - 50 / 144)),
    ],
)
def test_kappa_is_what_chance_does_not_bring(table: list[list[int]], kappa: float):
    assert cohens_kappa(np.array(table)) == pytest.approx(kappa, abs=1e-15)


@pytest.mark.parametrize("table", [[[0, 0], [0, 0]], [[12, 0], [0, 0]]])
def test_there_is_no_kappa_without_pairs_or_with_one_class_alone(table: list[list[int]]):
    assert math.isnan(cohens_kappa(np.array(table)))


def test_figures_of_a_matrix_by_hand():
    # cat: 4 the same, 1 called dog, 2 only by the first; dog: 3 the same, 1 called cat, 1 only by the first, 2 only by the second
    found = agreement(np.array([[4, 1, 2], [1, 3, 1], [0, 2, 0]]), [11, 12])
    assert (found.first, found.second, found.matched, found.agreed) == (12, 11, 9, 7)
    assert found.f1 == pytest.approx(14 / 23, abs=1e-15)
    # seen 7/9; by chance (5 * 5 + 4 * 4) / 81
    assert found.kappa == pytest.approx((7 / 9 - 41 / 81) / (1 - 41 / 81), abs=1e-15)
    cat, dog = found.classes
    assert (cat.class_id, cat.first, cat.second, cat.agreed) == (11, 7, 5, 4)
    assert cat.f1 == pytest.approx(8 / 12, abs=1e-15)
    assert (dog.class_id, dog.first, dog.second, dog.agreed) == (12, 5, 6, 3)


def test_nobody_agrees_on_nothing():
    found = agreement(np.zeros((3, 3), np.int64), [1, 2])
    assert (found.matched, found.first, found.second) == (0, 0, 0)
    assert math.isnan(found.f1)
    assert math.isnan(found.classes[0].f1)


def test_what_one_calls_otherwise_is_matched_and_not_agreed():
    mine = [Box(id=1, image_id=1, class_id=1, x1=0, y1=0, x2=10, y2=10)]
    mine += [Box(id=2, image_id=1, class_id=2, x1=50, y1=0, x2=60, y2=10)]
    mine += [Box(id=3, image_id=1, class_id=2, x1=80, y1=0, x2=90, y2=10)]
    theirs = Detections(
        image_ids=np.array([1, 1, 1]),
        labels=np.array([1, 1, 2]),
        boxes=np.array([[0.0, 0, 10, 9], [50, 0, 60, 10], [20, 50, 30, 60]]),
        scores=np.ones(3),
    )
    evaluation = LiveEvaluation(ground_truth(mine), theirs, class_ids=[1, 2], image_ids=[1])
    found = agreement(evaluation.confusion(0.0), evaluation.class_ids.tolist())
    assert (found.first, found.second, found.matched, found.agreed) == (3, 3, 2, 1)
    assert found.f1 == pytest.approx(1 / 3, abs=1e-15) == evaluation.counts(0.0).f1
