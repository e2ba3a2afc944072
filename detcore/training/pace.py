"""How long a run will still take, by the clock on the wall."""

from __future__ import annotations

import time
from dataclasses import dataclass

from detcore.training.trainer import Hook, Trainer
from detcore.training.validation import Validator

_FINEST = 0.002
"""The share of a run between two marks of its pace."""
_LOOKS = 3.0
"""So many looks at an image take as long as learning from it: one forward, and a backward that does twice as much."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a run was: the share that was done, seconds of learning, and what the clock said."""

    fraction: float
    learnt: float
    clock: float


class TimeLeft(Hook):
    """Counts all that is still to come: learning at the pace of late, the judging in between at the share that it has
    had so far, the last judging, and ``predicted`` looks at images when it is done, which take what those of judging do;
    where nothing is judged, a part of what learning from an image takes.

    Of a run with a given time the learning that is left is known; else the latter half of what this process has done
    tells the pace, since the first steps read images from the disk.
    """

    def __init__(self, validator: Validator | None, *, predicted: int) -> None:
        self._validator = validator
        self._predicted = predicted
        self._marks: list[_Mark] = []

    def after_step(self, trainer: Trainer) -> None:
        mark = _Mark(trainer.fraction, trainer.state.seconds, time.monotonic())
        if not self._marks or mark.fraction - self._marks[-1].fraction >= _FINEST:
            self._marks.append(mark)

    def seconds(self, trainer: Trainer) -> float | None:
        """Until all is done; ``None`` as long as nothing can be said."""
        now = _Mark(trainer.fraction, trainer.state.seconds, time.monotonic())
        learning = self._learning(trainer, now)
        if learning is None:
            return None
        first = self._marks[0] if self._marks else now
        learnt = now.learnt - first.learnt
        stretch = max(1.0, (now.clock - first.clock) / learnt) if learnt > 0 else 1.0
        return learning * stretch + self._looks(trainer)

    def _looks(self, trainer: Trainer) -> float:
        """Seconds that the last judging and the prediction take, as far as is known."""
        judged, look = 0, None
        if self._validator is not None:
            judged, look = self._validator.images, self._validator.look_seconds
        if look is None:
            load = trainer.load
            look = trainer.last.seconds / (load.batch_size * load.accumulate) / _LOOKS
        return (judged + self._predicted) * look

    def _learning(self, trainer: Trainer, now: _Mark) -> float | None:
        """Seconds of learning that are left."""
        minutes = trainer.config.learning.minutes
        if minutes is not None:
            return max(0.0, 60.0 * minutes - now.learnt)
        if not self._marks:
            return None
        half = (self._marks[0].fraction + now.fraction) / 2
        since = max((mark for mark in self._marks if mark.fraction <= half), key=lambda mark: mark.fraction)
        done = now.fraction - since.fraction
        return (now.learnt - since.learnt) / done * (1.0 - now.fraction) if done > 0 else None
