"""How probably something is an error, counted out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.error_rates import odds_alone, overlooked, unlike_labels


def test_few_of_the_things_that_are_usually_labelled_are_overlooked_objects():
    # 1,000 things of one look: 800 objects, 40 of them (5 %) without label, and 200 other things
    chance = 0.8
    assert overlooked(np.array([chance]))[0] == pytest.approx(40 / 240)
    # 1,000 of a surer look: 990 objects, 99 of them (10 %) without label, and 10 other things
    assert overlooked(np.array([0.99]), 0.1)[0] == pytest.approx(99 / 109)
    assert overlooked(np.array([0.0, 1.0])) == pytest.approx([0, 1])


def test_labels_that_are_wrong_themselves_count_among_the_given_ones():
    # 1,000 labels, 50 around nothing. 40 of these and 60 of the others have one look: 10 % of all labels. Of labels that
    # are put around nothing 80 % have it, 8 times as many.
    assert unlike_labels(np.array([8.0]))[0] == pytest.approx(40 / 100)
    # no label in place has this look: 30 of the 50, 3 % of all, against 60 %
    assert unlike_labels(np.array([20.0]))[0] == pytest.approx(1.0)
    assert unlike_labels(np.array([50.0, 0.0])).tolist() == [1.0, 0.0]


def test_the_order_within_a_kind_stays():
    chances = np.linspace(0, 1, 50)
    assert (np.diff(overlooked(chances)) > 0).all()
    assert (np.diff(unlike_labels(20 * chances)) > 0).all()


def test_what_another_error_explains_is_less_probably_around_nothing():
    # where both are as many, 1 of 4 that look like this is real; with 5 around nothing against 95 real ones that is
    # 15 against 95, so of 110 such labels 15 are around nothing; in the second case half of that is explained
    odds = (0.5 * 15 / 110) / (1 - 0.5 * 15 / 110)
    found = odds_alone(np.array([0.25, 0.25, 0.25]), np.array([0.0, 0.5, 1.0]))
    assert found == pytest.approx([3.0, 19 * odds, 0.0], rel=1e-12)


def test_a_fit_that_is_sure_is_counted_like_any_other():
    sure = np.array([1 / (1 + np.exp(60)), 1e-17, 1.0])
    assert unlike_labels(odds_alone(sure, np.zeros(3))).tolist() == [1.0, 1.0, 0.0]
    assert unlike_labels(odds_alone(sure, np.ones(3))).tolist() == [0.0, 0.0, 0.0]
