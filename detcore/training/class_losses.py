"""How much of the loss each class has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from torch import Tensor

from detcore.jobs import events
from detcore.jobs.events import EndReason, Event
from detcore.training.trainer import Hook, Trainer

Emit = Callable[[Event], None]
_MOST_OFTEN, _EVENTS = 10.0, 100


class ClassLossesHook(Hook):
    """Tells now and then what part of the loss each class had, where the detector tells it; of a step with several
    batches the last one counts. ``names`` of the classes by label."""

    def __init__(self, emit: Emit, names: Sequence[str]) -> None:
        self._emit = emit
        self._names = names
        self._sum: Tensor | None = None
        self._steps = 0
        self._told_at = time.monotonic()

    def after_step(self, trainer: Trainer) -> None:
        losses = trainer.detector.class_losses
        if losses is None:
            return
        self._sum = losses if self._sum is None else self._sum + losses
        self._steps += 1
        pause = max(_MOST_OFTEN, trainer.state.seconds / _EVENTS)
        if time.monotonic() - self._told_at >= pause:
            self._tell(trainer)

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        self._tell(trainer)

    def _tell(self, trainer: Trainer) -> None:
        if self._sum is not None:
            means = [float(value) for value in (self._sum / self._steps).cpu()]
            losses = dict(zip(self._names, means, strict=True))
            self._emit(events.ClassLosses(step=trainer.state.step, losses=losses))
        self._sum, self._steps, self._told_at = None, 0, time.monotonic()
