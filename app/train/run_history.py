"""What a run has said so far: its curves, its log, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.services.figures import count_text, counted, ratio_text
from detcore.jobs.diagnosis import Diagnosis
from detcore.jobs.events import (
    Checkpoint,
    ClassLosses,
    Ended,
    Event,
    Failed,
    HardBatch,
    Layers,
    Log,
    Progress,
    Started,
    Step,
    Validation,
)
from detcore.types import FloatArray

CAPACITY = 65_536
TOTAL = "total"
"""The sum of the losses, which the eye looks for; the worker reports its parts."""


class Series:
    """Points (step, value) in memory that does not grow for ever.

    At ``CAPACITY`` points neighbours are averaged in pairs, so that the whole run stays in view.
    """

    def __init__(self) -> None:
        self._x = np.empty(256)
        self._y = np.empty(256)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def x(self) -> FloatArray:
        return self._x[: self._size]

    @property
    def y(self) -> FloatArray:
        return self._y[: self._size]

    def append(self, x: float, y: float) -> None:
        if self._size == CAPACITY:
            self._halve()
        elif self._size == len(self._x):
            self._x = np.concatenate([self._x, np.empty_like(self._x)])
            self._y = np.concatenate([self._y, np.empty_like(self._y)])
        self._x[self._size], self._y[self._size] = x, y
        self._size += 1

    def cut(self, x: float) -> None:
        """Forget the points after ``x``: the run went back to a checkpoint."""
        self._size = int(np.searchsorted(self.x, x, side="right"))

    def _halve(self) -> None:
        half = self._size // 2
        self._x[:half] = self.x.reshape(half, 2).mean(axis=1)
        self._y[:half] = self.y.reshape(half, 2).mean(axis=1)
        self._size = half


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """``level`` is info, warning or error; ``time`` is seconds of training, when known."""

    level: str
    text: str
    time: float | None = None


class RunHistory:
    """Folds the events of one run, live or read from its folder."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.losses: dict[str, Series] = {}
        self.learning_rate = Series()
        self.metrics: dict[str, Series] = {}
        self.best: tuple[int, float] | None = None
        self.step: Step | None = None
        self.pace: Step | None = None
        """The last step of the work that goes on now; of one that has ended nothing is left to do."""
        self.progress: Progress | None = None
        self.started: Started | None = None
        self.log: list[LogLine] = []
        self.diagnosis = Diagnosis()
        self.layers: Layers | None = None
        self.hardest: HardBatch | None = None
        self.judged: Validation | None = None
        self.class_losses: ClassLosses | None = None
        """What was told last of layers, of the batch that did most harm, and of classes."""
        for event in events:
            self.add(event)

    @property
    def seconds(self) -> float | None:
        return None if self.step is None else self.step.time

    @property
    def part(self) -> str:
        """What it is at within the whole, such as ``Fold 2 of 4``; "" where nothing is to be said."""
        if self.progress is not None:
            return self.progress.text
        return "" if self.step is None else self.step.part

    def add(self, event: Event) -> None:
        self.diagnosis.add(event)
        match event:
            case Step():
                self._add_step(event)
            case Validation():
                self._add_validation(event)
            case Layers():
                self.layers = event
            case HardBatch():
                self.hardest = event
            case ClassLosses():
                self.class_losses = event
            case Started():
                self._begin(event)
            case Progress():
                self.progress = event
            case Checkpoint():
                self._write("info", f"Checkpoint at step {count_text(event.step)}")
            case Log():
                self._write(event.level, event.text)
            case Failed():
                self.pace = None
                self._write("error", f"{event.message}. {event.hint}".rstrip(". ") + ".")
            case Ended():
                self.progress = self.pace = None
                self._write("info", event.reason.value.replace("_", " ").capitalize())
            case _:
                return

    def _begin(self, event: Started) -> None:
        self.started = event
        self.progress = self.pace = None
        for series in [*self.losses.values(), *self.metrics.values(), self.learning_rate]:
            series.cut(event.step)
        if self.step is not None and self.step.step > event.step:
            self.step = None
        verb = "Goes on from step" if event.step else "Begins at step"
        self._write(
            "info",
            f"{verb} {count_text(event.step)} on {event.device_name}, {counted(event.batch_size, 'image')} a step",
        )

    def _add_step(self, event: Step) -> None:
        self.step = self.pace = event
        self.progress = None
        losses = event.losses
        if len(losses) > 1 and TOTAL not in losses:
            losses = {TOTAL: sum(losses.values()), **losses}
        for name, value in losses.items():
            self.losses.setdefault(name, Series()).append(event.step, value)
        self.learning_rate.append(event.step, event.learning_rate)

    def _add_validation(self, event: Validation) -> None:
        self.judged = event
        for name, value in event.metrics.items():
            self.metrics.setdefault(name, Series()).append(event.step, value)
        ap = event.metrics.get("AP", float("nan"))
        if event.best and ap == ap:
            self.best = (event.step, ap)
        figure = f"AP {ratio_text(ap, digits=3)}"
        if event.step:
            best = ", the best so far" if event.best else ""
            self._write("info", f"Validation at step {count_text(event.step)}: {figure}{best}")
        else:
            self._write("info", f"Before the first step: {figure}, what it starts from")

    def _write(self, level: str, text: str) -> None:
        self.log.append(LogLine(level=level, text=text, time=self.seconds))
