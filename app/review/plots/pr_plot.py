"""Precision over recall, one curve a class, with the threshold marked on each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.plots.curve_style import CurveStyle
from app.plots.plot_painting import PlotLine, PlotMark
from app.plots.unit_plot import UnitPlot
from app.review.models.score_curve import ScoreCurve
from app.services.theme import Theme

_MOST_NAMES = 6


class PrPlot(UnitPlot):
    """A click on a curve asks for the threshold of that point and for the detection that has it."""

    # A point was clicked: the class id of its curve, None for all together, and its threshold.
    point_chosen = Signal(object, float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, x_title="Recall", y_title="Precision", parent=parent)
        self._curves: Sequence[ScoreCurve] = ()
        self._colors: Sequence[QColor] = ()
        self._chosen: int | None = None
        self._threshold = 0.5
        self.setAccessibleName("Precision over recall")
        self.point_hovered.connect(self._describe)
        self.point_clicked.connect(self._choose)
        theme.changed.connect(self._rebuild)

    def set_curves(self, curves: Sequence[ScoreCurve], *, chosen: int | None) -> None:
        """Show curves; the one of the class ``chosen`` (``None``: all together) stands out."""
        self._curves, self._chosen = curves, chosen
        self._rebuild()

    def set_threshold(self, threshold: float) -> None:
        self._threshold = threshold
        self._mark()

    def _rebuild(self) -> None:
        self._colors = [curve.color_in(self._theme) for curve in self._curves]
        # names beside few curves, since equal contrast brings some colours close for the colour-blind
        named = len(self._curves) <= _MOST_NAMES + 1
        self.set_lines(
            [
                PlotLine(
                    style=CurveStyle(color, width=2.5 if curve.class_id == self._chosen else 1.5),
                    x=curve.recall,
                    y=curve.precision,
                    quiet=self._chosen is not None and curve.class_id != self._chosen,
                    name=curve.name if named and curve.class_id is not None else "",
                )
                for curve, color in zip(self._curves, self._colors, strict=True)
            ]
        )
        self._mark()

    def _mark(self) -> None:
        marks: list[PlotMark] = []
        for curve, color in zip(self._curves, self._colors, strict=True):
            row = curve.row_at(self._threshold)
            strong = curve.class_id == self._chosen
            if row >= 0 and (strong or self._chosen is None):
                x, y = float(curve.recall[row]), float(curve.precision[row])
                marks.append(PlotMark(x=x, y=y, color=color, strong=strong))
        self.set_marks(sorted(marks, key=lambda mark: mark.strong))

    def _describe(self, line: int, index: int) -> None:
        if line >= 0:
            self.set_readout(self._curves[line].readout(index))

    def _choose(self, line: int, index: int) -> None:
        curve = self._curves[line]
        self.point_chosen.emit(curve.class_id, float(curve.scores[index]))
