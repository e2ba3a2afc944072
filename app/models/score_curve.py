"""What a plot of scores shows of one class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QColor

from app.models.figures import ratio_text
from detcore.evaluation.curves import f1_along
from detcore.evaluation.thresholds import OperatingPoints, points_along
from detcore.types import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreCurve:
    """Precision and recall at each score, (N,) each, highest score first.

    ``class_id`` is ``None`` for all classes together; ``color`` is ``None`` for the theme's text colour.
    """

    class_id: int | None
    name: str
    color: QColor | None
    scores: FloatArray
    precision: FloatArray
    recall: FloatArray

    def shows_same(self, other: ScoreCurve) -> bool:
        """Whether it looks like another one and has its very points."""
        looks = (self.class_id, self.name, self.color) == (other.class_id, other.name, other.color)
        return looks and self.scores is other.scores and self.recall is other.recall

    def f1(self) -> FloatArray:
        """(N,) harmonic mean; 0 where both are 0."""
        return f1_along(self.precision, self.recall)

    def hits(self) -> BoolArray:
        """(N,) which detections found an object."""
        return np.diff(self.recall, prepend=0.0) > 0

    def best(self) -> tuple[float | None, float]:
        """The threshold of the highest F1 and that F1; ``None`` and 0 where nothing is found."""
        f1 = self.f1()
        if not f1.any():
            return None, 0.0
        row = int(f1.argmax())
        return float(self.scores[row]), float(f1[row])

    def points(self, image_count: int) -> OperatingPoints:
        """What each threshold gives on so many images."""
        return points_along(self.scores, self.recall, image_count=image_count)

    def row_at(self, threshold: float) -> int:
        """The last point with a score of at least ``threshold``; -1 when there is none."""
        return len(self.scores) - int(np.searchsorted(self.scores[::-1], threshold, side="left")) - 1

    def readout(self, row: int) -> list[str]:
        """What to say about a point: name, threshold, P, R, F1."""
        return [
            self.name,
            f"Threshold {ratio_text(float(self.scores[row]), digits=3)}",
            f"Precision {ratio_text(float(self.precision[row]), digits=3)}",
            f"Recall {ratio_text(float(self.recall[row]), digits=3)}",
            f"F1 {ratio_text(float(self.f1()[row]), digits=3)}",
        ]
