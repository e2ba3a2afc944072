"""The curves of a run as a table and as a picture, drawn without a window."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from PIL import Image, ImageDraw, ImageFont

from detcore.atomic import atomic_write
from detcore.jobs.events import Event, Step, Validation, lasting
from detcore.project.runs import RunFolder, read_events

Point = tuple[int, float]
_SIZE, _FINER = (1200, 900), 2
_LEFT, _RIGHT, _TOP, _GAP = 84, 168, 48, 56
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5c5c5c")
"""Okabe and Ito's, which nearly all eyes tell apart."""
_MOST_POINTS = 300
_TEXT, _MUTED, _GRID = "#1d2125", "#626a72", "#e3e6e9"
_SHOWN_METRICS = ("AP", "AP50", "AP75")


@dataclass(frozen=True, slots=True)
class LearningCurves:
    """Points (step, value) by name: parts of the loss, figures of validation, those of each class, and the learning
    rate; ``times`` are seconds of training by step."""

    losses: dict[str, list[Point]] = field(default_factory=dict[str, list[Point]])
    metrics: dict[str, list[Point]] = field(default_factory=dict[str, list[Point]])
    per_class: dict[str, list[Point]] = field(default_factory=dict[str, list[Point]])
    learning_rate: list[Point] = field(default_factory=list[Point])
    times: dict[int, float] = field(default_factory=dict[int, float])


def learning_curves(events: Iterable[Event]) -> LearningCurves:
    """What remains of a run that went back to a checkpoint now and then."""
    curves = LearningCurves()
    for event in lasting(events):
        if isinstance(event, Step | Validation):
            curves.times[event.step] = event.time
        if isinstance(event, Step):
            curves.learning_rate.append((event.step, event.learning_rate))
            _add(curves.losses, event.step, event.losses)
        elif isinstance(event, Validation):
            _add(curves.metrics, event.step, event.metrics)
            _add(curves.per_class, event.step, event.per_class)
    return curves


def _add(curves: dict[str, list[Point]], step: int, values: Mapping[str, float]) -> None:
    for name, value in values.items():
        if math.isfinite(value):
            curves.setdefault(name, []).append((step, value))


def write_curves(run: RunFolder, file: Path) -> None:
    """The curves of a run, as a table where the file is called ``.csv``, else as a picture."""
    curves = learning_curves(read_events(run.events))
    if file.suffix.lower() == ".csv":
        write_curves_csv(curves, file)
    else:
        write_curves_png(curves, file, title=run.name)


def write_curves_csv(curves: LearningCurves, file: Path) -> None:
    """One row a step that has figures: step, seconds of training, learning rate, losses, metrics, AP by class; what was
    not measured at a step is left empty."""
    columns = {
        "learning_rate": curves.learning_rate,
        **{f"loss {name}": points for name, points in curves.losses.items()},
        **curves.metrics,
        **{f"AP of {name}": points for name, points in curves.per_class.items()},
    }
    by_step = {name: dict(points) for name, points in columns.items()}
    with atomic_write(file) as path, path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["step", "seconds", *columns])
        for step, seconds in sorted(curves.times.items()):
            figures = [by_step[name].get(step) for name in columns]
            row = ["" if value is None else f"{value:.6g}" for value in figures]
            writer.writerow([step, f"{seconds:.2f}", *row])


def write_curves_png(curves: LearningCurves, file: Path, *, title: str) -> None:
    """Losses above the figures of validation, over the same steps."""
    width, height = _SIZE
    picture = _Picture()
    end = max(curves.times, default=1)
    picture.text((_LEFT, 14), title, size=18, colour=_TEXT)
    each = (height - _TOP - 2 * _GAP) // 2
    metrics = {name: curves.metrics[name] for name in _SHOWN_METRICS if name in curves.metrics}
    losses = [value for points in curves.losses.values() for _, value in points]
    for row, (name, lines, most) in enumerate(
        [("Losses", curves.losses, max(losses, default=1.0)), ("Validation", metrics, 1.0)]
    ):
        top = _TOP + row * (each + _GAP)
        area = (_LEFT, top + 16, width - _RIGHT, top + each)
        picture.plot(area, name, lines, steps=end, most=most)
    picture.text((width - _RIGHT, height - 34), "step", size=13, colour=_MUTED, anchor="rt")
    with atomic_write(file) as path:
        picture.image().save(path, format="PNG")


Area = tuple[int, int, int, int]


class _Picture:
    """A sheet that is drawn larger and then made smaller, for smooth lines."""

    def __init__(self) -> None:
        width, height = _SIZE
        self._large = Image.new("RGB", (width * _FINER, height * _FINER), "#ffffff")
        self._draw = ImageDraw.Draw(self._large)

    def image(self) -> Image.Image:
        return self._large.reduce(_FINER)

    def text(
        self, at: tuple[float, float], words: str, *, size: int, colour: str, anchor: str = "lt"
    ) -> None:
        place = (at[0] * _FINER, at[1] * _FINER)
        self._draw.text(place, words, fill=colour, anchor=anchor, font=ImageFont.load_default(size * _FINER))

    def line(self, points: Sequence[tuple[float, float]], *, colour: str, width: float = 1.0) -> None:
        places = [(x * _FINER, y * _FINER) for x, y in points]
        self._draw.line(places, fill=colour, width=max(1, round(width * _FINER)), joint="curve")

    def plot(
        self, area: Area, title: str, lines: Mapping[str, Sequence[Point]], *, steps: int, most: float
    ) -> None:
        """Lines over steps from 0 to ``steps``, values from 0 to ``most``, their names to the right."""
        left, top, right, bottom = area
        self.text((left, top - 10), title, size=14, colour=_TEXT, anchor="ls")

        def x(step: float) -> float:
            return left + (right - left) * step / max(steps, 1)

        def y(value: float) -> float:
            return bottom - (bottom - top) * min(value / most, 1.0) if most > 0 else bottom

        for value in _ticks(most):
            self.line([(left, y(value)), (right, y(value))], colour=_GRID)
            self.text((left - 8, y(value)), f"{value:g}", size=12, colour=_MUTED, anchor="rm")
        for step in _ticks(steps):
            self.text((x(step), bottom + 8), f"{step:,.0f}", size=12, colour=_MUTED, anchor="mt")
        for row, (name, points) in enumerate(lines.items()):
            colour = _COLOURS[row % len(_COLOURS)]
            places = [(x(step), y(value)) for step, value in _thinned(points)]
            if len(places) > 1:
                self.line(places, colour=colour, width=2.0)
            at = top + 10 + row * 22
            self.line([(right + 16, at), (right + 40, at)], colour=colour, width=3)
            self.text((right + 48, at), name, size=13, colour=_TEXT, anchor="lm")


def _thinned(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Means of as many neighbours as make few enough points to be told apart."""
    each = math.ceil(len(points) / _MOST_POINTS)
    parts = [points[first : first + each] for first in range(0, len(points), each)] if each else []
    return [(fmean(step for step, _ in part), fmean(value for _, value in part)) for part in parts]


def _ticks(most: float) -> list[float]:
    """Four to ten round numbers from 0 to ``most``."""
    if most <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1.0) if most / (power * part) <= 8)
    return [step * number for number in range(int(most / step + 1e-9) + 1)]
