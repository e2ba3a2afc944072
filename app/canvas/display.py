"""What the canvas is given to show: boxes as columns, with their looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from detcore.types import BoolArray, FloatArray, IntArray


class LineStyle(IntEnum):
    """How the outline of a box is drawn; the number is the value in ``DisplayBoxes.styles``."""

    SOLID = 0
    DASHED = 1
    DOTTED = 2
    DASH_DOTTED = 3
    THIN_DASHED = 4


@dataclass(frozen=True, eq=False)
class DisplayBoxes:
    """Boxes to show over an image, N rows; a later row lies above an earlier one.

    ``ids`` (N,) unique, never 0 (labels use their box ids, detections negative numbers); ``boxes``
    (N, 4) absolute xyxy in image pixels; ``colors`` (N,) 0xAARRGGBB, drawn opaque; ``styles`` (N,)
    values of ``LineStyle``; ``hatched`` (N,); ``names`` N tag texts, "" for no tag; ``editable``
    (N,) whether the user may move, resize and delete the box.
    """

    ids: IntArray
    boxes: FloatArray
    colors: NDArray[np.uint32]
    styles: NDArray[np.uint8]
    hatched: BoolArray
    names: Sequence[str]
    editable: BoolArray

    def __post_init__(self) -> None:
        columns = (self.boxes, self.colors, self.styles, self.hatched, self.names, self.editable)
        if any(len(column) != len(self.ids) for column in columns):
            raise ValueError(f"DisplayBoxes: columns of unequal length {[len(self.ids), *map(len, columns)]}")
        if self.boxes.shape != (len(self.ids), 4):
            raise ValueError(f"DisplayBoxes: boxes of shape {self.boxes.shape}")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls) -> DisplayBoxes:
        return cls(
            ids=np.zeros(0, np.int64),
            boxes=np.zeros((0, 4), np.float64),
            colors=np.zeros(0, np.uint32),
            styles=np.zeros(0, np.uint8),
            hatched=np.zeros(0, np.bool_),
            names=[],
            editable=np.zeros(0, np.bool_),
        )

    @classmethod
    def one(cls, box: Sequence[float], color: int, line_style: LineStyle, name: str = "") -> DisplayBoxes:
        """A single row that is no box of anybody's: a rectangle being drawn."""
        return cls(
            ids=np.zeros(1, np.int64),
            boxes=np.array([box], np.float64),
            colors=np.array([color], np.uint32),
            styles=np.array([line_style], np.uint8),
            hatched=np.zeros(1, np.bool_),
            names=[name],
            editable=np.zeros(1, np.bool_),
        )

    @property
    def proposed(self) -> BoolArray:
        """(N,) which are proposals: detections that the user may take over, as they are or changed."""
        return (self.ids < 0) & self.editable

    def below(self, others: DisplayBoxes) -> DisplayBoxes:
        """These, and others above them."""
        return DisplayBoxes(
            ids=np.concatenate([self.ids, others.ids]),
            boxes=np.concatenate([self.boxes, others.boxes]),
            colors=np.concatenate([self.colors, others.colors]),
            styles=np.concatenate([self.styles, others.styles]),
            hatched=np.concatenate([self.hatched, others.hatched]),
            names=[*self.names, *others.names],
            editable=np.concatenate([self.editable, others.editable]),
        )

    def take(self, rows: IntArray) -> DisplayBoxes:
        """Those rows, in that order."""
        return DisplayBoxes(
            ids=self.ids[rows],
            boxes=self.boxes[rows],
            colors=self.colors[rows],
            styles=self.styles[rows],
            hatched=self.hatched[rows],
            names=[self.names[int(row)] for row in rows],
            editable=self.editable[rows],
        )

    def is_same_as(self, other: DisplayBoxes) -> bool:
        """Whether the two look alike, row for row."""
        return self.has_same(np.arange(len(self)), other, np.arange(len(other)))

    def has_same(self, rows: IntArray, other: DisplayBoxes, others: IntArray) -> bool:
        """Whether some rows look like some rows of another, one for one."""
        columns = ("ids", "boxes", "colors", "styles", "hatched", "editable")
        # names cost most
        return (
            len(rows) == len(others)
            and all(
                np.array_equal(getattr(self, name)[rows], getattr(other, name)[others]) for name in columns
            )
            and all(
                self.names[mine] == other.names[theirs]
                for mine, theirs in zip(rows.tolist(), others.tolist(), strict=True)
            )
        )

    def row_of(self, box_id: int) -> int | None:
        """The row of an id, or ``None``."""
        rows = np.flatnonzero(self.ids == box_id)
        return int(rows[0]) if len(rows) else None

    def rows_of(self, ids: Iterable[int]) -> IntArray:
        """The rows of the ids that are here, in row order."""
        wanted = np.fromiter(ids, np.int64)
        return np.flatnonzero(np.isin(self.ids, wanted)).astype(np.int64)

    def with_geometry(self, rows: IntArray, boxes: FloatArray) -> DisplayBoxes:
        """The same boxes with those rows elsewhere."""
        moved = self.boxes.copy()
        moved[rows] = boxes
        return replace(self, boxes=moved)
