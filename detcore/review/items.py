"""The items of a queue at every threshold at once, and those that are listed at one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind, ItemType
from detcore.types import BoolArray, FloatArray, IntArray


def detection_key(row: int) -> int:
    """The key of a detection; the canvas knows it by the same number."""
    return -(row + 1)


def detection_row(key: int) -> int:
    return -key - 1


@dataclass(frozen=True, kw_only=True)
class ErrorItem:
    """One of them; what the fields say is said in ErrorItems."""

    key: int
    kind: ErrorKind
    type: ItemType
    partner: int
    value: float = 0.0
    order: SortOrder = SortOrder.WORST


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorItems:
    """N items: ``keys`` (N,) are box ids of labels, or -(row + 1) of detections; ``kinds`` and ``types``
    (N,); ``partners`` (N,) key of the label that a detection was meant for or has found, or of the detection
    that was meant for a label, 0 for none; ``judged`` (N,) whether it has a verdict; ``image_ids`` (N,);
    ``values`` (N,) by which they are sorted in ``order``, the smallest first.

    A detection counts up to its score, and a label is missed above the score of what found it, whatever else
    happens to the threshold. So an item is listed at thresholds above ``low`` (N,) and up to ``high`` (N,),
    and none of it is computed anew when the threshold moves. A label that something was meant for is two
    items: with that partner, and without it above its score. What depends on the threshold in other ways
    holds at ``threshold`` only; ``None`` is any.
    """

    keys: IntArray
    kinds: NDArray[np.uint8]
    types: NDArray[np.uint8]
    partners: IntArray
    judged: BoolArray
    image_ids: IntArray
    values: FloatArray
    low: FloatArray
    high: FloatArray
    order: SortOrder
    threshold: float | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def holds_at(self, threshold: float) -> bool:
        return self.threshold is None or self.threshold == threshold

    def at(self, threshold: float) -> ErrorRows:
        """Those that are listed at a threshold at which they hold."""
        return ErrorRows(items=self, rows=self.listed(threshold), threshold=threshold)

    def listed(self, threshold: float) -> IntArray:
        """Rows, ascending."""
        return np.flatnonzero((self.low < threshold) & (threshold <= self.high))

    def taken(self, rows: IntArray | BoolArray, *, threshold: float | None = None) -> ErrorItems:
        """Some of the rows; with a ``threshold`` they hold there only."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS}, threshold=threshold)

    def spliced(self, gone: IntArray, places: IntArray, new: ErrorItems) -> ErrorItems:
        """Without the rows ``gone``, and with the items ``new`` (M,) before the rows ``places`` (M,); both
        ascending."""
        cuts = np.unique(np.concatenate([np.array([0, len(self)]), gone, gone + 1, places]))
        is_kept = ~np.isin(cuts[:-1], gone)
        due = np.searchsorted(places, cuts, side="right").tolist()
        # stretches of new and old rows in turn; one copy of each column is all that is made
        pieces: list[tuple[ErrorItems, slice]] = []
        done = 0
        for place, (start, end) in enumerate(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)):
            pieces.append((new, slice(done, due[place])))
            done = due[place]
            if is_kept[place]:
                pieces.append((self, slice(start, end)))
        pieces.append((new, slice(done, len(new))))
        return replace(
            self,
            **{name: np.concatenate([getattr(of, name)[part] for of, part in pieces]) for name in _COLUMNS},
        )

    @classmethod
    def empty(cls) -> ErrorItems:
        none, nothing, nowhere = np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0)
        return cls(
            keys=none,
            kinds=nothing,
            types=nothing,
            partners=none,
            judged=np.zeros(0, np.bool_),
            image_ids=none,
            values=nowhere,
            low=nowhere,
            high=nowhere,
            order=SortOrder.WORST,
        )


_COLUMNS = tuple(name for name in ErrorItems.__dataclass_fields__ if name not in ("order", "threshold"))


@dataclass(frozen=True, eq=False)
class ErrorRows:
    """The list at a threshold: ``rows`` (N,) of ``items``, ascending."""

    items: ErrorItems
    rows: IntArray
    threshold: float

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> ErrorItem:
        items, place = self.items, self.rows[row]
        return ErrorItem(
            key=int(items.keys[place]),
            kind=ErrorKind(int(items.kinds[place])),
            type=ItemType(int(items.types[place])),
            partner=int(items.partners[place]),
            value=float(items.values[place]),
            order=items.order,
        )

    @property
    def order(self) -> SortOrder:
        return self.items.order

    @cached_property
    def keys(self) -> IntArray:
        """(N,)"""
        return self.items.keys[self.rows]

    @cached_property
    def judged(self) -> BoolArray:
        """(N,)"""
        return self.items.judged[self.rows]

    def following(self, keys: Sequence[int]) -> int | None:
        """The key of what comes next once these have been dealt with; ``None`` for nothing."""
        rows = np.flatnonzero(np.isin(self.keys, np.array(keys, np.int64)))
        if not len(rows):
            return None
        waiting = ~self.judged
        waiting[rows] = False
        if not waiting.any():
            # everything has been judged: go on through the list all the same
            waiting[:] = True
            waiting[rows] = False
        first, last = int(rows[0]), int(rows[-1])
        before, after = waiting[:first][::-1], waiting[last + 1 :]
        if after.any():
            return int(self.keys[last + 1 + after.argmax()])
        return int(self.keys[first - 1 - before.argmax()]) if before.any() else None

    @classmethod
    def empty(cls) -> ErrorRows:
        return ErrorItems.empty().at(0.5)
