"""The nouns of Reticle, shared by every part of it.

Frames of reference: an image is what a viewer shows, that is with its EXIF orientation applied.
A box is given by continuous edges in pixels of that image, ``0 <= x1 < x2 <= width``.
Ids are those of the project's rows; 0 is never an id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ImageArray = NDArray[np.uint8]
"""(height, width, 3) RGB."""

Extra = Mapping[str, Any]
"""JSON-able fields that an import brought and Reticle keeps for the export."""

SPLITS = ("train", "val", "test")


class Status(StrEnum):
    """How far a person has got with an image."""

    UNSEEN = "unseen"
    IN_PROGRESS = "in_progress"
    VERIFIED = "verified"


class Origin(StrEnum):
    """Where a box came from."""

    HUMAN = "human"
    IMPORT = "import"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of a project.

    ``path`` is posix, relative to the project's image root. ``width`` and ``height`` are ``None``
    until the file has been opened for the first time.
    """

    id: int
    path: str
    width: int | None = None
    height: int | None = None
    status: Status = Status.UNSEEN
    split: str | None = None
    group: str | None = None
    extra: Extra = field(default_factory=dict[str, Any])

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height), when known."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectClass:
    """A class of objects. ``color`` is ``#rrggbb``; ``key`` is the number key 1 to 9 or ``None``."""

    id: int
    name: str
    color: str
    key: int | None = None
    position: int = 0
    source_id: int | None = None
    extra: Extra = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One labelled object. ``run`` and ``score`` are set when ``origin`` is ``MODEL``."""

    id: int
    image_id: int
    class_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False
    crowd: bool = False
    origin: Origin = Origin.HUMAN
    run: str | None = None
    score: float | None = None
    created: float = 0.0
    updated: float = 0.0
    extra: Extra = field(default_factory=dict[str, Any])

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an edit touched, so that each view refreshes only what it shows.

    ``image_list`` is true when images came or went, or the order of the list changed.
    ``box_images`` are the images whose boxes changed in any way. ``settings`` is true when what the project
    keeps of a dataset's whole changed. ``step`` is the number of an edit that was applied,
    which no other edit of the project ever has; 0 of an undo or redo. ``preceded_by`` is what an import that is
    under way had to change before the edit could be made.
    """

    images: frozenset[int] = frozenset()
    boxes: frozenset[int] = frozenset()
    box_images: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()
    verdicts: frozenset[int] = frozenset()
    image_list: bool = False
    settings: bool = False
    text: str = ""
    step: int = field(default=0, compare=False)
    preceded_by: Changes | None = field(default=None, compare=False)

    def __bool__(self) -> bool:
        rows = self.images or self.boxes or self.classes or self.verdicts
        return bool(rows or self.image_list or self.settings)


def _check_columns(name: str, lengths: Sequence[int]) -> None:
    if len(set(lengths)) > 1:
        raise ValueError(f"{name}: columns of unequal length {lengths}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """Labelled boxes as columns, N rows, for matching.

    ``ids`` (N,) box ids, unique; ``image_ids`` (N,), ``labels`` (N,) class ids; ``boxes`` (N, 4)
    absolute xyxy; ``areas`` (N,) in square pixels (of the mask where the source had one);
    ``crowd`` and ``difficult`` (N,) flags.
    """

    ids: IntArray
    image_ids: IntArray
    labels: IntArray
    boxes: FloatArray
    areas: FloatArray
    crowd: BoolArray
    difficult: BoolArray

    def __post_init__(self) -> None:
        columns = (self.ids, self.image_ids, self.labels, self.boxes, self.areas, self.crowd, self.difficult)
        _check_columns("GroundTruth", [len(column) for column in columns])

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: IntArray | BoolArray) -> GroundTruth:
        """The rows of an index array or a mask, in that order."""
        return GroundTruth(
            ids=self.ids[rows],
            image_ids=self.image_ids[rows],
            labels=self.labels[rows],
            boxes=self.boxes[rows],
            areas=self.areas[rows],
            crowd=self.crowd[rows],
            difficult=self.difficult[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[GroundTruth]) -> GroundTruth:
        """One after the other, of one part at least."""
        names = [item.name for item in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """What a model found, as columns, N rows: ``image_ids``, ``labels`` (class ids), ``boxes``
    (N, 4) absolute xyxy, ``scores`` in 0..1. Row numbers identify detections of one run."""

    image_ids: IntArray
    labels: IntArray
    boxes: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        columns = (self.image_ids, self.labels, self.boxes, self.scores)
        _check_columns("Detections", [len(column) for column in columns])

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: IntArray | BoolArray) -> Detections:
        """The rows of an index array or a mask, in that order."""
        return Detections(
            image_ids=self.image_ids[rows],
            labels=self.labels[rows],
            boxes=self.boxes[rows],
            scores=self.scores[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """One after the other."""
        every = [cls.empty(), *parts]
        names = [item.name for item in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in every]) for name in names})

    @classmethod
    def empty(cls) -> Detections:
        return cls(
            image_ids=np.zeros(0, np.int64),
            labels=np.zeros(0, np.int64),
            boxes=np.zeros((0, 4), np.float64),
            scores=np.zeros(0, np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswers:
    """What a model answers at places of labels, before thresholds and suppression, as columns, N rows.

    ``label_ids`` whose box it is, with its ``labels`` (class ids) and ``boxes`` (N, 4) at that time;
    ``image_ids`` where it was put, which is not its own image where it is ``strange``. Scores in 0..1, 0
    without an answer: the highest for the label's class of an answer that lies ``well`` on it (IoU of at
    least 0.5), of one that even lies ``close`` on it (0.65), and of one that lies only ``near`` it (0.3 to
    0.5); the highest for any ``other`` class of one that lies well on it. An answer that lies better on
    another label of the image does not count.
    """

    label_ids: IntArray
    image_ids: IntArray
    strange: BoolArray
    labels: IntArray
    boxes: FloatArray
    well: FloatArray
    close: FloatArray
    other: FloatArray
    near: FloatArray

    def __post_init__(self) -> None:
        _check_columns("LabelAnswers", [len(getattr(self, item.name)) for item in fields(self)])

    def __len__(self) -> int:
        return len(self.label_ids)

    def take(self, rows: IntArray | BoolArray) -> LabelAnswers:
        """The rows of an index array or a mask, in that order."""
        return LabelAnswers(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    @classmethod
    def empty(cls) -> LabelAnswers:
        ids, scores = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return cls(
            label_ids=ids,
            image_ids=ids,
            strange=np.zeros(0, np.bool_),
            labels=ids,
            boxes=np.zeros((0, 4), np.float64),
            well=scores,
            close=scores,
            other=scores,
            near=scores,
        )

    @classmethod
    def joined(cls, parts: Sequence[LabelAnswers]) -> LabelAnswers:
        """One after the other."""
        every = [cls.empty(), *parts]
        names = [item.name for item in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in every]) for name in names})
