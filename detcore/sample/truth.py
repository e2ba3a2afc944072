"""What is known about a generated sample: the objects, the labels as given, and the errors planted in
them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from detcore.untrusted_json import read_object


class ErrorKind(StrEnum):
    """How a label was spoilt."""

    MISSING = "missing"
    SPURIOUS = "spurious"
    WRONG_CLASS = "wrong_class"
    SHIFTED = "shifted"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBox:
    """An object or a label: ``xyxy`` in pixels; ``truncated`` when the picture's edge cuts it."""

    class_name: str
    xyxy: tuple[float, float, float, float]
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedError:
    """One spoilt label. ``given`` is what the labels say (None: nothing), ``correct`` what they should
    say (None: nothing should be there, or, of a duplicate, the box that is there twice)."""

    kind: ErrorKind
    given: SampleBox | None
    correct: SampleBox | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImage:
    """One picture. ``file`` is posix, relative to the sample's folder. Images that are not verified have
    no labels yet; ``objects`` always lists all that can be seen."""

    file: str
    width: int
    height: int
    verified: bool
    objects: tuple[SampleBox, ...]
    labels: tuple[SampleBox, ...]
    errors: tuple[PlantedError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTruth:
    """The whole sample, as ``truth.json`` holds it."""

    seed: int
    classes: tuple[str, ...]
    images: tuple[SampleImage, ...]

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> SampleTruth:
        """Read what ``save`` wrote."""
        record = read_object(path)
        return cls(
            seed=record["seed"],
            classes=tuple(record["classes"]),
            images=tuple(_image(image) for image in record["images"]),
        )


def _image(record: dict[str, Any]) -> SampleImage:
    errors = tuple(
        PlantedError(
            kind=ErrorKind(error["kind"]),
            given=None if error["given"] is None else _box(error["given"]),
            correct=None if error["correct"] is None else _box(error["correct"]),
        )
        for error in record["errors"]
    )
    return SampleImage(
        file=record["file"],
        width=record["width"],
        height=record["height"],
        verified=record["verified"],
        objects=tuple(_box(box) for box in record["objects"]),
        labels=tuple(_box(box) for box in record["labels"]),
        errors=errors,
    )


def _box(record: dict[str, Any]) -> SampleBox:
    x1, y1, x2, y2 = record["xyxy"]
    return SampleBox(class_name=record["class_name"], xyxy=(x1, y1, x2, y2), truncated=record["truncated"])
