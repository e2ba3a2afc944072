"""Ground truth and results of a detector from COCO's JSON files."""

from __future__ import annotations

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
from detcore.types import Detections, FloatArray, GroundTruth, IntArray
from detcore.untrusted_json import parse_json

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
    fine; a missing ``area`` is that of the box, a missing ``iscrowd`` 0; the edges of a box of negative size
    are put in order, as an import does.

    Raises EvaluationError for what is no such file and for a detection of an unknown image. Detections of an
    unknown category are left out and counted in ``notes``.
    """
    notes: list[str] = []
    images, classes, gt, gt_box_areas = _read_ground_truth(gt_path, notes)
    image_ids = np.array(sorted(images), dtype=np.int64)
    dets, det_areas = _read_detections(dt_path, image_ids, notes, sorted(classes))
    return CocoFiles(
        gt=gt,
        dets=dets,
        gt_box_areas=gt_box_areas,
        det_areas=det_areas,
        image_ids=image_ids,
        images=images,
        classes=classes,
        notes=tuple(notes),
    )


def _read_ground_truth(
    path: Path, notes: list[str]
) -> tuple[dict[int, str], dict[int, str], GroundTruth, FloatArray]:
    data = _load(path, _read(path))
    if not isinstance(data, dict) or not all(key in data for key in ("images", "annotations", "categories")):
        raise EvaluationError(
            "no COCO ground truth: an object with images, annotations and categories is expected", path=path
        )
    parts = cast("dict[str, object]", data)
    source = _Source(path, "annotation", parts["annotations"])
    images = _names(path, "image", parts["images"], "file_name")
    classes = _names(path, "category", parts["categories"], "name")
    rows = source.rows
    boxes = source.boxes()
    _note_negative(boxes, "annotation", notes)
    sides = np.abs(boxes[:, 2] * boxes[:, 3])
    areas = source.numbers("area", missing=sides)
    missing = sum("area" not in row for row in rows)
    if missing:
        notes.append(f"{missing} annotations without area: that of the box was taken")
    ids = source.whole("id", missing=np.arange(1, len(rows) + 1))
    if len(np.unique(ids)) < len(ids):
        notes.append("annotation ids are not unique: each annotation was counted on its own")
    image_ids, labels = source.whole("image_id"), source.whole("category_id")
    for what, column, known in (("image", image_ids, images), ("category", labels, classes)):
        strangers = np.count_nonzero(positions(column, np.array(sorted(known), dtype=np.int64)) < 0)
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
    path: Path, image_ids: IntArray, notes: list[str], class_ids: Sequence[int]
) -> tuple[Detections, FloatArray]:
    content = _read(path)
    columns = read_flat_records(content, {"image_id": 1, "category_id": 1, "bbox": 4, "score": 1})
    if columns is None or any((columns[key] % 1).any() for key in ("image_id", "category_id")):
        source = _Source(path, "detection", _listed(_load(path, content)))
        images, labels, boxes = source.whole("image_id"), source.whole("category_id"), source.boxes()
        scores = source.numbers("score")
    else:
        images, labels = (
            columns["image_id"][:, 0].astype(np.int64),
            columns["category_id"][:, 0].astype(np.int64),
        )
        boxes, scores = columns["bbox"], columns["score"][:, 0]
    strangers = np.flatnonzero(positions(images, image_ids) < 0)
    if len(strangers):
        row = int(strangers[0])
        raise EvaluationError(
            f"detection {row} is of image {images[row]}, which the ground truth does not have",
            path=path,
            hint="Detections and ground truth must be of the same images",
        )
    unknown = int(np.count_nonzero(positions(labels, np.array(class_ids, dtype=np.int64)) < 0))
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
    """A list of JSON objects of one file, read column by column; each fault names file and index."""

    def __init__(self, path: Path, kind: str, rows: object) -> None:
        if not isinstance(rows, list):
            raise EvaluationError(f"a list of {kind}s is expected", path=path)
        self._path = path
        self._kind = kind
        self.rows = cast("list[Record]", rows)
        for index, row in enumerate(self.rows):
            if not isinstance(row, dict):
                raise self._fault(index, "is not an object")

    def whole(self, key: str, *, missing: IntArray | None = None) -> IntArray:
        """A column of ids."""
        values = self._column(key, _whole, "a whole number", missing)
        return np.array(values, dtype=np.int64)

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
                raise self._fault(index, f"has a {key} that is not {kind}: {row[key]!r:.60}") from None
        return values

    def _fault(self, index: int, what: str) -> EvaluationError:
        return EvaluationError(f"{self._kind} {index} {what}", path=self._path)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number) or abs(value) >= 1 << 63:
        raise ValueError
    return int(value)


def _four_numbers(value: Any) -> tuple[float, float, float, float]:
    left, top, width, height = value
    return _number(left), _number(top), _number(width), _number(height)


def _names(path: Path, kind: str, rows: object, key: str) -> dict[int, str]:
    source = _Source(path, kind, rows)
    ids = source.whole("id").tolist()
    return {number: str(row.get(key, number)) for number, row in zip(ids, source.rows, strict=True)}


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
