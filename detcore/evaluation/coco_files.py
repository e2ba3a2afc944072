"""Ground truth and results of a detector from COCO's JSON files."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from detcore.boxes import from_sizes
from detcore.errors import EvaluationError
from detcore.evaluation.flat_json import read_flat_records
from detcore.evaluation.problem import positions
from detcore.foreign_ids import IdTable, as_id, number_of
from detcore.types import Detections, FloatArray, GroundTruth, IntArray
from detcore.untrusted_json import parse_json

_LIMIT = 1 << 63

Record = Mapping[str, Any]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFiles:
    """What two files hold. ``gt_box_areas`` and ``det_areas`` are width times height as the files give them,
    without their signs;
    ``gt.difficult`` is COCO's ``ignore`` key; ``notes`` say what was left out or assumed."""

    gt: GroundTruth
    dets: Detections
    gt_box_areas: FloatArray
    det_areas: FloatArray
    image_ids: IntArray
    images: Mapping[int, str]
    classes: Mapping[int, str]
    notes: tuple[str, ...]


def read_coco_files(gt_path: Path, dt_path: Path) -> CocoFiles:
    """Read annotations and a results list as pycocotools' ``loadRes`` does, but for these: an empty list is
    fine; a missing ``area`` is that of the box, a missing ``iscrowd`` 0; and as an import does: the edges of a
    box of negative size are put in order, and ids may be text, which gets a number where it is none.

    Raises EvaluationError for what is no such file and for a detection of an unknown image. Detections of an
    unknown category are left out and counted in ``notes``.
    """
    notes: list[str] = []
    images, classes, gt, gt_box_areas = _read_ground_truth(gt_path, notes)
    dets, det_areas = _read_detections(dt_path, images, classes, notes)
    return CocoFiles(
        gt=gt,
        dets=dets,
        gt_box_areas=gt_box_areas,
        det_areas=det_areas,
        image_ids=np.array(sorted(images.names), dtype=np.int64),
        images=images.names,
        classes=classes.names,
        notes=tuple(notes),
    )


def _read_ground_truth(
    path: Path, notes: list[str]
) -> tuple[_Numbering, _Numbering, GroundTruth, FloatArray]:
    data = _load(path, _read(path))
    if not isinstance(data, dict) or not all(key in data for key in ("images", "annotations", "categories")):
        raise EvaluationError(
            "no COCO ground truth: an object with images, annotations and categories is expected", path=path
        )
    parts = cast("dict[str, object]", data)
    source = _Source(path, "annotation", parts["annotations"])
    images = _Numbering.of(_Source(path, "image", parts["images"]), "file_name")
    classes = _Numbering.of(_Source(path, "category", parts["categories"]), "name")
    rows = source.rows
    boxes = source.boxes()
    _note_negative(boxes, "annotation", notes)
    sides = np.abs(boxes[:, 2] * boxes[:, 3])
    areas = source.numbers("area", missing=sides)
    missing = sum("area" not in row for row in rows)
    if missing:
        notes.append(f"{missing} annotations without area: that of the box was taken")
    ids = source.own_numbers()
    if len(np.unique(ids)) < len(ids):
        notes.append("annotation ids are not unique: each annotation was counted on its own")
    image_ids, labels = source.ids("image_id", images), source.ids("category_id", classes)
    for what, column, known in (("image", image_ids, images), ("category", labels, classes)):
        strangers = np.count_nonzero(column == known.stranger)
        if strangers:
            notes.append(f"{strangers} annotations of an unknown {what} were left out")
    gt = GroundTruth(
        ids=ids,
        image_ids=image_ids,
        labels=labels,
        boxes=from_sizes(boxes),
        areas=areas,
        crowd=np.array([bool(row.get("iscrowd", 0)) for row in rows], dtype=np.bool_),
        difficult=np.array([bool(row.get("ignore", 0)) for row in rows], dtype=np.bool_),
    )
    return images, classes, gt, sides


def _read_detections(
    path: Path, known_images: _Numbering, known_classes: _Numbering, notes: list[str]
) -> tuple[Detections, FloatArray]:
    content = _read(path)
    columns = read_flat_records(content, {"image_id": 1, "category_id": 1, "bbox": 4, "score": 1})
    if columns is None or any((columns[key] % 1).any() for key in ("image_id", "category_id")):
        source = _Source(path, "detection", _listed(_load(path, content)))
        named = source.column("image_id")
        images, labels = source.ids("image_id", known_images), source.ids("category_id", known_classes)
        boxes, scores = source.boxes(), source.numbers("score")
    else:
        named = columns["image_id"][:, 0].astype(np.int64)
        images = known_images.of_numbers(named)
        labels = known_classes.of_numbers(columns["category_id"][:, 0].astype(np.int64))
        boxes, scores = columns["bbox"], columns["score"][:, 0]
    strangers = np.flatnonzero(images == known_images.stranger)
    if len(strangers):
        row = int(strangers[0])
        raise EvaluationError(
            f"detection number {row + 1} is of image {named[row]}, which the ground truth does not have",
            path=path,
            hint="Detections and ground truth must be of the same images",
        )
    unknown = int(np.count_nonzero(labels == known_classes.stranger))
    if unknown:
        notes.append(f"{unknown} detections of an unknown category were left out")
    dets = Detections(
        image_ids=images,
        labels=labels,
        boxes=from_sizes(boxes),
        scores=scores,
    )
    _note_negative(boxes, "detection", notes)
    return dets, np.abs(boxes[:, 2] * boxes[:, 3])


def _note_negative(boxes: FloatArray, kind: str, notes: list[str]) -> None:
    negative = int(np.count_nonzero((boxes[:, 2:] < 0).any(axis=1)))
    if negative:
        kinds = kind if negative == 1 else f"{kind}s"
        notes.append(f"{negative} {kinds} of negative size: the edges were put in order")


def _listed(data: Any) -> object:
    """The list itself; some programs wrap it like ground truth."""
    return cast("dict[str, object]", data).get("annotations") if isinstance(data, dict) else data


class _Source:
    """A list of JSON objects of one file, read column by column; each fault names the file and the id of the
    object, or its number, counted from 1."""

    def __init__(self, path: Path, kind: str, rows: object) -> None:
        if not isinstance(rows, list):
            raise EvaluationError(f"a list of {kind}s is expected", path=path)
        self._path = path
        self._kind = kind
        self.rows = cast("list[Record]", rows)
        for index, row in enumerate(self.rows):
            if not isinstance(row, dict):
                raise EvaluationError(f"{kind} number {index + 1} is not an object", path=path)

    def column(self, key: str) -> list[int | str]:
        """Ids as they are written."""
        return self._column(key, _id, "a whole number or text", None)

    def ids(self, key: str, numbering: _Numbering) -> IntArray:
        """A column of ids of images or categories, by their numbers."""
        return np.array([numbering.number(value) for value in self.column(key)], dtype=np.int64)

    def own_numbers(self) -> IntArray:
        """The id of each object where it is a number, else its place from 1 on."""
        places = list(range(1, len(self.rows) + 1))
        found = [number_of(row.get("id")) for row in self.rows]
        numbers = [
            place if number is None or abs(number) >= _LIMIT else number
            for number, place in zip(found, places, strict=True)
        ]
        return np.array(numbers, dtype=np.int64)

    def numbers(self, key: str, *, missing: FloatArray | None = None) -> FloatArray:
        return np.array(self._column(key, _number, "a number", missing), dtype=np.float64)

    def boxes(self) -> FloatArray:
        """(N, 4) left, top, width, height."""
        values = self._column("bbox", _four_numbers, "four numbers", None)
        return np.array(values, dtype=np.float64).reshape(-1, 4)

    def _column(
        self, key: str, convert: Callable[[Any], Value], kind: str, missing: IntArray | FloatArray | None
    ) -> list[Value]:
        values: list[Value] = []
        for index, row in enumerate(self.rows):
            if key not in row:
                if missing is None:
                    raise self._fault(index, f"has no {key}")
                values.append(convert(missing[index].item()))
                continue
            try:
                values.append(convert(row[key]))
            except (TypeError, ValueError, OverflowError):
                article = "an" if key[0] in "aeiou" else "a"
                message = f"has {article} {key} that is not {kind}: {row[key]!r:.60}"
                raise self._fault(index, message) from None
        return values

    def _fault(self, index: int, what: str) -> EvaluationError:
        own = as_id(self.rows[index].get("id"))
        which = f"number {index + 1}" if own is None else f"with id {own!r:.60}"
        return EvaluationError(f"{self._kind} {which} {what}", path=self._path)


class _Numbering:
    """Numbers for the ids of images or categories, which may be text: an id's own number where no other id has
    it, else a free one. ``names`` are those by number; ``stranger`` stands for any id that is not among them."""

    def __init__(self, keys: Sequence[int | str]) -> None:
        self._numbers = IdTable[int]()
        self._plain = all(isinstance(key, int) for key in keys)
        taken = {key for key in keys if isinstance(key, int)}
        reserved = taken | {number_of(key) for key in keys}
        free = (number for number in itertools.count(1) if number not in reserved)
        for key in keys:
            number = key if isinstance(key, int) else number_of(key)
            if number is None or (isinstance(key, str) and (number in taken or abs(number) >= _LIMIT)):
                number = next(free)
            taken.add(number)
            self._numbers.add(key, number)
        self.stranger = next(number for number in itertools.count(-1, -1) if number not in taken)
        self.names: dict[int, str] = {}

    @classmethod
    def of(cls, source: _Source, key: str) -> _Numbering:
        """That of the objects of a file, which are named by ``key``."""
        ids = source.column("id")
        numbering = cls(ids)
        for value, row in zip(ids, source.rows, strict=True):
            numbering.names[numbering.number(value)] = str(row.get(key, value))
        return numbering

    def number(self, value: int | str) -> int:
        found = self._numbers.find(value)
        return self.stranger if found is None else found

    def of_numbers(self, values: IntArray) -> IntArray:
        """``number`` for a whole column."""
        if self._plain:
            known = np.array(sorted(self.names), dtype=np.int64)
            return np.where(positions(values, known) < 0, self.stranger, values)
        different, places = np.unique(values, return_inverse=True)
        return np.array([self.number(int(value)) for value in different], dtype=np.int64)[places]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _id(value: Any) -> int | str:
    key = as_id(value)
    if key is None or (isinstance(key, int) and abs(key) >= _LIMIT):
        raise ValueError
    return key


def _four_numbers(value: Any) -> tuple[float, float, float, float]:
    left, top, width, height = value
    return _number(left), _number(top), _number(width), _number(height)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvaluationError(f"cannot be read: {error.strerror or error}", path=path) from error


def _load(path: Path, content: bytes) -> Any:
    try:
        return parse_json(content)
    except json.JSONDecodeError as error:
        raise EvaluationError(f"is not JSON: {error.msg}", path=path, line=error.lineno) from error
    except ValueError as error:
        raise EvaluationError(f"is not JSON: {error}", path=path) from error
