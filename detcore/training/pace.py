"""How long a run will still take, by the clock on the wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from detcore.training.trainer import Hook, Trainer

_FINEST = 0.002
"""The share of a run between two marks of its pace."""


class Cost(Protocol):
    """Something besides learning that takes time."""

    def to_come(self, trainer: Trainer, *, learning: float) -> float:
        """Seconds that it still takes, as far as is known, in so many seconds of learning and after them."""
        ...


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a run was: the share that was done, and the seconds of learning that it took."""

    fraction: float
    learnt: float


class TimeLeft(Hook):
    """Counts all that is still to come: learning at the pace of late, and each of the ``costs`` by what was measured of
    it.

    Of a run with a given time the learning that is left is known; else the latter half of what this process has done
    tells the pace, since the first steps read images from the disk.
    """

    def __init__(self, costs: Sequence[Cost]) -> None:
        self._costs = costs
        self._marks: list[_Mark] = []

    def after_step(self, trainer: Trainer) -> None:
        mark = _Mark(trainer.fraction, trainer.state.seconds)
        if not self._marks or mark.fraction - self._marks[-1].fraction >= _FINEST:
            self._marks.append(mark)

    def seconds(self, trainer: Trainer) -> float | None:
        """Until all is done; ``None`` as long as nothing can be said."""
        learning = self._learning(trainer)
        if learning is None:
            return None
        return learning + sum(cost.to_come(trainer, learning=learning) for cost in self._costs)

    def _learning(self, trainer: Trainer) -> float | None:
        """Seconds of learning that are left."""
        now = _Mark(trainer.fraction, trainer.state.seconds)
        minutes = trainer.config.learning.minutes
        if minutes is not None:
            return max(0.0, 60.0 * minutes - now.learnt)
        if not self._marks:
            return None
        half = (self._marks[0].fraction + now.fraction) / 2
        since = max((mark for mark in self._marks if mark.fraction <= half), key=lambda mark: mark.fraction)
        done = now.fraction - since.fraction
        return (now.learnt - since.learnt) / done * (1.0 - now.fraction) if done > 0 else None


class PredictionHook(Hook):
    """The prediction that follows a run, of so many ``images`` by this process. It has another precision, other batches
    and no cache, so it is tried before the first step: ``rehearse`` returns the seconds that it takes for an image."""

    def __init__(self, images: int, rehearse: Callable[[Trainer], float]) -> None:
        self._images = images
        self._rehearse = rehearse
        self._seconds = 0.0

    def before_training(self, trainer: Trainer) -> None:
        with trainer.interruptible():
            self._seconds = self._rehearse(trainer)

    def to_come(self, trainer: Trainer, *, learning: float) -> float:
        return self._images * self._seconds
