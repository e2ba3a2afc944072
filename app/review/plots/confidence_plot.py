"""Precision, recall and F1 over the confidence threshold, with the best F1 marked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.plots.curve_style import CurveStyle
from app.plots.plot_painting import PlotLine, PlotMark
from app.plots.unit_plot import UnitPlot
from app.review.models.score_curve import ScoreCurve
from app.services.figures import ratio_text
from app.services.theme import Theme


class ConfidencePlot(UnitPlot):
    """A click on a curve asks for the threshold below the pointer."""

    # A point was clicked: its threshold.
    threshold_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, x_title="Confidence threshold", y_title="P, R, F1", parent=parent)
        self._curve: ScoreCurve | None = None
        self._best: tuple[float | None, float] = (None, 0.0)
        self._threshold = 0.5
        self.setAccessibleName("Precision, recall and F1 over confidence")
        self.point_hovered.connect(self._describe)
        self.point_clicked.connect(self._choose)
        theme.changed.connect(self._rebuild)

    def set_curve(self, curve: ScoreCurve | None) -> None:
        self._curve = None if curve is None else curve.at_thresholds()
        self._best = (None, 0.0) if curve is None else curve.best()
        self._rebuild()

    def set_threshold(self, threshold: float) -> None:
        self._threshold = threshold
        self._mark()

    def best_threshold(self) -> float | None:
        """The threshold of the highest F1."""
        return self._best[0]

    def _rebuild(self) -> None:
        curve = self._curve
        if curve is None or not len(curve.scores):
            self.set_lines([])
        else:
            theme = self._theme
            looks = (
                ("Precision", curve.precision, "accent", Qt.PenStyle.SolidLine, 1.8),
                ("Recall", curve.recall, "accent", Qt.PenStyle.DashLine, 1.8),
                ("F1", curve.f1(), "text", Qt.PenStyle.SolidLine, 2.5),
            )
            self.set_lines(
                [
                    PlotLine(
                        style=CurveStyle(theme.color(color), dash, width),
                        x=curve.scores,
                        y=values,
                        name=name,
                    )
                    for name, values, color, dash, width in looks
                ]
            )
        self._mark()

    def _mark(self) -> None:
        best, f1 = self._best
        marks: list[PlotMark] = []
        if best is not None:
            marks.append(PlotMark(x=best, y=f1, color=self._theme.color("text"), strong=False))
        self.set_marks(marks, rule=self._threshold)

    def _describe(self, line: int, index: int) -> None:
        if line < 0 or self._curve is None:
            return
        rows = self._curve.readout(index)
        best = self.best_threshold()
        if best is not None:
            rows.append(f"Best F1 at {ratio_text(best, digits=3)}")
        self.set_readout(rows)

    def _choose(self, line: int, index: int) -> None:
        if self._curve is not None:
            self.threshold_chosen.emit(float(self._curve.scores[index]))
