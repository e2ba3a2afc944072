"""How probably something is an error, counted out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.error_rates import at_rate, drawn_rate, misnamed, overlooked


def test_few_of_the_things_that_are_usually_labelled_are_overlooked_objects():
    # 1,000 things of one look: 800 objects, 40 of them (5 %) without label, and 200 other things
    chance = 0.8
    assert overlooked(np.array([chance]))[0] == pytest.approx(40 / 240)
    # 1,000 of a surer look: 990 objects, 99 of them (10 %) without label, and 10 other things
    assert overlooked(np.array([0.99]), 0.1)[0] == pytest.approx(99 / 109)
    assert overlooked(np.array([0.0, 1.0])) == pytest.approx([0, 1])


def test_the_order_within_a_kind_stays():
    chances = np.linspace(0, 1, 50)
    assert (np.diff(overlooked(chances)) > 0).all()


def test_a_label_is_seldom_wrong_where_the_detector_often_is():
    # 1,000 detections, 600 of them right; 5 % of the labels are wrong: 570 agree, 30 do not because they are wrong, and
    # 400 because the detection is
    assert misnamed(np.array([0.57]))[0] == pytest.approx(30 / 430)
    # of 1,000 that are all right 950 agree, and the other labels are wrong
    assert misnamed(np.array([0.95]))[0] == pytest.approx(0.95)
    assert misnamed(np.array([0.0, 0.999, 1.0])) == pytest.approx([0, 0.999, 1.0])


def test_a_rate_is_counted_where_labels_are_many_and_the_usual_one_where_there_are_few():
    # as if 5 of another 100 labels were wrong
    assert drawn_rate(0.0, 0.0) == pytest.approx(0.05)
    assert drawn_rate(95.0, 900.0) == pytest.approx(0.1)
    assert drawn_rate(0.0, 4900.0) == pytest.approx(0.001)


def test_half_as_many_errors_halve_the_odds():
    assert at_rate(np.array([0.5, 0.0, 1.0]), 0.025) == pytest.approx([1 / 3, 0.0, 1.0])
    assert at_rate(np.array([0.8]), 0.05)[0] == pytest.approx(0.8)
