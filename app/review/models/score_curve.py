"""What a plot of scores shows of one class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtGui import QColor

from app.services.figures import ratio_text
from app.services.theme import Theme, visible_on
from detcore.evaluation.curves import f1_along, hits_along
from detcore.evaluation.thresholds import OperatingPoints, points_along
from detcore.types import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreCurve:
    """Precision and recall after each detection, (N,) each, highest score first. Only the last of equal scores
    is what a threshold gives.

    ``class_id`` is ``None`` for all classes together; ``color`` is ``None`` for the theme's text colour.
    """

    class_id: int | None
    name: str
    color: QColor | None
    scores: FloatArray
    precision: FloatArray
    recall: FloatArray

    def color_in(self, theme: Theme) -> QColor:
        return theme.color("text") if self.color is None else visible_on(self.color, theme.color("panel"))

    def shows_same(self, other: ScoreCurve) -> bool:
        """Whether it looks like another one and has its very points."""
        looks = (self.class_id, self.name, self.color) == (other.class_id, other.name, other.color)
        return looks and self.scores is other.scores and self.recall is other.recall

    def f1(self) -> FloatArray:
        """(N,) harmonic mean; 0 where both are 0."""
        return f1_along(self.precision, self.recall)

    def hits(self) -> BoolArray:
        """(N,) which detections found an object."""
        return hits_along(self.recall)

    def best(self) -> tuple[float | None, float]:
        """The threshold of the highest F1 and that F1; ``None`` and 0 where nothing is found."""
        best = points_along(self.scores, self.recall).best_f_beta()
        return (None, 0.0) if best is None else (best.threshold, best.f1)

    def at_thresholds(self) -> ScoreCurve:
        """The points that a threshold can give, of equal scores the last."""
        last = np.diff(self.scores, append=-np.inf) != 0
        if last.all():
            return self
        return replace(
            self, scores=self.scores[last], precision=self.precision[last], recall=self.recall[last]
        )

    def points(self, image_count: int) -> OperatingPoints:
        """What each threshold gives on so many images."""
        return points_along(self.scores, self.recall, image_count=image_count)

    def row_at(self, threshold: float) -> int:
        """The last point with a score of at least ``threshold``; -1 when there is none."""
        return len(self.scores) - int(np.searchsorted(self.scores[::-1], threshold, side="left")) - 1

    def readout(self, row: int) -> list[str]:
        """What to say about the threshold of a point: name, threshold, P, R, F1."""
        threshold = float(self.scores[row])
        last = self.row_at(threshold)
        precision, recall = self.precision[last : last + 1], self.recall[last : last + 1]
        values = {
            "Threshold": threshold,
            "Precision": precision.item(),
            "Recall": recall.item(),
            "F1": f1_along(precision, recall).item(),
        }
        return [self.name, *(f"{name} {ratio_text(value, digits=3)}" for name, value in values.items())]
