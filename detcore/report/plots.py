"""Plots as SVG. Colours come from the style sheet, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.evaluation.curves import Curve
from detcore.report.blocks import Plot, PlotBar
from detcore.report.markup import Markup, join, tag
from detcore.types import FloatArray, IntArray

_MOST_POINTS = 240
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The plotting area of an SVG of ``width`` and ``height``; both axes run from 0 to 1."""

    width: float
    height: float
    left: float = 34.0
    right: float = 8.0
    top: float = 8.0
    bottom: float = 30.0

    def x(self, value: float) -> float:
        return self.left + value * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        return self.height - self.bottom - value * (self.height - self.top - self.bottom)

    def axes(self, x_title: str, y_title: str, y_ticks: Sequence[tuple[float, str]]) -> Markup:
        """Grid, numbers and titles."""
        parts: list[Markup] = []
        for value, text in y_ticks:
            at = self.y(value)
            parts.append(
                tag("line", x1=self.x(0.0), y1=at, x2=self.x(1.0), y2=at, class_="grid" if value else "axis")
            )
            parts.append(tag("text", text, x=self.left - 5, y=at + 3.5, text_anchor="end"))
        for value in _TICKS:
            at = self.x(value)
            parts.append(tag("line", x1=at, y1=self.y(0.0), x2=at, y2=self.y(0.0) + 3, class_="axis"))
            anchor = "end" if value == 1.0 else "middle"
            end = self.width if value == 1.0 else at
            parts.append(
                tag("text", f"{value:g}", x=min(at + 4, end), y=self.y(0.0) + 14, text_anchor=anchor)
            )
        middle = (self.x(0.0) + self.x(1.0)) / 2
        parts.append(tag("text", x_title, x=middle, y=self.height - 3, text_anchor="middle"))
        if y_title:
            turned = f"rotate(-90 8 {(self.y(0.0) + self.y(1.0)) / 2:g})"
            at = (self.y(0.0) + self.y(1.0)) / 2
            parts.append(tag("text", y_title, x=8, y=at, text_anchor="middle", transform=turned))
        return join(parts)


def precision_recall_plot(
    curve: Curve, *, title: str, color: str | None, threshold: float, large: bool = False
) -> Plot:
    """One precision-recall curve, with a dot where the threshold is. ``color`` of the line, else the
    accent."""
    frame = Frame(width=420.0, height=300.0) if large else Frame(width=220.0, height=180.0)
    parts = [frame.axes("recall", "precision", [(value, f"{value:g}") for value in _TICKS])]
    if len(curve.recall):
        recall, precision = _thinned(curve.recall, curve.precision)
        steps = [
            f"{frame.x(float(r)):.1f},{frame.y(float(p)):.1f}" for r, p in zip(recall, precision, strict=True)
        ]
        start = f"M{frame.x(0.0):.1f},{frame.y(float(precision[0])):.1f}"
        line = tag(
            "path", d=f"{start} L{' L'.join(steps)}", class_="curve", style=color and f"stroke:{color}"
        )
        parts.append(line)
        kept = int(np.count_nonzero(curve.scores >= threshold))
        if kept:
            x, y = float(curve.recall[kept - 1]), float(curve.precision[kept - 1])
            dot = tag("circle", cx=frame.x(x), cy=frame.y(y), r=3.5, class_="dot")
            parts.append(dot)
    return Plot(
        width=frame.width, height=frame.height, label=f"Precision over recall: {title}", below=join(parts)
    )


def _thinned(recall: FloatArray, precision: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Few points that look like all of them: of each bit of recall the first, the lowest, the highest, the
    last."""
    if len(recall) <= _MOST_POINTS:
        return recall, precision
    kept: set[int] = set()
    for part in np.array_split(np.arange(len(recall)), _MOST_POINTS // 4):
        values = precision[part]
        first = int(part[0])
        kept |= {first, int(part[-1]), first + int(values.argmin()), first + int(values.argmax())}
    rows = np.array(sorted(kept))
    return recall[rows], precision[rows]


def score_histogram(edges: FloatArray, true: IntArray, false: IntArray, *, threshold: float) -> Plot:
    """True below, false above, in each bin of scores; a line at the threshold. Heights go with the square root of
    the counts, for at low scores false ones outnumber the rest by far."""
    frame = Frame(width=420.0, height=300.0)
    scale = _round_up(max(int((true + false).max()), 1))
    counts = [0, scale // 16, scale // 4, scale] if scale >= 16 else [0, scale]
    ticks = [(math.sqrt(count / scale), _short(count)) for count in counts]
    bars: list[PlotBar] = []
    for low, high, right, wrong in zip(
        edges[:-1].tolist(), edges[1:].tolist(), true.tolist(), false.tolist(), strict=True
    ):
        x, width = frame.x(low), frame.x(high) - frame.x(low) - 0.8
        height = math.sqrt((right + wrong) / scale)
        split, top = frame.y(height * right / max(right + wrong, 1)), frame.y(height)
        if right:
            bars.append(PlotBar(kind="tp", x=x, y=split, width=width, height=frame.y(0.0) - split))
        if wrong:
            bars.append(PlotBar(kind="fp", x=x, y=top, width=width, height=split - top))
    at = frame.x(threshold)
    return Plot(
        width=frame.width,
        height=frame.height,
        label="How many detections have which score",
        below=frame.axes("score", "", ticks),
        bars=tuple(bars),
        above=tag("line", x1=at, y1=frame.y(1.0), x2=at, y2=frame.y(0.0), class_="threshold"),
    )


def _short(count: int) -> str:
    return f"{count / 1000:g}k" if count >= 1000 else str(count)


def _round_up(value: int) -> int:
    """The next number that is 1, 2 or 4 with zeros behind it, or 1 to 4."""
    power = 1
    while True:
        for step in (1, 2, 4):
            if step * power >= value:
                return step * power
        power *= 10
