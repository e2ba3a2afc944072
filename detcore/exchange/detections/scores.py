"""Scores as other programs write them, as shares from 0 to 1."""

from __future__ import annotations

from pathlib import Path

from detcore.errors import FormatError
from detcore.types import FloatArray

_ROUNDING = 1e-6
_LEAST_PERCENTAGE = 10.0
"""The highest of some percentages is above: a detector that is never surer than that is of no use, and scores from 0 to 4 are
logits more probably."""


def as_shares(scores: FloatArray, source: Path) -> tuple[FloatArray, str]:
    """(N,) finite scores from 0 to 1, and a sentence on what was done, "" for nothing. Percentages are divided.

    Raises:
        FormatError: they are neither.
    """
    if not len(scores):
        return scores, ""
    low, high = float(scores.min()), float(scores.max())
    if low >= -_ROUNDING and high <= 1 + _ROUNDING:
        return scores.clip(0.0, 1.0), ""
    if low >= 0 and _LEAST_PERCENTAGE < high <= 100:
        return scores / 100.0, f"Scores reach from {low:g} to {high:g}: read as percentages, divided by 100."
    raise FormatError(
        f"scores reach from {low:g} to {high:g}, which are neither shares from 0 to 1 nor percentages",
        path=source,
        hint="Logits have to be made probabilities first (sigmoid or softmax)",
    )
