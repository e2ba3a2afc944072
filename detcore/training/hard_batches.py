"""Which images a run finds hardest."""

from __future__ import annotations

import time
from collections.abc import Callable

from detcore.jobs import events
from detcore.jobs.events import EndReason, Event
from detcore.training.trainer import Hook, Trainer

Emit = Callable[[Event], None]
_MEMORY = 50
"""Steps over which the usual loss is a running mean."""
_FEWEST = 20
_MOST_OFTEN, _EVENTS = 10.0, 100


class HardBatchHook(Hook):
    """Tells now and then which batch did most harm: that of the process and step with the highest loss, against the
    running mean before it. There is none as long as no loss is higher than that.

    Of an image that was put together from several the first one is told.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._usual = 0.0
        self._steps = 0
        self._worst: events.HardBatch | None = None
        self._told_at = time.monotonic()

    def after_step(self, trainer: Trainer) -> None:
        loss = sum(trainer.last.losses.values())
        if self._steps >= _FEWEST:
            self._compare(trainer)
        self._steps += 1
        # a plain mean at first, then a running one
        self._usual += (loss - self._usual) / min(self._steps, _MEMORY)
        pause = max(_MOST_OFTEN, trainer.state.seconds / _EVENTS)
        if self._worst is not None and time.monotonic() - self._told_at >= pause:
            self._tell()

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        if self._worst is not None:
            self._tell()

    def _compare(self, trainer: Trainer) -> None:
        worst, loss = self._worst, trainer.last.highest_loss
        if loss <= self._usual or (worst is not None and loss / self._usual <= worst.loss / worst.usual):
            return
        images = list(dict.fromkeys(trainer.last.image_ids))
        self._worst = events.HardBatch(step=trainer.state.step, loss=loss, usual=self._usual, images=images)

    def _tell(self) -> None:
        if self._worst is not None:
            self._emit(self._worst)
        self._worst = None
        self._told_at = time.monotonic()
