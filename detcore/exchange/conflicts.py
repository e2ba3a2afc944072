"""Boxes of a dataset that lie where a project has another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from detcore.boxes import greedy_pairs, iou
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem
from detcore.project.reading import ProjectReader
from detcore.types import Box

_SAME_PLACE = 0.5
"""Overlap from which two boxes are of one object."""
_SAME_EDGES = 0.01
"""Pixels within which a box is the one that is there already, as an import has it."""
_AT_ONCE = 1000


class Settle(StrEnum):
    """Which box stays where both have one of an object and they differ."""

    BOTH = "both"
    MINE = "mine"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two boxes of one object that differ in their class or their edges; ``place`` is that of theirs in its image."""

    image: DatasetImage
    place: int
    theirs: DatasetBox
    mine: Box
    classes: tuple[str, str]  # theirs and mine

    def problem(self, settle: Settle) -> Problem:
        """What is said of it."""
        theirs, mine = self.classes
        what = f"a box of “{theirs}” where the project has “{mine}”"
        if theirs == mine:
            what = f"a box of “{theirs}” where the project has another one"
        fate = {
            Settle.BOTH: "both are kept",
            Settle.MINE: "that of the project is kept",
            Settle.THEIRS: "that of the project is replaced",
        }
        return Problem(path=self.image.path, message=f"{what}: {fate[settle]}")


def find_conflicts(dataset: Dataset, project: ProjectReader) -> list[Conflict]:
    """Boxes that lie on one of the project's, each on the one that it overlaps most, and are not the same."""
    known = project.image_ids_by_path()
    shared = [
        (image, image_id)
        for image in dataset.images
        if image.boxes and (image_id := known.get(project.stored_path(image.path))) is not None
    ]
    names = {item.id: item.name for item in project.classes()}
    found: list[Conflict] = []
    for start in range(0, len(shared), _AT_ONCE):
        part = shared[start : start + _AT_ONCE]
        boxes: dict[int, list[Box]] = {}
        for box in project.all_boxes([image_id for _, image_id in part]):
            boxes.setdefault(box.image_id, []).append(box)
        for image, image_id in part:
            found += _of_image(dataset, image, boxes.get(image_id, ()), names)
    return found


def settled(
    dataset: Dataset, conflicts: Sequence[Conflict], settle: Settle
) -> tuple[Dataset, tuple[int, ...]]:
    """The dataset as it comes in, and the ids of the project's boxes that go."""
    if settle is Settle.THEIRS:
        return dataset, tuple(conflict.mine.id for conflict in conflicts)
    if settle is Settle.BOTH:
        return dataset, ()
    left_out: dict[str, set[int]] = {}
    for conflict in conflicts:
        left_out.setdefault(str(conflict.image.path), set()).add(conflict.place)
    images = [
        replace(
            image,
            boxes=[box for place, box in enumerate(image.boxes) if place not in left_out[str(image.path)]],
        )
        if str(image.path) in left_out
        else image
        for image in dataset.images
    ]
    return replace(dataset, images=images), ()


def _of_image(
    dataset: Dataset, image: DatasetImage, mine: Sequence[Box], names: dict[int, str]
) -> list[Conflict]:
    if not mine:
        return []
    theirs = list(image.boxes)
    overlaps = iou(
        np.array([box.xyxy for box in theirs], np.float64), np.array([box.xyxy for box in mine], np.float64)
    )
    found: list[Conflict] = []
    for place, row in greedy_pairs(overlaps, least=_SAME_PLACE):
        one, other = theirs[place], mine[row]
        classes = (dataset.classes[one.label].name, names[other.class_id])
        apart = max(abs(a - b) for a, b in zip(one.xyxy, other.xyxy, strict=True))
        if classes[0] != classes[1] or apart > _SAME_EDGES:
            found.append(Conflict(image=image, place=place, theirs=one, mine=other, classes=classes))
    return found
