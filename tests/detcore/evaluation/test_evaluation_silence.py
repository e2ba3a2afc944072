"""How probably a label around which the detector is silent is around nothing, counted out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.evaluation.silence import LEAST_MISSED, Silence, around_nothing, learn_silence


def probability(odds: float, *, rate: float, missed: float, explained: float = 0.0) -> float:
    silence = Silence(rate=rate, missed=np.array([missed]))
    return float(around_nothing(np.array([odds]), silence, np.array([explained]))[0])


def test_silence_says_no_more_than_how_seldom_right_labels_are_overlooked():
    # 1,000 labels: 50 around nothing, all of them met with silence; of the other 950 one in ten, 95, as well
    assert probability(-60.0, rate=0.05, missed=0.1) == pytest.approx(50 / 145)
    # where one in a thousand is overlooked, 0.95 of them
    assert probability(-60.0, rate=0.05, missed=0.001) == pytest.approx(50 / 50.95)
    # a detector that sees nothing at all tells nothing
    assert probability(-60.0, rate=0.05, missed=1.0) == pytest.approx(0.05)


def test_what_is_said_there_counts_as_well():
    # right labels look like this half as often as those around nothing, and one in ten is overlooked besides
    assert probability(np.log(0.5), rate=0.05, missed=0.1) == pytest.approx(50 / (50 + 950 * 0.6))


def test_another_error_that_explains_it_makes_it_less_probable():
    assert probability(-60.0, rate=0.05, missed=0.1, explained=0.5) == pytest.approx(25 / 120)
    assert probability(-60.0, rate=0.05, missed=0.1, explained=1.0) == 0.0


def made_up(
    *, right: int, nothing: int, seed: int = 0, spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds of right labels, of labels around nothing among them, and of strange ones: right ones trail off
    exponentially from 4, the others lie around -6."""
    rng = np.random.default_rng(seed)
    odds = np.concatenate([4 - rng.exponential(spread, right), rng.normal(-6, 0.5, nothing)])
    return odds, rng.normal(-6, 0.5, 2000), np.zeros((right + nothing, 1))


def test_the_share_around_nothing_is_what_silence_is_more_often_than_the_tail_of_right_labels():
    odds, strange, traits = made_up(right=9500, nothing=500)
    silence = learn_silence(odds, strange, traits, counts=np.ones(len(odds)))
    assert silence.rate == pytest.approx(0.05, abs=0.01)
    # of right ones less than exp(-9) are silent, one in 10,000
    assert silence.missed == pytest.approx(np.full(len(odds), LEAST_MISSED))


def test_where_all_labels_are_right_silence_is_put_down_to_the_detector():
    # exp(-(4 + 5.66) / 3): of right labels one in 25 is as silent as three in four of those around nothing
    odds, strange, traits = made_up(right=10_000, nothing=0, spread=3.0)
    silence = learn_silence(odds, strange, traits, counts=np.ones(len(odds)))
    assert silence.missed[0] == pytest.approx(np.exp(-(4 + 5.66) / 3), rel=0.2)
    assert silence.rate < 0.01
    assert around_nothing(odds, silence, np.zeros(len(odds))).max() < 0.25


def test_labels_that_are_often_doubted_are_overlooked_more_often():
    rng = np.random.default_rng(1)
    small = np.repeat([0.0, 1.0], 5000)
    odds = 4 - rng.exponential(np.where(small > 0, 4.0, 1.5))
    silence = learn_silence(odds, rng.normal(-6, 0.5, 2000), small[:, None], counts=np.ones(10_000))
    assert silence.missed[-1] > 2 * silence.missed[0]


def test_few_labels_leave_the_rate_near_the_usual_one_and_none_do_not_matter():
    odds, strange, traits = made_up(right=20, nothing=0)
    assert learn_silence(odds, strange, traits, counts=np.ones(20)).rate == pytest.approx(5 / 120)
    unknown = learn_silence(odds, strange[:0], traits, counts=np.ones(20))
    assert around_nothing(odds - 60, unknown, np.zeros(20)).max() < 0.9
    assert (learn_silence(odds, strange, traits, counts=np.zeros(20)).missed > 0).all()


def test_nothing_is_ever_certain_on_silence():
    for nothing in (0, 1, 50, 5000):
        odds, strange, traits = made_up(right=5000, nothing=nothing)
        silence = learn_silence(odds, strange, traits, counts=np.ones(len(odds)))
        assert around_nothing(odds - 50, silence, np.zeros(len(odds))).max() < 0.995
