"""A plot of metrics over training steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.plots.curve_items import Curve, CurveItems, visible_points
from app.plots.curve_legend import HEIGHT, CurveLegend
from app.plots.plot_grid import PlotGrid, RoundAxis, paint_plot, quiet_menu
from app.services.theme import Theme
from app.services.timing import Debouncer
from detcore.types import FloatArray

LEAST_HEIGHT = 110
AXIS_WIDTH = 56
AXIS_HEIGHT = 22
LABELLED_AXIS_HEIGHT = 38
TITLE_WIDTH = 88
ROUND_ENDS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
RESIZED_MS = 50
"""When the width has stood still for so long, curves are thinned for it."""
SMOOTH_PARTS = 60
"""A smoothed curve is a running mean over about this part of the run."""


class MetricPlot(QWidget):
    """Curves with a title, a legend that reads their values, and a cursor line.

    Signals:
        cursor_moved(object): the step under the mouse, or None when it has left.
        fit_requested(): the user double-clicked.
        zoomed(float, float): the user chose to see these steps.
    """

    cursor_moved = Signal(object)
    fit_requested = Signal()
    zoomed = Signal(float, float)

    def __init__(self, title: str, empty: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._curves: dict[str, Curve] = {}
        self._shape: list[tuple[object, ...]] = []
        self._items: dict[str, CurveItems] = {}
        self._drawn: dict[str, FloatArray] = {}
        self._chosen: dict[str, bool] = {}
        self._smooth = True
        self._logarithmic = False
        self._limits = (-math.inf, math.inf)
        self._steps = (0.0, 1.0)
        self._cursor_x: float | None = None
        self.title = QLabel(title)
        self.title.setProperty("role", "section")
        self.title.setFixedSize(TITLE_WIDTH, HEIGHT)
        self.legend = CurveLegend(theme)
        self.view = pg.PlotWidget(axisItems={"left": RoundAxis("left")})
        self.plot: Any = self.view.getPlotItem()
        self._grid = PlotGrid(self.plot)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._resized = Debouncer(self, self._place, pause_ms=RESIZED_MS)
        self._grid.setVisible(False)
        self._empty = QLabel(empty, self.view, wordWrap=True)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._build()
        scene: Any = self.view.scene()
        self.legend.toggled.connect(self._toggle)
        scene.sigMouseClicked.connect(self._click)
        theme.changed.connect(self._paint)
        self._paint()

    def set_curves(self, curves: list[Curve]) -> None:
        """Show exactly these curves; those that have not grown are not painted again."""
        shape: list[tuple[object, ...]] = [
            (c.key, c.of, c.name, c.style, c.shown, c.best, len(c.x), tuple(c.x[-1:])) for c in curves
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
        self._logarithmic = logarithmic
        self.plot.getAxis("left").setLogMode(y=logarithmic)
        self._draw()

    def set_limits(self, low: float, high: float) -> None:
        """Keep the vertical axis within these values."""
        self._limits = (low, high)

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

    def show_steps(self, low: float, high: float) -> None:
        """Show these steps, as high as the curves that are visible there."""
        if (low, high) != self._steps:
            self._steps = (low, high)
            self._place()

    def show_step_axis(self, visible: bool) -> None:
        """Write the steps below; in a stack only the lowest plot does."""
        axis = self.plot.getAxis("bottom")
        axis.setStyle(showValues=visible)
        axis.setHeight(LABELLED_AXIS_HEIGHT if visible else AXIS_HEIGHT)
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
        self.view.setMinimumHeight(LEAST_HEIGHT)
        self.view.setFrameShape(self.view.Shape.NoFrame)
        self.view.viewport().installEventFilter(self)
        quiet_menu(self.plot, self)
        self.plot.setContentsMargins(4, 4, 16, 4)
        self.plot.getAxis("left").setWidth(AXIS_WIDTH)
        box = self.plot.getViewBox()
        box.disableAutoRange()
        box.setMouseEnabled(x=True, y=False)
        box.sigRangeChangedManually.connect(lambda _axes: self.zoomed.emit(*box.viewRange()[0]))
        self.plot.addItem(self._line, ignoreBounds=True)
        self._line.hide()

    def _draw(self) -> None:
        for key, curve in self._curves.items():
            if key not in self._items:
                self._items[key] = CurveItems(self.plot)
            self._drawn[key] = smoothed(curve.y) if self._smooth and curve.noisy else curve.y
        self.legend.set_curves(
            [(key, curve.name, curve.style, self._is_shown(curve)) for key, curve in self._curves.items()]
        )
        is_empty = not any(len(curve.x) for curve in self._curves.values())
        self._empty.setVisible(is_empty)
        self._grid.setVisible(not is_empty)
        self._place()
        self.set_cursor(self._cursor_x)

    def _place(self) -> None:
        """Put what is visible of the curves into the view, which fits it.

        The range is set once, by hand: left to itself the view finds it while it is painted, which has
        everything painted again, up to five times for one new value.
        """
        self._resized.stop()
        heights: list[FloatArray] = []
        for key, curve in self._curves.items():
            drawn = self._drawn[key]
            if not self._is_shown(curve):
                self._items[key].set_visible(False)
                continue
            line = self._visible(curve.x, drawn)
            raw = None if drawn is curve.y else self._visible(curve.x, curve.y)
            self._items[key].show(curve, line, raw)
            heights += [points[:, 1] for points in (line, raw) if points is not None]
        low, high = round_range(np.concatenate([*heights, np.empty(0)]))
        low, high = max(low, self._limits[0]), min(high, self._limits[1])
        box = self.plot.getViewBox()
        box.setRange(xRange=self._steps, yRange=(low, high), padding=0)
        box.prepareForPaint()

    def _visible(self, x: FloatArray, y: FloatArray) -> FloatArray:
        if self._logarithmic:
            y = np.log10(np.where(y > 0, y, np.nan))
        return visible_points(x, y, *self._steps, columns=self.view.width())

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
        paint_plot(self.view, self._grid, self._theme.tokens, self.font())
        self._line.setPen(pg.mkPen(self._theme.tokens.line_strong, width=1))

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # type: ignore[override]
        # The scene's own signal leaves out moves that come soon after another, the last one as well.
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._hover(self.view.mapToScene(event.position().toPoint()))
        elif event.type() == QEvent.Type.Leave:
            self.cursor_moved.emit(None)
        elif isinstance(event, QResizeEvent):
            self._empty.setGeometry(self.view.rect().adjusted(AXIS_WIDTH + 8, 4, -16, -24))
            if event.size().width() != event.oldSize().width():
                self._resized.ask()
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
    """The end of an axis that reaches ``last``: the next round number, so that it moves only now and then."""
    power = 10.0 ** math.floor(math.log10(max(last, 1.0)))
    return next(end * power for end in ROUND_ENDS if end * power >= last)


def round_range(values: FloatArray) -> tuple[float, float]:
    """Round limits around the numbers among ``values``, not close above them; 0 to 1 where there is none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    span = high - low or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span)) / 2
    return math.floor(low / step) * step, (math.floor(high / step + 0.1) + 1) * step
