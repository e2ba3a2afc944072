"""What happens beside training: the moving average, figures, checkpoints, threads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict

import psutil
import torch

from detcore.errors import ConfigError
from detcore.images.tiles import Tiling
from detcore.jobs import events
from detcore.jobs.events import EndReason, Event
from detcore.project.runs import RunFolder
from detcore.training.ema import Ema
from detcore.training.machine import ThreadGovernor
from detcore.training.pace import TimeLeft
from detcore.training.standing import Standing
from detcore.training.trainer import Hook, Trainer
from detcore.types import ObjectClass
from detcore.zoo.checkpoint import (
    Checkpoint,
    optimiser_tensors,
    random_tensors,
    rotate_checkpoint,
    scaler_tensors,
    write_checkpoint,
)

Emit = Callable[[Event], None]
_MOST_OFTEN, _LEAST_OFTEN = 0.25, 5.0
_STEP_EVENTS = 4000
_HEAD_START = 100
_WAIT_FOR_ROOM, _TRY_AGAIN = 600.0, 5.0
"""Seconds, at the end of a training whose weights the disk has no room for."""


class EmaHook(Hook):
    def __init__(self, ema: Ema) -> None:
        self._ema = ema

    def after_step(self, trainer: Trainer) -> None:
        # A start that is worth keeping must not be forgotten within the first steps, as a random one should.
        head_start = _HEAD_START if trainer.state.fine_tuning else 0
        self._ema.update(trainer.detector, trainer.state.step + head_start)


class ThreadHook(Hook):
    """Gives cores back while other programs want them."""

    def __init__(self, governor: ThreadGovernor) -> None:
        self._governor = governor

    def after_step(self, trainer: Trainer) -> None:
        before = self._governor.threads
        threads = self._governor.after_step(trainer.last.seconds)
        if threads != before:
            torch.set_num_threads(threads)


class MetricsHook(Hook):
    """Step events, four a second at first and rarer in long runs, whose curves would not show more; losses and
    gradients are means since the event before."""

    def __init__(self, emit: Emit, time_left: TimeLeft | None) -> None:
        self._emit = emit
        self._time_left = time_left
        self._process = psutil.Process()
        self._since = 0.0
        self._clear()

    def _clear(self) -> None:
        self._steps = self._images = self._cut = self._finite = 0
        self._seconds = self._gradient = 0.0
        self._sums: dict[str, float] = {}

    def after_step(self, trainer: Trainer) -> None:
        last = trainer.last
        self._steps += 1
        self._images += last.images
        self._seconds += last.seconds
        if math.isfinite(last.gradient):
            self._cut += last.gradient > trainer.config.longest_gradient
            self._finite += 1
            self._gradient += last.gradient
        for name, value in last.losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        interval = min(_LEAST_OFTEN, max(_MOST_OFTEN, trainer.state.seconds / _STEP_EVENTS))
        if time.monotonic() - self._since >= interval:
            self._tell(trainer)

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        if self._steps:
            self._tell(trainer)

    def _tell(self, trainer: Trainer) -> None:
        self._emit(
            events.Step(
                step=trainer.state.step,
                epoch=trainer.epoch,
                time=trainer.state.seconds,
                fraction=trainer.fraction,
                remaining=None if self._time_left is None else self._time_left.seconds(trainer),
                learning_rate=trainer.last.learning_rate,
                losses={name: value / self._steps for name, value in self._sums.items()},
                images_per_second=self._images / max(self._seconds, 1e-9),
                gradient=self._gradient / self._finite if self._finite else None,
                clipped=self._cut / self._steps,
                memory=self._process.memory_info().rss,
                device_memory=_held_on(trainer.compute.device),
            )
        )
        self._since = time.monotonic()
        self._clear()


def _held_on(device: torch.device) -> int | None:
    """Bytes of a GPU's memory that this process holds."""
    return torch.cuda.memory_reserved(device) if device.type == "cuda" else None


class CheckpointHook(Hook):
    """Writes last and previous about every minute, at validation and at the end; best when asked.

    With a moving average its weights are kept beside those that are trained. A process that dies at any moment
    takes no more than ``checkpoint_every_seconds`` of learning with it, unless writing takes longer than a third of
    that. Where there is no room for a checkpoint training goes on, with the one before kept and said to be; at the end
    it waits a while for room.
    """

    def __init__(
        self,
        run: RunFolder,
        ema: Ema | None,
        classes: tuple[ObjectClass, ...],
        emit: Emit,
        *,
        tiling: Tiling | None = None,
    ) -> None:
        self._run = run
        self._ema = ema
        self._tiling = tiling
        self._classes = classes
        self._emit = emit
        self._saved_at = time.monotonic()
        self._saved: int | None = None
        self._took = 0.0
        self._told = ""

    def before_training(self, trainer: Trainer) -> None:
        self._saved_at = time.monotonic()
        self._saved = trainer.state.step if self._run.last.is_file() else None

    def after_step(self, trainer: Trainer) -> None:
        self.save_before(trainer, seconds=0.0)

    def after_training(self, trainer: Trainer, reason: EndReason) -> None:
        if reason is not EndReason.STOPPED or self._saved != trainer.state.step:
            self.save(trainer, insist=True)

    def keep(self, trainer: Trainer) -> None:
        state = trainer.state if trainer.standing is None else trainer.standing.state
        if self._saved != state.step:
            self.save(trainer, insist=True)

    def to_come(self, trainer: Trainer, *, learning: float) -> float:
        """As a ``Cost``: what is written within the learning time counts as that; at its end the last weights are, and
        mostly the best."""
        return 2 * self._took

    def save_before(self, trainer: Trainer, *, seconds: float) -> None:
        """Write ``last`` unless it will still be new enough after another step and what takes so many seconds."""
        latest = trainer.config.runtime.checkpoint_every_seconds - self._took - trainer.last.seconds - seconds
        # A disk that is slow must not hold up training more than half of the time.
        if time.monotonic() - self._saved_at >= max(latest, 2 * self._took):
            self.save(trainer)

    def save(self, trainer: Trainer, *, insist: bool = False) -> bool:
        """Write ``last``; whether that was done. ``insist``: there will be no later time to do it.

        Raises:
            ConfigError: with ``insist``, it cannot be written.
        """
        begin, run, checkpoint = time.monotonic(), self._run, self.checkpoint(trainer)
        self._saved_at = begin
        written = self._write(
            lambda: rotate_checkpoint(checkpoint, staged=run.next, last=run.last, previous=run.previous),
            trainer,
            insist=insist,
        )
        if written:
            self._saved, self._took = checkpoint.state.step, time.monotonic() - begin
            self._emit(events.Checkpoint(step=checkpoint.state.step, file=run.last.name))
        return written

    def save_best(self, trainer: Trainer, *, insist: bool = False) -> bool:
        """Write ``best``; whether that was done. Raises as ``save``."""
        checkpoint = self.checkpoint(trainer)
        written = self._write(lambda: write_checkpoint(checkpoint, self._run.best), trainer, insist=insist)
        if written:
            self._emit(events.Checkpoint(step=trainer.state.step, file=self._run.best.name))
        return written

    def _write(self, write: Callable[[], None], trainer: Trainer, *, insist: bool) -> bool:
        until = time.monotonic() + (_WAIT_FOR_ROOM if insist else 0.0)
        while True:
            try:
                write()
            except ConfigError as error:
                if insist and (trainer.stop_wanted or time.monotonic() >= until):
                    raise
                self._tell_full(error, waits=insist)
                if not insist:
                    return False
                trainer.await_stop(_TRY_AGAIN)
                continue
            self._told = ""
            return True

    def _tell_full(self, error: ConfigError, *, waits: bool) -> None:
        """Once, until there is room again."""
        on = "Training has ended and waits for room" if waits else "Training goes on and tries again"
        if self._told != on:
            self._told = on
            kept = "" if self._saved is None else f" The checkpoint of step {self._saved:,} is kept."
            text = f"{error.path}: {error.message}.{kept} {on}: free some space."
            self._emit(events.Log(level="warning", text=text))

    def checkpoint(self, trainer: Trainer) -> Checkpoint:
        """The run as it stands."""
        standing = trainer.standing or Standing(trainer.state, {}, random_tensors())
        parts = {
            "weights": {**trainer.detector.state_dict(), **standing.buffers},
            "optimiser": optimiser_tensors(trainer.optimiser, trainer.detector),
            "random": standing.random,
            "scaler": scaler_tensors(trainer.scaler),
        }
        if self._ema is not None:
            parts["ema"] = self._ema.detector.state_dict()
        return Checkpoint(
            state=standing.state,
            model=trainer.config.detector,
            options=asdict(trainer.config.spec.read_options(trainer.config.options)),
            input_rule=asdict(trainer.config.spec.input),
            class_ids=tuple(item.id for item in self._classes),
            class_names=tuple(item.name for item in self._classes),
            image_size=trainer.load.image_size,
            tiling=self._tiling,
            config=trainer.config.to_dict(),
            tensors={
                f"{part}.{name}": tensor
                for part, tensors in parts.items()
                for name, tensor in tensors.items()
            },
        )
