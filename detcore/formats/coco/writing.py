"""Writing COCO so that pycocotools, CVAT and torchvision all read it: ids from 1, one numbering for all
splits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from detcore.boxes import fit
from detcore.collecting import no_collection
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetClass,
    DatasetImage,
    ExportReport,
    Progress,
    count_boxes,
    count_images,
    step,
)
from detcore.formats.common.collect import LARGEST_ID
from detcore.formats.common.copying import ImageCopier
from detcore.formats.common.geometry import span
from detcore.formats.common.naming import unique_names
from detcore.formats.common.shapes import shape_of
from detcore.formats.common.staging import Staging, staged
from detcore.formats.losses import renumbered_classes, repeated_boxes
from detcore.options import option
from detcore.wording import counted

Json = dict[str, Any]

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_NO_SPLIT = "default"
_LICENSE: Json = {"id": 1, "name": "", "url": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoOptions:
    """What is written for evaluators; ``polygon`` has four points."""

    difficult_as_crowd: bool = option(
        False, label="Difficult boxes as crowd", help="COCO evaluators then ignore them"
    )
    polygon: bool = option(
        False,
        label="Write the box as a polygon too",
        help="For evaluators that want a segmentation",
    )


def write_coco(
    dataset: Dataset, out: Path, options: CocoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``annotations`` and ``images`` below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, options, copy_images=copy_images)
    with staged(out, dataset.images, dataset.image_root) as staging, no_collection():
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


def category_ids(classes: Sequence[DatasetClass]) -> list[int]:
    """An id of at least 1 for every class: those of the source where they are such ids, else by position."""
    source_ids = [item.source_id for item in classes if item.source_id is not None]
    if len(set(source_ids)) < len(source_ids) or any(source_id < 1 for source_id in source_ids):
        return list(range(1, len(classes) + 1))
    return _fill([item.source_id for item in classes])


def _fill(ids: Sequence[Any]) -> list[int]:
    """Keep the first use of every whole number from 1; the rest is numbered from after the greatest."""
    valid = [
        value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_ID else None
        for value in ids
    ]
    following = max((value for value in valid if value is not None), default=0) + 1
    taken: set[int] = set()
    result: list[int] = []
    for value in valid:
        if value is None or value in taken:
            value = following
            following += 1
        taken.add(value)
        result.append(value)
    return result


class _Writer:
    def __init__(self, dataset: Dataset, options: CocoOptions, *, copy_images: bool) -> None:
        self._dataset = dataset
        self._options = options
        self._copy_images = copy_images
        self._copier = ImageCopier(enabled=copy_images)
        self._category_ids = category_ids(dataset.classes)
        self._outlines_dropped = 0
        self._renumbered = 0
        self._written: list[DatasetImage] = []
        kept = _coco(dataset.extra)
        self._top_level: Json = {key: value for key, value in kept.items() if key not in {"info", "licenses"}}
        self._info: Json = kept.get("info") or {"description": "", "version": "", "year": 0}
        licenses: Any = kept.get("licenses")
        known = cast("list[Any]", licenses) if isinstance(licenses, list) else []
        self._licenses: list[Json] = [item for item in known if isinstance(item, dict)] or [_LICENSE]

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        names = unique_names([image.name for image in images])
        image_ids = self._numbered([_coco(image.extra).get("id") for image in images])
        box_ids = iter(
            self._numbered([_coco(box.extra).get("id") for image in images for box in image.boxes])
        )
        files: dict[str, tuple[list[str], list[str]]] = {}  # the JSON of each object, which is smaller
        marks: dict[str, Any] = {}
        for done, (image, name, image_id) in enumerate(zip(images, names, image_ids, strict=True)):
            step(progress, done, len(images))
            ids = [next(box_ids) for _ in image.boxes]
            size = self._copier.size_of(image)
            if size is None:
                continue
            split = image.split or _NO_SPLIT
            self._copier.copy(image, staging, f"images/{split}/{name}")
            entries, annotations = files.setdefault(split, ([], []))
            entries.append(_ENCODE(self._image(image, name, image_id, size)))
            annotations += [
                _ENCODE(self._annotation(box, box_id, image_id, size))
                for box, box_id in zip(image.boxes, ids, strict=True)
            ]
            marks[f"images/{split}/{name}"] = {"source": image.name, "verified": image.verified}
            self._written.append(image)
        categories = [_ENCODE(self._category(index)) for index in range(len(self._dataset.classes))]
        head: Json = {"info": self._info, "licenses": self._licenses, **self._top_level}
        for split, (entries, annotations) in files.items():
            lists = {"images": entries, "annotations": annotations, "categories": categories}
            staging.write_text(f"annotations/instances_{split}.json", _object(head, lists) + "\n")
        staging.write_marker("coco", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        images = count_images(self._written)
        losses: list[str] = []
        if self._outlines_dropped:
            boxes = counted(self._outlines_dropped, "box", "boxes")
            losses.append(
                f"{boxes} changed since the import: the imported outline or area no longer fits them."
            )
        notes = self._copier.notes() + repeated_boxes(self._written)
        reason = "COCO's start at 1 and are unique"
        notes += renumbered_classes(self._dataset.classes, self._category_ids, reason)
        if self._renumbered:
            what = counted(self._renumbered, "image or annotation", "images and annotations")
            notes.append(f"{what} got another id: COCO's start at 1 and are unique over all splits.")
        return ExportReport(
            out=out,
            files=files,
            images=images,
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(notes),
        )

    def _numbered(self, imported: Sequence[Any]) -> list[int]:
        """An id for each image or box, that of the import where it will do."""
        ids = _fill(imported)
        self._renumbered += sum(
            old is not None and old != new for old, new in zip(imported, ids, strict=True)
        )
        return ids

    def _category(self, index: int) -> Json:
        item = self._dataset.classes[index]
        return {
            "id": self._category_ids[index],
            "name": item.name,
            "supercategory": "",
            **_coco(item.extra),
        }

    def _image(self, image: DatasetImage, name: str, image_id: int, size: tuple[int, int]) -> Json:
        kept = _coco(image.extra)
        used: Json = {
            "id": image_id,
            "file_name": name if self._copy_images else image.name,
            "width": size[0],
            "height": size[1],
            "license": kept.get("license", self._licenses[0].get("id", 1)),
        }
        return {**used, **{key: value for key, value in kept.items() if key not in used}}

    def _annotation(self, box: DatasetBox, box_id: int, image_id: int, size: tuple[int, int]) -> Json:
        kept = _coco(box.extra)
        imported: Any = kept.pop("bbox", None)
        outline: Any = kept.pop("segmentation", None)
        bbox = [float(box.x1), float(box.y1), span(box.x1, box.x2), span(box.y1, box.y2)]
        area: Any = bbox[2] * bbox[3]
        if _still_fits(box, imported, size):
            area = box.extra.get("area", area)
            if [imported[0] + imported[2], imported[1] + imported[3]] == [box.x2, box.y2]:
                bbox = imported
        elif imported is not None:
            self._outlines_dropped += 1
            outline = None
        shape = None if outline else shape_of(box)
        if shape is not None and shape.kind == "polygon":
            outline = [[edge for point in part for edge in point] for part in shape.parts]
        if not outline:
            corners = [box.x1, box.y1, box.x2, box.y1, box.x2, box.y2, box.x1, box.y2]
            outline = [corners] if self._options.polygon else []
        if "ignore" in kept:
            kept["ignore"] = int(box.difficult)
        crowd = box.crowd or (self._options.difficult_as_crowd and box.difficult)
        flags = {"difficult": box.difficult, "truncated": box.truncated, "occluded": box.occluded}
        used: Json = {
            "id": box_id,
            "image_id": image_id,
            "category_id": self._category_ids[box.label],
            "bbox": bbox,
            "area": area,
            "segmentation": outline,
            "iscrowd": int(crowd),
            "attributes": {**flags, **kept.get("attributes", {})},
        }
        used.update((key, value) for key, value in kept.items() if key not in used)
        return used


def _object(fields: Json, lists: Mapping[str, Sequence[str]]) -> str:
    """The JSON of an object with these fields and lists, of whose items there is the JSON already."""
    parts = [f"{_ENCODE(key)}: {_ENCODE(value)}" for key, value in fields.items() if key not in lists]
    parts += [f"{_ENCODE(key)}: [{', '.join(items)}]" for key, items in lists.items()]
    return f"{{{', '.join(parts)}}}"


def _still_fits(box: DatasetBox, imported: Any, size: tuple[int, int]) -> bool:
    """Whether a box is the one that was imported, so that the imported area and outline are its own."""
    if not isinstance(imported, list):
        return False
    numbers = [value for value in cast("list[Any]", imported) if isinstance(value, int | float)]
    if len(numbers) != 4 or len(cast("list[Any]", imported)) != 4:
        return False
    left, top, width, height = numbers
    inside, _ = fit((left, top, left + width, top + height), width=size[0], height=size[1])
    return inside == box.xyxy


def _coco(extra: Any) -> Json:
    kept: Any = extra.get("coco", {})
    return dict(cast(Json, kept)) if isinstance(kept, dict) else {}
