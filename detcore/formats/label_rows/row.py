"""What one line of a label file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detcore.boxes import Xyxy
from detcore.formats.common.shapes import Shape


class BadRow(ValueError):
    """A line that is no row of the format; its text says why."""


class DetectionRow(BadRow):
    """A line with a confidence: what a detector found is no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object: the name and perhaps the number of its class, the edges of its box in pixels (continuous, as they
    are written, perhaps out of order), its flags and outline. ``kept`` are columns that Reticle does not use."""

    name: str
    corners: Xyxy
    class_id: int | None = None
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False
    crowd: bool = False
    kept: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shape: Shape | None = None


def numbers(columns: Sequence[str]) -> list[float]:
    """The columns as numbers.

    Raises:
        BadRow: one is none.
    """
    try:
        return [float(column) for column in columns]
    except ValueError:
        raise BadRow("a column that should be a number is none") from None


def is_number(column: str) -> bool:
    """Whether a column is a number."""
    try:
        float(column)
    except ValueError:
        return False
    return True


def from_size(left: float, top: float, width: float, height: float) -> Xyxy:
    """The edges of a box that is written as its corner and its size."""
    return left, top, left + width, top + height
