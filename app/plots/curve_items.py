"""One curve as it is drawn: the line, the raw values behind it, its marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg

from app.plots.curve_style import CurveStyle
from app.widgets.painting import faded
from detcore.types import FloatArray

RAW_ALPHA = 70 / 255
POINTS_PER_COLUMN = 4
BEST_SIZE = 11
DOT_SIZE = 6


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve: ``x`` (N,) ascending, ``y`` (N,), NaN where nothing was measured.

    ``of`` is the run it belongs to: a curve of another run is another curve, whatever its key and length.
    ``best`` is the point to mark. ``noisy`` curves are drawn smoothed over their faint raw values.
    ``shown`` says whether it is visible until the user decides otherwise.
    """

    key: str
    name: str
    x: FloatArray
    y: FloatArray
    style: CurveStyle
    of: object = None
    best: tuple[float, float] | None = None
    noisy: bool = False
    shown: bool = True


class CurveItems:
    """The graphics items of one curve."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self.line = pg.PlotCurveItem(connect="finite", antialias=True)
        self._raw = pg.PlotCurveItem(connect="finite")
        self._marks = pg.ScatterPlotItem(pen=None)
        for item in self._all():
            plot.addItem(item)

    def show(self, curve: Curve, line: FloatArray, raw: FloatArray | None) -> None:
        """Draw ``line`` (N, 2) in the curve's style over its ``raw`` (M, 2) values; with marks where it has
        any."""
        faint = faded(curve.style.color, RAW_ALPHA)
        pen = curve.style.pen()
        pen.setCosmetic(True)  # it keeps its width at every scale of the plot
        self.line.setData(line[:, 0], line[:, 1], pen=pen)
        if raw is None:
            self._raw.clear()
        else:
            self._raw.setData(raw[:, 0], raw[:, 1], pen=pg.mkPen(faint, width=1))
        marks = []
        if len(curve.x) == 1:
            marks.append({"pos": line[0], "symbol": "o", "size": DOT_SIZE})
        if curve.best is not None:
            marks.append({"pos": curve.best, "symbol": "star", "size": BEST_SIZE})
        self._marks.setData(marks, brush=curve.style.color)
        self.set_visible(True)

    def set_visible(self, visible: bool) -> None:
        for item in self._all():
            item.setVisible(visible)

    def remove(self) -> None:
        for item in self._all():
            self._plot.removeItem(item)

    def _all(self) -> tuple[pg.GraphicsObject, ...]:
        return (self._raw, self.line, self._marks)


def visible_points(x: FloatArray, y: FloatArray, low: float, high: float, columns: int) -> FloatArray:
    """The points (M, 2) of ``y`` over ascending ``x`` that matter between two steps on ``columns`` pixels.

    Those inside and one beyond either end; where many share a column, the lowest and the highest of each.
    """
    begin = max(int(np.searchsorted(x, low)) - 1, 0)
    end = int(np.searchsorted(x, high, side="right")) + 1
    x, y = x[begin:end], y[begin:end]
    size = len(x) // max(columns, 1)
    if size < POINTS_PER_COLUMN:
        return np.column_stack([x, y])
    whole = len(x) // size * size
    groups = y[:whole].reshape(-1, size)
    starts = np.arange(0, whole, size)
    lowest = starts + np.where(np.isnan(groups), np.inf, groups).argmin(axis=1)
    highest = starts + np.where(np.isnan(groups), -np.inf, groups).argmax(axis=1)
    rows = np.unique(np.concatenate([[0], lowest, highest, np.arange(whole, len(x)), [len(x) - 1]]))
    return np.column_stack([x[rows], y[rows]])
