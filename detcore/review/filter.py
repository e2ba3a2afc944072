"""What the list of a review holds, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from detcore.review.kinds import ERRORS, EVERY_KIND, ErrorKind, ItemType
from detcore.review.picked import PickedBoxes

BACKGROUND_ID = 0
"""Stands for background where a class id is asked for; no class has it."""


class SortOrder(StrEnum):
    """The value is what the user reads."""

    WORST = "Worst first"
    COST = "Costliest first"
    LABEL_ERRORS = "Likely label errors"
    CONFIDENCE = "Highest confidence"
    UNSURE = "Lowest confidence"
    LARGE = "Largest first"
    SMALL = "Smallest first"
    IMAGE = "Image by image"

    @property
    def word(self) -> str:
        """As the command line has it."""
        return self.name.lower().replace("_", "-")


BY_LABELS = frozenset({SortOrder.WORST, SortOrder.COST, SortOrder.LABEL_ERRORS})
"""The orders that mean nothing where there are no labels."""
ORDER_TIPS = {
    SortOrder.WORST: "Where the detector is surest of the opposite of what the labels say",
    SortOrder.COST: "By what AP would gain without the error",
    SortOrder.LABEL_ERRORS: "By how probably the label is wrong.\n"
    "Objects that are found are listed as well where their label may be wrong.",
}


def order_without_labels(order: SortOrder) -> SortOrder:
    """What images without labels are listed by where that order is chosen."""
    return SortOrder.CONFIDENCE if order in BY_LABELS else order


@dataclass(frozen=True, kw_only=True)
class ErrorFilter:
    """``size`` is a place in SIZE_NAMES. ``cell`` is a cell of the confusion matrix, (label, detection) class
    ids with BACKGROUND_ID for background; it then decides alone. ``exact``: the list is what a number counts,
    each box for itself and judged ones as well. ``judged``: what has a verdict is listed all the same.
    ``suspects``: in the order of label errors found objects are listed too, those whose labels may be wrong.
    ``queued``: the kinds that the user has chosen, to which the list goes back from what a number
    opened."""

    kinds: frozenset[ErrorKind] = ERRORS
    class_id: int | None = None
    cell: tuple[int, int] | None = None
    type: ItemType | None = None
    image_id: int | None = None
    size: int | None = None
    picked: PickedBoxes | None = None
    judged: bool = False
    exact: bool = False
    suspects: bool = True
    queued: frozenset[ErrorKind] = ERRORS

    @property
    def is_whole(self) -> bool:
        """Whether the list is all that a number counts, and not a part of it."""
        return self.exact and self.cell is None and self.size is None and self.picked is None

    @property
    def shows_judged(self) -> bool:
        return self.judged or self.exact

    @property
    def joins_pairs(self) -> bool:
        """Whether a missed label and the detection that was meant for it are one item."""
        return self.kinds >= ERRORS and self.cell is None and not self.exact

    def in_order(self, order: SortOrder) -> ErrorFilter:
        """What is listed in that order: that of label errors brings found objects with it."""
        if order is not SortOrder.LABEL_ERRORS or self.exact:
            return self
        found = frozenset({ErrorKind.TP})
        return replace(self, kinds=self.kinds | found if self.suspects else self.kinds - found)

    def widened(self) -> ErrorFilter:
        """The queue of all classes, cells and sizes again, with the kinds that were listed before."""
        return replace(self, class_id=None, cell=None, size=None, picked=None, kinds=self.queued, exact=False)

    def with_kinds(self, kinds: frozenset[ErrorKind], order: SortOrder = SortOrder.WORST) -> ErrorFilter:
        """Those that the user asks for; in the order of label errors found ones are asked for apart."""
        suspects = self.suspects
        if order is SortOrder.LABEL_ERRORS:
            suspects = ErrorKind.TP in kinds
            kinds = kinds & ERRORS or kinds
        return replace(self, kinds=kinds, cell=None, exact=False, type=None, suspects=suspects, queued=kinds)

    def with_class(self, class_id: int | None) -> ErrorFilter:
        return replace(self, class_id=class_id, cell=None, exact=self.exact and self.cell is None)

    def with_type(self, item_type: ItemType | None) -> ErrorFilter:
        return replace(self, type=item_type, cell=None, exact=False)

    def with_image(self, image_id: int | None) -> ErrorFilter:
        return replace(self, image_id=image_id, cell=None, exact=False)

    def with_judged_toggled(self) -> ErrorFilter:
        return replace(self, judged=not self.shows_judged, cell=None, exact=False)

    def counted(self, kinds: frozenset[ErrorKind]) -> ErrorFilter:
        """Exactly the boxes behind a count of these kinds."""
        return replace(
            self, kinds=kinds, cell=None, type=None, image_id=None, size=None, picked=None, exact=True
        )

    def of_size(self, size: int) -> ErrorFilter:
        """Those of one size."""
        return replace(self, size=size)

    def with_cell(self, cell: tuple[int, int]) -> ErrorFilter:
        """Exactly the pairs of a cell."""
        return replace(self.counted(self.kinds), class_id=None, cell=cell)

    def of(self, picked: PickedBoxes) -> ErrorFilter:
        """Exactly these boxes, whatever has become of them."""
        return replace(self.counted(EVERY_KIND), class_id=None, picked=picked)
