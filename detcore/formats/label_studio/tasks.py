"""Tasks as Label Studio exports them: as JSON, as JSON-MIN, or as its target storage keeps single annotations."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from detcore.formats.common.json_files import Json, as_object, without
from detcore.formats.common.text import foreign_parts
from detcore.images.decoding import EXTENSIONS

_ANNOTATIONS = ("annotations", "completions")
_PREFIX_LENGTH = 8
"""Characters that uploads get before their name, and a hyphen."""
_OF_A_ROW = ("annotation_id", "annotator", "created_at", "updated_at", "lead_time")


def tasks_of(content: Any) -> list[Json]:
    """The tasks in a file, all in the form of a full export: ``data``, ``annotations``, ``predictions``; none where it
    holds something else. Rows of JSON-MIN of one task are its annotations."""
    items = cast("list[Any]", content) if isinstance(content, list) else [content]
    entries = [cast(Json, item) for item in items if isinstance(item, dict)]
    if any(isinstance(entry.get("data"), dict) for entry in entries):
        return [_task(entry) for entry in entries if isinstance(entry.get("data"), dict)]
    if any(isinstance(as_object(entry.get("task")).get("data"), dict) for entry in entries):
        return [
            {**as_object(entry["task"]), "annotations": [without(entry, "task")], "predictions": []}
            for entry in entries
            if isinstance(as_object(entry.get("task")).get("data"), dict)
        ]
    if any(_regions_of_row(entry) for entry in entries):
        return _tasks_of_rows(entries)
    return []


def newest(annotations: list[Json]) -> Json | None:
    """The annotation that was changed last of those that are not cancelled; of equal ones the last."""
    valid = [item for item in annotations if not item.get("was_cancelled") and not item.get("skipped")]
    return max(reversed(valid), key=_changed_at) if valid else None


def image_key(task: Json) -> str:
    """The key of a task's ``data`` that names the image; "" where none does."""
    data = as_object(task.get("data"))
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    for key, value in texts.items():
        parts = image_parts(value)
        if parts and Path(parts[-1]).suffix.lower() in EXTENSIONS:
            return key
    return next((key for key in ("image", "img", "url") if key in texts), "")


def image_parts(written: str) -> tuple[str, ...]:
    """The parts of the path that an image has in Label Studio: of an upload, of a local file, or in a bucket."""
    try:
        address = urlsplit(written)
        query = parse_qs(address.query)
    except ValueError:  # no address at all
        return foreign_parts(written)
    if "d" in query:
        return foreign_parts(query["d"][0])
    if "fileuri" in query:
        return image_parts(_decoded(query["fileuri"][0]))
    if address.scheme == "data":
        return ()
    return foreign_parts(unquote(address.path if address.scheme or address.query else written))


def without_prefix(name: str) -> str:
    """The name of an upload as it was before Label Studio put eight characters before it."""
    head, hyphen, rest = name.partition("-")
    is_prefix = len(head) == _PREFIX_LENGTH and all(letter in "0123456789abcdef" for letter in head)
    return rest if hyphen and is_prefix and rest else name


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def _task(entry: Json) -> Json:
    found = next((entry[key] for key in _ANNOTATIONS if isinstance(entry.get(key), list)), None)
    if found is None and isinstance(entry.get("result"), list):
        found = [{"result": entry["result"]}]
    return {**without(entry, *_ANNOTATIONS, "result"), "annotations": found}


def _changed_at(annotation: Json) -> datetime:
    for key in ("updated_at", "created_at"):
        try:
            moment = datetime.fromisoformat(str(annotation.get(key)))
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)


def _regions_of_row(row: Json) -> dict[str, list[Json]]:
    """The lists of regions in a row of JSON-MIN, by the name of what they were drawn with."""
    found: dict[str, list[Json]] = {}
    for key, value in row.items():
        items = cast("list[Any]", value) if isinstance(value, list) else []
        regions = [cast(Json, item) for item in items if isinstance(item, dict) and "original_width" in item]
        if regions:
            found[key] = regions
    return found


def _tasks_of_rows(rows: list[Json]) -> list[Json]:
    tasks: dict[str, Json] = {}
    for row in rows:
        regions = _regions_of_row(row)
        data = {key: value for key, value in row.items() if key not in {"id", *_OF_A_ROW, *regions}}
        task = tasks.setdefault(
            repr(row.get("id", data)), {"data": data, "annotations": [], "predictions": []}
        )
        if "id" in row:
            task["id"] = row["id"]
        annotation = {key: row[key] for key in ("created_at", "updated_at", "lead_time") if key in row}
        if "annotation_id" in row:
            annotation["id"] = row["annotation_id"]
        if "annotator" in row:
            annotation["completed_by"] = row["annotator"]
        annotation["result"] = [item for key, items in regions.items() for item in _results(key, items)]
        task["annotations"].append(annotation)
    return list(tasks.values())


def _results(name: str, regions: list[Json]) -> Iterator[Json]:
    outer = ("original_width", "original_height", "image_rotation")
    for region in regions:
        kind = next((key for key in region if key.endswith("labels")), "")
        shared = {key: region[key] for key in outer if key in region}
        yield {"from_name": name, "type": kind, **shared, "value": without(region, *outer)}
