"""When a run is judged, on how many images, and which weights are its best for that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from detcore.jobs import events
from detcore.jobs.events import EndReason, Event
from detcore.training.hooks import CheckpointHook
from detcore.training.trainer import Hook, Trainer
from detcore.training.validation import Validator
from detcore.wording import counted

Emit = Callable[[Event], None]
_SHARE = 0.1
"""Of the time that is given, what validation may take besides it."""
_FEWEST = 4
"""So many times a run is judged at least, on part of the images if they take too long for that."""
_SMALLEST_PART = 8
_KNOWS_THE_TASK = 0.05
"""The AP from which weights to start from are worth keeping. Those of other classes may fit as well."""


class ValidationHook(Hook):
    """Judges the moving average on the validation images from time to time and at the end.

    Validation takes a tenth of the time at most: the longer it lasts, the rarer it is, and in a run that is
    given minutes it looks at a part of the images where all would take more than its share. None of it counts
    as learning time. A run that begins with weights that fit is judged before its first step. A validation
    that is ended early, since the owner wants to stop, leaves everything as it was. A run of so many epochs that is to
    repeat exactly is judged after each of them, whatever the clock says: else other weights might be its best.
    """

    def __init__(self, validator: Validator, checkpoints: CheckpointHook, emit: Emit) -> None:
        self._validator = validator
        self._checkpoints = checkpoints
        self._emit = emit
        self._cost = 0.0
        self._judged_step = -1
        self._told_nothing = False

    def before_training(self, trainer: Trainer) -> None:
        state = trainer.state
        self._cost = self._choose_images(trainer)
        if state.fine_tuning and state.step == 0:
            begin = time.monotonic()
            state.start_ap = self._judge(trainer)
            self._cost = time.monotonic() - begin
            state.fine_tuning = state.start_ap is None or state.start_ap >= _KNOWS_THE_TASK
        if state.judge_at is None:
            state.judge_at = self._next(trainer)
        elif trainer.fraction < 1.0:
            self._judge_when_due(trainer)  # the process ended while it was at it

    def after_step(self, trainer: Trainer) -> None:
        trainer.set_aside(self._judge_when_due(trainer))

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        if reason is not EndReason.STOPPED and self._judged_step != trainer.state.step:
            self._checkpoints.save_before(trainer, seconds=self._cost)
            self._judge(trainer, last=True)

    def to_come(self, trainer: Trainer, *, learning: float) -> float:
        """As a ``Cost``: the validations that will be due, and the last one."""
        state = trainer.state
        if _by_epochs(trainer):
            left = (trainer.config.learning.epochs or 1) - math.floor(trainer.epoch)
            return self._validator.seconds(max(1, left))
        first = learning if state.judge_at is None else state.judge_at - state.seconds
        due = math.floor((learning - first) / self._pause(trainer)) + 1 if first < learning else 0
        return self._validator.seconds(due + 1)

    def _judge_when_due(self, trainer: Trainer) -> float:
        """Judge if it is time to; returns the seconds that it took."""
        state = trainer.state
        if state.judge_at is None or _now(trainer) < state.judge_at:
            return 0.0
        self._checkpoints.save_before(trainer, seconds=self._cost)
        begin = time.monotonic()
        ap = self._judge(trainer)
        self._cost = time.monotonic() - begin
        if not trainer.stop_wanted:  # else it may have been ended early, and is still due
            if ap is not None:
                trainer.validated(ap)
            state.judge_at = self._next(trainer)
            self._checkpoints.save(trainer)
        return self._cost

    def _choose_images(self, trainer: Trainer) -> float:
        """Decide, once in a run, how many images to look at; returns the seconds that they will take, of which the first
        pause is made."""
        state, minutes, total = trainer.state, trainer.config.learning.minutes, self._validator.images
        if state.judged_images is None and (minutes is None or state.step > 0):
            state.judged_images = total
        with trainer.interruptible():
            seconds = self._validator.seconds_per_image(rounds=_FEWEST)
        if state.judged_images is None and minutes is not None and seconds is not None:
            affordable = int(_SHARE * 60.0 * minutes / _FEWEST / seconds)
            state.judged_images = min(total, max(_SMALLEST_PART, affordable))
        if state.judged_images is None:  # it is to stop already
            return 0.0
        self._validator.keep(state.judged_images)
        if state.judged_images < total:
            text = (
                f"Validation looks at {state.judged_images:,} of {counted(total, 'image')}, the same ones each time, "
                "so that it takes no more than about a tenth of the time."
            )
            self._emit(events.Log(level="info", text=text))
        if minutes is None or seconds is None:
            return 0.0  # a run of passes is judged first when that is due, however quick the machine is
        return seconds * self._validator.images

    def _next(self, trainer: Trainer) -> float:
        """When it is due again, as ``_now`` tells it."""
        now = _now(trainer)
        return math.floor(now) + 1.0 if _by_epochs(trainer) else now + self._pause(trainer)

    def _pause(self, trainer: Trainer) -> float:
        """Seconds of learning until the next validation: as configured,
        else about 15 of them in a run, and always enough that validation keeps to its share."""
        minutes = trainer.config.learning.minutes
        if trainer.config.runtime.validate_every_seconds is not None:
            interval = trainer.config.runtime.validate_every_seconds
        elif minutes is None:
            interval = 20.0
        else:
            interval = min(max(60.0 * minutes / 15.0, 5.0), 120.0)
        return max(interval, self._cost / _SHARE)

    def _judge(self, trainer: Trainer, *, last: bool = False) -> float | None:
        """The AP now; ``None`` when there is no telling."""
        state = trainer.state
        with trainer.interruptible():
            judged = self._validator.judge()
        if judged is None:
            return None
        self._judged_step = state.step
        ap = judged.metrics["AP"]
        if math.isnan(ap):
            self._tell_nothing()
            return None
        best = state.best_ap is None or ap > state.best_ap
        if best:
            before = state.best_ap, state.best_step
            state.best_ap, state.best_step = ap, state.step
            # Before it is told: what is said to be the best lies there.
            best = self._checkpoints.save_best(trainer, insist=last)
            if not best:
                state.best_ap, state.best_step = before
        self._emit(
            events.Validation(
                step=state.step,
                epoch=trainer.epoch,
                time=state.seconds,
                metrics=judged.metrics,
                per_class=judged.per_class,
                best=best,
            )
        )
        return ap

    def _tell_nothing(self) -> None:
        if not self._told_nothing:
            self._told_nothing = True
            text = "No figure can be made: none of the validation images with boxes can be read."
            self._emit(events.Log(level="warning", text=text))


def _now(trainer: Trainer) -> float:
    """What validation goes by: seconds of learning, or epochs."""
    return trainer.epoch if _by_epochs(trainer) else trainer.state.seconds


def _by_epochs(trainer: Trainer) -> bool:
    config = trainer.config
    return config.runtime.deterministic and config.learning.epochs is not None
