"""How long a cross-validation will still take, by the clock on the wall."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from detcore.jobs.events import Ended, Event, Started, Step


@dataclass(slots=True)
class _Fold:
    """What the clock said when a fold began, when its training had loaded what it needs, and when it was over."""

    began: float
    loaded: float | None = None
    learnt: float | None = None


class FoldPace:
    """Expects of each fold that is to come what the one that learns will have taken: to load, to learn, and to look at
    the images left out. How long the look takes is known once a fold has done so; until then it is as long as loading,
    since that is the same once more.

    As many folds are done at a time as there are ``lanes``.
    """

    def __init__(self, *, lanes: int) -> None:
        self._to_come = 0
        self._lanes = lanes
        self._folds: dict[int, _Fold] = {}
        self._look: float | None = None

    def expects(self, folds: int) -> None:
        """So many are to come."""
        self._to_come = folds

    def begins(self, number: int) -> None:
        self._folds[number] = _Fold(began=time.monotonic())
        self._to_come -= 1

    def hears(self, number: int, event: Event) -> None:
        """What the processes of a fold say."""
        fold, now = self._folds[number], time.monotonic()
        if isinstance(event, Started) and fold.loaded is None:
            fold.loaded = now
        elif isinstance(event, Ended) and fold.loaded is not None:
            if fold.learnt is None:
                fold.learnt = now
            else:
                self._look = now - fold.learnt

    def seconds(self, number: int, step: Step) -> float | None:
        """Until all is done, after a step of a fold; ``None`` as long as that says nothing."""
        fold = self._folds[number]
        if step.remaining is None or fold.loaded is None:
            return None
        loading = fold.loaded - fold.began
        left = step.remaining + (loading if self._look is None else self._look)
        # A part of its training may have been another process's.
        whole = max(time.monotonic() - fold.began, loading + step.time) + left
        return left + math.ceil(self._to_come / self._lanes) * whole
