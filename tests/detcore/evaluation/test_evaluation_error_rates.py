"""How probably something is an error, counted out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.error_rates import overlooked


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
