"""A plot of metrics over training steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme import SMALL_TEXT, Theme
from app.widgets.train.curve_legend import HEIGHT, CurveLegend
from app.widgets.train.curve_style import CurveStyle
from detcore.types import FloatArray

AXIS_WIDTH = 56
TITLE_WIDTH = 88
SMOOTH_PARTS = 60
"""A smoothed curve is a running mean over about this part of the run."""
RAW_ALPHA = 70


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One curve: ``x`` (N,) ascending, ``y`` (N,), NaN where nothing was measured.

    ``best`` is the point to mark. ``noisy`` curves are drawn smoothed over their faint raw values.
    ``shown`` says whether it is visible until the person decides otherwise.
    """

    key: str
    name: str
    x: FloatArray
    y: FloatArray
    style: CurveStyle
    best: tuple[float, float] | None = None
    noisy: bool = False
    shown: bool = True


class _CurveItems:
    """The graphics items of one curve."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self.line = pg.PlotDataItem(connect="finite", antialias=True)
        self._raw = pg.PlotDataItem(connect="finite")
        self._best = pg.ScatterPlotItem(size=11, symbol="star")
        for item in (self._raw, self.line):
            item.setDownsampling(auto=True, method="peak")
            item.setClipToView(True)
        for item in self._all():
            plot.addItem(item)

    def show(self, curve: Curve, drawn: FloatArray, *, visible: bool) -> None:
        """Draw ``drawn`` in full colour and, where that is smoothed, the raw values faintly."""
        faint = QColor(curve.style.color)
        faint.setAlpha(RAW_ALPHA)
        single = len(curve.x) == 1
        self.line.setData(
            curve.x,
            drawn,
            pen=curve.style.pen(),
            symbol="o" if single else None,
            symbolSize=6,
            symbolBrush=curve.style.color,
            symbolPen=None,
        )
        if drawn is not curve.y:
            self._raw.setData(curve.x, curve.y, pen=pg.mkPen(faint, width=1))
        else:
            self._raw.clear()
        if curve.best is None:
            self._best.clear()
        else:
            self._best.setData([curve.best[0]], [curve.best[1]], brush=curve.style.color, pen=None)
        for item in self._all():
            item.setVisible(visible)

    def remove(self) -> None:
        for item in self._all():
            self._plot.removeItem(item)

    def _all(self) -> tuple[pg.GraphicsObject, ...]:
        return (self._raw, self.line, self._best)


class MetricPlot(QWidget):
    """Curves with a title, a legend that reads their values, and a cursor line.

    Signals:
        cursor_moved(object): the step under the mouse, or None when it has left.
        fit_requested(): the person double-clicked.
        zoomed(): the person chose which steps to see.
    """

    cursor_moved = Signal(object)
    fit_requested = Signal()
    zoomed = Signal()

    def __init__(self, title: str, empty: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._curves: dict[str, Curve] = {}
        self._shape: list[tuple[object, ...]] = []
        self._items: dict[str, _CurveItems] = {}
        self._drawn: dict[str, FloatArray] = {}
        self._chosen: dict[str, bool] = {}
        self._smooth = True
        self._cursor_x: float | None = None
        self.title = QLabel(title)
        self.title.setProperty("role", "section")
        self.title.setFixedSize(TITLE_WIDTH, HEIGHT)
        self.legend = CurveLegend(theme)
        self.view = pg.PlotWidget()
        self.plot: Any = self.view.getPlotItem()
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._empty = QLabel(empty, self.view)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._build()
        scene: Any = self.view.scene()
        self.legend.toggled.connect(self._toggle)
        scene.sigMouseMoved.connect(self._hover)
        scene.sigMouseClicked.connect(self._click)
        theme.changed.connect(self._paint)
        self._paint()

    def set_curves(self, curves: list[Curve]) -> None:
        """Show exactly these curves; those that have not grown are not painted again."""
        shape: list[tuple[object, ...]] = [
            (c.key, c.name, c.style, c.shown, c.best, len(c.x), tuple(c.x[-1:])) for c in curves
        ]
        if shape == self._shape:
            return
        self._shape = shape
        self._curves = {curve.key: curve for curve in curves}
        for key in [key for key in self._items if key not in self._curves]:
            self._items.pop(key).remove()
            del self._drawn[key]
        self._draw()

    def set_smooth(self, smooth: bool) -> None:
        self._smooth = smooth
        self._draw()

    def set_logarithmic(self, logarithmic: bool) -> None:
        self.plot.setLogMode(y=logarithmic)
        self.follow_heights()

    def set_limits(self, low: float, high: float) -> None:
        """Keep the vertical axis within these values."""
        self.plot.getViewBox().setLimits(yMin=low, yMax=high)

    def set_cursor(self, x: float | None) -> None:
        """Read all curves at a step; at their ends when there is none."""
        self._cursor_x = x
        self._line.setVisible(x is not None)
        if x is not None:
            self._line.setPos(x)
        self.legend.show_values({key: self._value(curve, x) for key, curve in self._curves.items()})

    def last_x(self) -> float:
        """The last step of all curves that are shown; 0 when there is none."""
        return max(
            (float(c.x[-1]) for c in self._curves.values() if len(c.x) and self._is_shown(c)), default=0.0
        )

    def show_steps(self, last: float) -> None:
        """Show the steps from the first to ``last``; linked plots do the same."""
        self.plot.setXRange(0.0, round_end(last), padding=0.01)

    def follow_heights(self) -> None:
        """Let the vertical axis follow what is visible."""
        box = self.plot.getViewBox()
        box.disableAutoRange(box.XAxis)
        box.enableAutoRange(y=True)
        box.setAutoVisible(y=True)

    def link_x(self, other: MetricPlot) -> None:
        self.plot.setXLink(other.plot)

    def show_step_axis(self, visible: bool) -> None:
        """Write the steps below; in a stack only the lowest plot does."""
        self.plot.getAxis("bottom").setStyle(showValues=visible)
        self.plot.setLabel("bottom", "Step" if visible else None)
        self._paint()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 12, 0)
        head.setSpacing(8)
        head.addWidget(self.title, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        self.view.setFrameShape(self.view.Shape.NoFrame)
        self.view.viewport().installEventFilter(self)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setContentsMargins(4, 4, 16, 4)
        self.plot.getAxis("left").setWidth(AXIS_WIDTH)
        self.plot.getViewBox().setDefaultPadding(0.02)
        self.plot.getViewBox().setMouseEnabled(x=True, y=False)
        self.plot.addItem(self._line, ignoreBounds=True)
        self._line.hide()
        self.plot.getViewBox().sigRangeChangedManually.connect(lambda _axes: self.zoomed.emit())
        self.follow_heights()

    def _draw(self) -> None:
        for key, curve in self._curves.items():
            if key not in self._items:
                self._items[key] = _CurveItems(self.plot)
            drawn = smoothed(curve.y) if self._smooth and curve.noisy else curve.y
            self._drawn[key] = drawn
            self._items[key].show(curve, drawn, visible=self._is_shown(curve))
        self.legend.set_curves(
            [(key, curve.name, curve.style, self._is_shown(curve)) for key, curve in self._curves.items()]
        )
        self._empty.setVisible(not any(len(curve.x) for curve in self._curves.values()))
        self.set_cursor(self._cursor_x)

    def _is_shown(self, curve: Curve) -> bool:
        return self._chosen.get(curve.key, curve.shown)

    def _toggle(self, key: str, shown: bool) -> None:
        self._chosen[key] = shown
        self._draw()

    def _value(self, curve: Curve, x: float | None) -> float | None:
        """The drawn value of a curve at the measured step that is nearest to ``x``."""
        if not len(curve.x):
            return None
        y = self._drawn[curve.key]
        if x is None:
            return float(y[-1])
        if x > curve.x[-1] + max(1.0, (curve.x[-1] - curve.x[0]) / len(curve.x)):
            return None
        return float(y[nearest(curve.x, x)])

    def _hover(self, position: QPointF) -> None:
        box = self.plot.getViewBox()
        inside = box.sceneBoundingRect().contains(position)
        self.cursor_moved.emit(float(box.mapSceneToView(position).x()) if inside else None)

    def _click(self, event: object) -> None:
        if event.double():  # type: ignore[attr-defined]
            self.fit_requested.emit()

    def _paint(self) -> None:
        tokens = self._theme.tokens
        font = QFont(self.font())
        font.setPixelSize(SMALL_TEXT)
        self.view.setBackground(tokens.panel)
        self._line.setPen(pg.mkPen(tokens.line_strong, width=1))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setStyle(tickFont=font, tickTextOffset=6, tickLength=-4)
            axis.setTextPen(tokens.text_muted)
            axis.setPen(pg.mkPen(tokens.line_strong))
            axis.setGrid(36)
            axis.setSIPrefixEnableRanges(())
            axis.label.setDefaultTextColor(QColor(tokens.text_muted))
            axis.label.setFont(font)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # type: ignore[override]  # noqa: N802
        if event.type() == QEvent.Type.Leave:
            self.cursor_moved.emit(None)
        elif event.type() == QEvent.Type.Resize:
            self._empty.setGeometry(self.view.rect())
        return False


def smoothed(y: FloatArray) -> FloatArray:
    """The running mean over a window that grows with the number of points; NaN counts as no point."""
    half = len(y) // SMOOTH_PARTS // 2
    if half < 1:
        return y
    valid = np.isfinite(y)
    sums = np.concatenate([[0.0], np.cumsum(np.where(valid, y, 0.0))])
    counts = np.concatenate([[0], np.cumsum(valid)])
    rows = np.arange(len(y))
    low, high = np.maximum(rows - half, 0), np.minimum(rows + half + 1, len(y))
    number = counts[high] - counts[low]
    return np.where(number > 0, (sums[high] - sums[low]) / np.maximum(number, 1), np.nan)


def nearest(x: FloatArray, at: float) -> int:
    """The row of ascending ``x`` that is nearest to ``at``."""
    right = int(np.clip(np.searchsorted(x, at), 1, max(1, len(x) - 1)))
    return right if right < len(x) and x[right] - at < at - x[right - 1] else right - 1


def round_end(last: float) -> float:
    """The end of an axis that reaches ``last``: at most a tenth beyond, so that it moves only now and then."""
    last = max(last, 1.0)
    step = 10.0 ** math.floor(math.log10(last)) / 2
    return math.ceil(last / step) * step
