"""Whether confidences mean what they say: precision over confidence, in bins."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.plots.curve_style import CurveStyle
from app.plots.plot_painting import PlotLine, PlotMark
from app.plots.unit_plot import UnitPlot
from app.services.figures import counted, ratio_text
from app.services.theme import Theme
from detcore.evaluation.scores import Reliability
from detcore.types import FloatArray


class CalibrationPlot(UnitPlot):
    """A dot for each bin of confidences; on the diagonal they are honest. A click on one asks for the
    threshold at its lower edge."""

    # A bin was clicked: its lower edge.
    threshold_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, x_title="Confidence", y_title="Share that is right", parent=parent)
        self._found: Reliability | None = None
        self._bins: list[int] = []
        self.setAccessibleName("Calibration")
        self.setToolTip(
            "Of detections with 80 % confidence 80 % should be right. Below the diagonal the detector is too "
            "sure of itself. The error is the mean distance from the diagonal, over all detections (D-ECE)."
        )
        self.point_hovered.connect(self._describe)
        self.point_clicked.connect(self._choose)
        theme.changed.connect(self._rebuild)

    def set_reliability(self, found: Reliability | None) -> None:
        self._found = found
        self._bins = [] if found is None else np.flatnonzero(found.counts).tolist()
        self._rebuild()

    def set_threshold(self, threshold: float) -> None:
        self.set_marks(self.marks, rule=threshold)

    def _rebuild(self) -> None:
        found, theme = self._found, self._theme
        ideal = PlotLine(
            style=CurveStyle(theme.color("text_muted"), Qt.PenStyle.DashLine),
            x=np.array([0.0, 1.0]),
            y=np.array([0.0, 1.0]),
            quiet=True,
        )
        if found is None or not self._bins:
            self.set_lines([ideal])
            self.set_marks([], rule=self._rule)
            return
        x, y = _points(found.confidence, self._bins), _points(found.precision, self._bins)
        error = f"Calibration error {ratio_text(found.error, digits=3)}"
        color = theme.color("accent")
        self.set_lines([ideal, PlotLine(style=CurveStyle(color), x=x, y=y)], note=error)
        many = found.counts[self._bins] >= found.counts.sum() / len(found.counts)
        marks = [
            PlotMark(x=at, y=right, color=color, strong=strong)
            for at, right, strong in zip(x.tolist(), y.tolist(), many.tolist(), strict=True)
        ]
        self.set_marks(marks, rule=self._rule)

    def _describe(self, line: int, index: int) -> None:
        if line != 1 or self._found is None:
            return
        found, place = self._found, self._bins[index]
        low, high = (ratio_text(float(found.edges[edge])) for edge in (place, place + 1))
        self.set_readout(
            [
                f"Confidence {low} to {high}",
                counted(int(found.counts[place]), "detection"),
                f"Mean confidence {ratio_text(float(found.confidence[place]), digits=3)}",
                f"Right {ratio_text(float(found.precision[place]), digits=3)}",
            ]
        )

    def _choose(self, line: int, index: int) -> None:
        if line == 1 and self._found is not None:
            self.threshold_chosen.emit(float(self._found.edges[self._bins[index]]))


def _points(values: FloatArray, bins: list[int]) -> FloatArray:
    return np.asarray(values, np.float64)[bins]
