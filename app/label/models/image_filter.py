"""Which images are listed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from app.services.figures import count_text, counted
from detcore.project.image_rows import STATUSES, ImageList
from detcore.types import BoolArray, IntArray, Status

NO_SPLIT = ""
FLAG_TITLES = {
    "difficult": "Difficult",
    "truncated": "Truncated",
    "occluded": "Occluded",
    "crowd": "Crowd",
}


@dataclass(frozen=True, kw_only=True)
class BoxRange:
    """How many boxes an image has, both ends included; ``most`` None is no end."""

    fewest: int
    most: int | None

    @property
    def title(self) -> str:
        if self.most == 0:
            return "No boxes"
        if self.most is None:
            return f"{counted(self.fewest, 'box', 'boxes')} and more" if self.fewest > 1 else "With boxes"
        most = counted(self.most, "box", "boxes")
        return f"{count_text(self.fewest)} to {most}" if self.fewest < self.most else most


BOX_RANGES = (
    BoxRange(fewest=0, most=0),
    BoxRange(fewest=1, most=None),
    BoxRange(fewest=1, most=1),
    BoxRange(fewest=2, most=9),
    BoxRange(fewest=10, most=None),
    BoxRange(fewest=50, most=None),
)


@dataclass(frozen=True, kw_only=True)
class BoxCondition:
    """What at least one box of an image has to be: of a class (0: any), with a flag ("": any)."""

    class_id: int = 0
    flag: str = ""

    def __bool__(self) -> bool:
        return bool(self.class_id or self.flag)


@dataclass(frozen=True, kw_only=True)
class ImageFilter:
    """All conditions hold at once. ``search`` is a part of the path; ``split`` a name, or ``NO_SPLIT``;
    ``unreadable`` images are those of which is known that they cannot be shown."""

    search: str = ""
    status: Status | None = None
    unreadable: bool = False
    split: str | None = None
    boxes: BoxRange | None = None
    box: BoxCondition = field(default_factory=BoxCondition)

    def keeps(self, images: ImageList, *, unreadable: Collection[int], holding: IntArray | None) -> BoolArray:
        """(N,) which images are listed. ``holding`` are the ids of the images that have a box as ``box``
        says."""
        keep = np.ones(len(images), np.bool_)
        text = self.search.strip().lower()
        if text:
            keep &= np.fromiter((text in path.lower() for path in images.paths), np.bool_, len(keep))
        if self.status is not None:
            keep &= images.statuses == STATUSES.index(self.status)
        if self.unreadable:
            keep &= np.isin(images.ids, list(unreadable))
        if self.split == NO_SPLIT:
            keep &= images.splits < 0
        elif self.split is not None:
            names = images.split_names
            keep &= images.splits == (names.index(self.split) if self.split in names else len(names))
        if self.boxes is not None:
            keep &= images.box_counts >= self.boxes.fewest
            if self.boxes.most is not None:
                keep &= images.box_counts <= self.boxes.most
        if holding is not None:
            keep &= np.isin(images.ids, holding)
        return keep
