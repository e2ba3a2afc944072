"""What became of the boxes of a label file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detcore.boxes import greedy_pairs, iou
from detcore.formats.in_place import FileBox

_SAME = 0.05
"""Overlap from which two boxes may be one that was moved."""
_SAME_CLASS = 0.5
"""What a common class adds to the overlap: of two candidates the one of the same class was moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One box that was added (no ``before``), removed (no ``after``) or changed. ``place`` is that of the box in the old
    list, ``None`` of one that was added."""

    place: int | None
    before: FileBox | None
    after: FileBox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Where each entry of a new list was in the old one (``None``: nowhere), and the differences."""

    places: tuple[int | None, ...]
    differences: tuple[Difference, ...]


def follow(old: Sequence[FileBox | None], new: Sequence[FileBox | None]) -> Followed:
    """Which box is which: first equal ones in their order, then those that overlap most. Entries that are no boxes are
    followed by their order."""
    places: list[int | None] = [None] * len(new)
    free: dict[FileBox | None, list[int]] = {}
    for place, box in enumerate(old):
        free.setdefault(box, []).append(place)
    for row, box in enumerate(new):
        if free.get(box):
            places[row] = free[box].pop(0)
    left = [place for rest in free.values() for place in rest if old[place] is not None]
    loose = [row for row, place in enumerate(places) if place is None and new[row] is not None]
    differences: list[Difference] = []
    for i, j in greedy_pairs(
        _alikeness([new[row] for row in loose], [old[place] for place in left]), least=_SAME
    ):
        row, place = loose[i], left[j]
        places[row] = place
        differences.append(Difference(place=place, before=old[place], after=new[row]))
    taken = {place for place in places if place is not None}
    differences += [
        Difference(place=place, before=old[place], after=None) for place in left if place not in taken
    ]
    differences += [
        Difference(place=None, before=None, after=box)
        for row, box in enumerate(new)
        if box is not None and places[row] is None
    ]
    return Followed(places=tuple(places), differences=tuple(differences))


def _alikeness(
    new: Sequence[FileBox | None], old: Sequence[FileBox | None]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(N, M): the overlap of each pair, more where the class is the same; 0 where they do not overlap."""
    if not new or not old:
        return np.zeros((len(new), len(old)))
    overlaps = iou(_edges(new), _edges(old))
    same = np.array(
        [[one is not None and other is not None and one.name == other.name for other in old] for one in new]
    )
    return np.where(overlaps > _SAME, overlaps + _SAME_CLASS * same, 0.0)


def _edges(boxes: Sequence[FileBox | None]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([box.xyxy for box in boxes if box is not None], np.float64).reshape(-1, 4)
