"""How pycocotools and CVAT read COCO."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from detcore.formats.rules.tally import ReaderRules, Tally
from detcore.untrusted_json import parse_json

Json = dict[str, Any]


def _files(folder: Path) -> Iterator[tuple[str, Json]]:
    """Each file of instances with the name of its split."""
    for path in sorted((folder / "annotations").glob("instances_*.json")):
        data: Any = parse_json(path.read_bytes())
        if not isinstance(data, dict):
            raise ValueError(f"{path.name} is no object")
        yield path.stem.removeprefix("instances_"), cast(Json, data)


def _is_id(value: Any) -> bool:
    return type(value) is int and value >= 1


def _box_fault(item: Json) -> str:
    box: Any = item.get("bbox")
    numbers = cast("list[Any]", box) if isinstance(box, list) else []
    if len(numbers) != 4 or not all(
        type(value) in (int, float) and math.isfinite(value) for value in numbers
    ):
        return "“bbox” is not four numbers"
    return "" if numbers[2] > 0 and numbers[3] > 0 else "a box without an area"


def pycocotools(folder: Path, tally: Tally) -> None:
    """``area`` and ``iscrowd`` in each annotation, ids from 1 and unique, a known image and category."""
    used = set[int]()
    for split, data in _files(folder):
        images = {item["id"] for item in data["images"]}
        categories = {item["id"] for item in data["categories"]}
        tally.images += len(images)
        if len(images) != len(data["images"]) or not all(map(_is_id, images)):
            tally.fault("image ids that are no numbers from 1, or not unique", split)
        for item in data["annotations"]:
            where = f"{split}, annotation {item.get('id')}"
            fault = _box_fault(item)
            if not _is_id(item.get("id")) or item["id"] in used:
                fault = "an id that is no number from 1, or used twice"
            elif "area" not in item or "iscrowd" not in item:
                fault = "“area” or “iscrowd” is missing"
            elif item.get("image_id") not in images or item.get("category_id") not in categories:
                fault = "an image or a category that is not there"
            if fault:
                tally.fault(fault, where)
                continue
            used.add(item["id"])
            tally.boxes += 1


def cvat(folder: Path, tally: Tally) -> None:
    """Real whole numbers for ids, no category 0, ``iscrowd`` and ``segmentation`` in each annotation; files lie in
    ``images/<subset>``."""
    for split, data in _files(folder):
        there = set[int]()
        for image in data["images"]:
            if (folder / "images" / split / image["file_name"]).is_file():
                there.add(image["id"])
            else:
                tally.fault(f"the image does not lie in images/{split}", image["file_name"])
        tally.images += len(there)
        for item in data["annotations"]:
            where = f"{split}, annotation {item.get('id')}"
            if item.get("image_id") not in there:
                continue
            if not all(type(item.get(key)) is int for key in ("id", "image_id", "category_id")):
                tally.fault("an id that is no whole number", where)
            elif item["category_id"] == 0:
                tally.fault("category 0, which becomes “unlabeled”", where)
            elif "iscrowd" not in item or "segmentation" not in item:
                tally.fault("“iscrowd” or “segmentation” is missing", where)
            elif fault := _box_fault(item):
                tally.fault(fault, where)
            else:
                if item["segmentation"]:
                    tally.fault("an outline, which comes in as a polygon or a mask", where)
                tally.boxes += 1


COCO_RULES = (
    ReaderRules(reader="pycocotools", check=pycocotools, needs_images=False),
    ReaderRules(reader="CVAT", check=cvat),
)
