"""The time that a cross-validation has left, by a clock that is made up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from detcore.jobs.events import Ended, EndReason, Started, Step
from detcore.jobs.fold_pace import FoldPace

STARTED = Started(time=0.0, device="cpu", device_name="CPU")
ENDED = Ended(reason=EndReason.COMPLETED, time=0.0)


def step(time: float, remaining: float | None) -> Step:
    return Step(
        step=1,
        epoch=0.0,
        time=time,
        fraction=0.0,
        remaining=remaining,
        learning_rate=0.1,
        losses={},
        images_per_second=1.0,
    )


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("learns", [60.0, 240.0])
def test_the_time_left_is_right_within_a_fifth_after_a_tenth_and_at_any_time_after(
    monkeypatch: pytest.MonkeyPatch, learns: float, lanes: int
) -> None:
    """Each of four folds loads for 5 s, learns, of which a tenth is judging that its steps do not count, loads for 5 s once
    more and looks at images for 8 s."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("detcore.jobs.fold_pace.time", SimpleNamespace(monotonic=lambda: clock.now))
    pace = FoldPace(lanes=lanes)
    pace.expects(4)
    told: list[tuple[float, float]] = []
    for first in range(0, 4, lanes):
        beside = range(first, first + lanes)
        for number in beside:
            pace.begins(number)
        clock.now += 5.0
        for number in beside:
            pace.hears(number, STARTED)
        begun = clock.now
        while clock.now < begun + learns:
            clock.now += 1.0
            by_clock = clock.now - begun
            for number in beside:
                left = pace.seconds(number, step(0.9 * by_clock, learns - by_clock))
                assert left is not None
                told.append((clock.now, left))
        for number in beside:
            pace.hears(number, ENDED)
        clock.now += 5.0 + 8.0
        for number in beside:
            pace.hears(number, ENDED)
    whole = clock.now - 100.0
    late = [(clock.now - now, left) for now, left in told if now - 100.0 >= whole / 10]
    assert [left / truth for truth, left in late] == pytest.approx([1.0] * len(late), abs=0.2)


def test_of_a_fold_that_goes_on_the_others_take_as_long_as_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("detcore.jobs.fold_pace.time", SimpleNamespace(monotonic=lambda: clock.now))
    pace = FoldPace(lanes=1)
    pace.expects(2)
    pace.begins(0)
    clock.now = 4.0
    pace.hears(0, STARTED)
    clock.now = 5.0
    # 50 s were learnt before and in this second; 10 s are left, then loading again: 14 s, and 4 + 50 + 14 s of the other
    assert pace.seconds(0, step(50.0, 10.0)) == pytest.approx(14.0 + 68.0)
    assert pace.seconds(0, step(50.0, None)) is None
