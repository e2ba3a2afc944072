"""COCO's results: a JSON list of objects with ``image_id``, ``category_id``, ``bbox`` and ``score``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from detcore.boxes import from_sizes
from detcore.errors import FormatError
from detcore.evaluation.flat_json import read_flat_records
from detcore.exchange.detections.raw import Key, RawDetections, Rows, as_number, distinct
from detcore.foreign_ids import as_id
from detcore.formats.base import Progress, step
from detcore.formats.common.text import decode, read_bytes
from detcore.formats.sniffing import json_head
from detcore.types import FloatArray
from detcore.untrusted_json import parse_json

_KEYS = ("image_id", "category_id", "bbox", "score")
_WIDTHS = {"image_id": 1, "category_id": 1, "bbox": 4, "score": 1}
_ENTRY = "detection number"
_OFTEN = 4096


def is_coco_results(path: Path) -> bool:
    """Whether a file starts as such a list does, wrapped or not. Little of it is read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    head = json_head(path)
    if head is None:
        return False
    keys = head.keys.keys() if head.is_list else head.keys.get("annotations", set())
    return {"image_id", "category_id", "bbox"} <= keys and (head.is_list or "score" in keys)


def read_coco_results(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """See :class:`DetectionReader`. A list that is wrapped as annotations are is read as well."""
    step(progress, 0, 0)
    content = read_bytes(source)
    columns = read_flat_records(content, _WIDTHS)
    if columns is not None and not any((columns[key] % 1).any() for key in ("image_id", "category_id")):
        return _of_columns(source, columns)
    rows = Rows(_ENTRY)
    records = _records(source, content)
    for number, record in enumerate(records, start=1):
        if number % _OFTEN == 0:
            step(progress, number, len(records))
        _add(rows, source, number, record)
    if records and not len(rows):
        raise FormatError(
            f"none of its {len(records):,} entries is a detection ({rows.problems[0].message})", path=source
        )
    return rows.raw()


def _of_columns(source: Path, columns: dict[str, FloatArray]) -> RawDetections:
    images, image_rows = distinct(columns["image_id"][:, 0].astype(np.int64).tolist())
    classes, class_rows = distinct(columns["category_id"][:, 0].astype(np.int64).tolist())
    count = len(image_rows)
    return RawDetections(
        images=images,
        classes=classes,
        image_rows=image_rows,
        class_rows=class_rows,
        boxes=from_sizes(columns["bbox"]),
        scores=columns["score"][:, 0],
        files=[source],
        file_rows=np.zeros(count, np.int64),
        lines=np.arange(1, count + 1),
        lines_are=_ENTRY,
    )


def _records(source: Path, content: bytes) -> list[Any]:
    try:
        data: Any = parse_json(decode(content)[0])
    except json.JSONDecodeError as error:
        raise FormatError(f"broken JSON ({error.msg})", path=source, line=error.lineno) from error
    except ValueError as error:
        raise FormatError(f"broken JSON ({error})", path=source) from error
    if isinstance(data, dict):
        data = cast("dict[str, Any]", data).get("annotations")
    if not isinstance(data, list):
        raise FormatError(
            "no list of detections", path=source, hint=f"Each is an object with {', '.join(_KEYS)}"
        )
    return cast("list[Any]", data)


def _add(rows: Rows, source: Path, number: int, record: Any) -> None:
    if not isinstance(record, dict):
        rows.refuse(source, number, "no object: left out")
        return
    fields = cast("dict[str, Any]", record)
    lacking = [key for key in _KEYS if key not in fields]
    if lacking:
        rows.refuse(source, number, f"no {' and no '.join(lacking)}: left out")
        return
    image, label = (_id(fields[key]) for key in ("image_id", "category_id"))
    box, score = _box(fields["bbox"]), as_number(fields["score"])
    if image is not None and label is not None and box is not None and score is not None:
        rows.add(image, label, box, score, source, number)
        return
    key = next(key for key, read in zip(_KEYS, (image, label, box, score), strict=True) if read is None)
    rows.refuse(source, number, f"{key} is {fields[key]!r:.60}: left out")


def _id(value: Any) -> Key | None:
    key = as_id(value)
    return None if isinstance(key, int) and abs(key) >= 1 << 63 else key


def _box(value: Any) -> tuple[float, float, float, float] | None:
    """Edges, of left, top, width and height."""
    numbers = [as_number(item) for item in cast("list[Any]", value)] if isinstance(value, list) else []
    if len(numbers) != 4 or None in numbers:
        return None
    left, top, right, bottom = from_sizes(np.array([numbers], np.float64))[0].tolist()
    return left, top, right, bottom
