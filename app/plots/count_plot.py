"""A small plot of shares over whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.plots.curve_items import Curve, CurveItems
from app.plots.curve_style import metric_style
from app.plots.plot_grid import PlotGrid, RoundAxis, paint_plot, quiet_menu
from app.services.theme import Theme
from detcore.types import FloatArray

_HEIGHT, _AXIS_WIDTH, _AXIS_HEIGHT = 132, 36, 34
_MARGIN = 0.5


class CountPlot(QWidget):
    """A curve of shares (0 to 1) over 1, 2, 3 …, one point that stands out, and a text below. Nothing in it moves.

    Signals:
        seen(): it has come into sight.
    """

    seen = Signal()

    def __init__(self, title: str, x_title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._curve: FloatArray = np.empty(0)
        self._mark: tuple[float, float] | None = None
        self.title = QLabel(title)
        self.text = QLabel(wordWrap=True)
        for label in (self.title, self.text):
            label.setProperty("role", "small")
        self.view = pg.PlotWidget(axisItems={"left": RoundAxis("left")})
        self.view.setFixedHeight(_HEIGHT)
        self.view.setFrameShape(self.view.Shape.NoFrame)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setAttribute(
            Qt.WidgetAttribute.WA_TransparentForMouseEvents
        )  # the wheel is for what it lies in
        self._plot: Any = self.view.getPlotItem()
        quiet_menu(self._plot, self)
        self._plot.setContentsMargins(0, 4, 4, 0)
        self._plot.getAxis("left").setWidth(_AXIS_WIDTH)
        self._plot.getAxis("bottom").setHeight(_AXIS_HEIGHT)
        self._plot.setLabel("bottom", x_title)
        self._plot.getViewBox().disableAutoRange()
        self._grid = PlotGrid(self._plot)
        self._items = CurveItems(self._plot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.view)
        layout.addWidget(self.text)
        theme.changed.connect(self._paint)
        self._paint()

    @property
    def curve(self) -> FloatArray:
        """(K,) what is drawn, for 1 to K."""
        return self._curve

    @property
    def mark(self) -> tuple[float, float] | None:
        """The point that stands out."""
        return self._mark

    def show_curve(self, curve: FloatArray, mark: tuple[float, float] | None, text: str) -> None:
        """``curve`` (K,) are the shares for 1 to K; ``text`` says what the mark is."""
        self._curve, self._mark = curve, mark
        self.say(text)
        self._draw()

    def say(self, text: str) -> None:
        """Another text, below the same curve."""
        self.text.setText(text)
        self.view.setAccessibleDescription(text)

    def _draw(self) -> None:
        x = np.arange(1.0, len(self._curve) + 1)
        last = max(len(x), 1.0 if self._mark is None else self._mark[0])
        self._plot.getViewBox().setRange(xRange=(1 - _MARGIN, last + _MARGIN), yRange=(0.0, 1.0), padding=0)
        style = metric_style(self._theme.tokens, 0)
        curve = Curve(key="", name="", x=x, y=self._curve, style=style, best=self._mark)
        self._items.show(curve, np.column_stack([x, self._curve]), None)

    def _paint(self) -> None:
        paint_plot(self.view, self._grid, self._theme.tokens, self.font())
        self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()
