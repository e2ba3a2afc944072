"""What a confidence threshold is chosen for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.services.figures import counted, ratio_text, short_text
from detcore.evaluation.thresholds import OperatingPoint, OperatingPoints


class Measure(StrEnum):
    F_BETA = "F"
    PRECISION = "precision"
    FPPI = "false positives per image"


@dataclass(frozen=True, kw_only=True)
class ThresholdGoal:
    """``value`` is the beta of F, the precision to reach, or the false positives per image that are
    allowed."""

    measure: Measure
    value: float

    @property
    def short(self) -> str:
        """For the head of a narrow column."""
        value = short_text(self.value)
        return {
            Measure.F_BETA: f"F{value}",
            Measure.PRECISION: f"P ≥ {value.removeprefix('0')}",
            Measure.FPPI: f"≤ {value.removeprefix('0')} FP",
        }[self.measure]

    @property
    def title(self) -> str:
        if self.measure is Measure.F_BETA:
            return f"Highest {self.short}{_WEIGHTS[self.value]}"
        if self.measure is Measure.PRECISION:
            return f"Precision of at least {self.value:.0%}"
        return f"At most {_per_image(self.value)}"

    @property
    def explanation(self) -> str:
        """The sentence that says which threshold it is."""
        if self.measure is Measure.F_BETA:
            return f"The confidence threshold at which {self.short} is highest"
        if self.measure is Measure.PRECISION:
            return f"The threshold that finds most with a precision of at least {self.value:.0%}"
        return f"The threshold that finds most with at most {_per_image(self.value)}"

    def best(self, points: OperatingPoints) -> OperatingPoint | None:
        """The point that serves it best; ``None`` if none does."""
        if self.measure is Measure.F_BETA:
            return points.best_f_beta(self.value)
        if self.measure is Measure.PRECISION:
            return points.for_precision(self.value)
        return points.for_fppi(self.value)

    def describe(self, point: OperatingPoint) -> str:
        """What the threshold gives."""
        beta = self.value if self.measure is Measure.F_BETA else 1.0
        return (
            f"{self.title}: threshold {ratio_text(point.threshold, digits=3)}\n"
            f"F{short_text(beta)} {ratio_text(point.f_beta(beta), digits=3)}, "
            f"precision {ratio_text(point.precision, digits=3)}, recall {ratio_text(point.recall, digits=3)}, "
            f"{ratio_text(point.fppi)} false positives per image\n"
            "A click sets it"
        )


def _per_image(number: float) -> str:
    return counted(number, "false positive per image", "false positives per image")


_WEIGHTS = {1.0: "", 0.5: ": false alarms cost more", 2.0: ": misses cost more"}
F1 = ThresholdGoal(measure=Measure.F_BETA, value=1.0)
GOALS = (
    *(ThresholdGoal(measure=Measure.F_BETA, value=beta) for beta in _WEIGHTS),
    *(ThresholdGoal(measure=Measure.PRECISION, value=target) for target in (0.8, 0.9, 0.95)),
    *(ThresholdGoal(measure=Measure.FPPI, value=most) for most in (0.1, 0.5, 1.0)),
)
