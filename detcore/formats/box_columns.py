"""Boxes of a large dataset as columns: an object for each box would take ten times the memory, and its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from detcore.boxes import Xyxy
from detcore.formats.base import DatasetBox
from detcore.types import FloatArray
from detcore.untrusted_json import parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxColumns:
    """Boxes of many images, N rows, those of an image one after the other.

    ``labels`` index the classes of the dataset; ``edges`` (N, 4) absolute xyxy; ``crowd`` are 0 or 1, and the other
    flags are not set; ``extras`` are JSON objects without blanks, in ASCII.
    """

    labels: list[int]
    edges: FloatArray
    crowd: list[int]
    extras: list[str]

    def box(self, row: int) -> DatasetBox:
        x1, y1, x2, y2 = self.edges[row].tolist()
        return DatasetBox(
            label=self.labels[row],
            x1=x1,
            y1=y1,
            x2=x2,
            y2=y2,
            crowd=bool(self.crowd[row]),
            extra=parse_json(self.extras[row]),
        )


class BoxRows(Sequence[DatasetBox]):
    """The boxes of one image among those of many: rows ``start`` to ``stop`` of the columns. Each box is made when
    it is asked for."""

    __slots__ = ("columns", "start", "stop")

    def __init__(self, columns: BoxColumns, start: int, stop: int) -> None:
        self.columns = columns
        self.start = start
        self.stop = stop

    @property
    def edges(self) -> list[Xyxy]:
        """The edges of each."""
        return self.columns.edges[self.start : self.stop].tolist()

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, index: int) -> DatasetBox: ...
    @overload
    def __getitem__(self, index: slice) -> list[DatasetBox]: ...
    def __getitem__(self, index: int | slice) -> DatasetBox | list[DatasetBox]:
        rows = range(self.start, self.stop)[index]
        return self.columns.box(rows) if isinstance(rows, int) else [self.columns.box(row) for row in rows]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)  # pyright: ignore[reportUnknownArgumentType]

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def edges_of(boxes: Sequence[DatasetBox]) -> list[Xyxy]:
    """The edges of boxes, which need not be made for it where they are columns."""
    return boxes.edges if isinstance(boxes, BoxRows) else [box.xyxy for box in boxes]


def labels_of(boxes: Sequence[DatasetBox]) -> list[int]:
    """Likewise their labels."""
    if isinstance(boxes, BoxRows):
        return boxes.columns.labels[boxes.start : boxes.stop]
    return [box.label for box in boxes]
