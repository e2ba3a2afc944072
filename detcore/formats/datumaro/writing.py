"""Writing Datumaro's JSON, in the version 1.0 that Datumaro and CVAT read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetImage,
    ExportReport,
    Progress,
    count_boxes,
    count_images,
    step,
)
from detcore.formats.common.copying import ImageCopier
from detcore.formats.common.geometry import span
from detcore.formats.common.naming import kept_or_unique, kept_subset
from detcore.formats.common.shapes import shape_of, sole_outline
from detcore.formats.common.staging import Staging, staged
from detcore.formats.losses import repeated_boxes
from detcore.options import NoOptions
from detcore.types import Extra
from detcore.wording import counted

Json = dict[str, Any]

FLAGS = {"difficult": "difficult", "truncated": "truncated", "occluded": "occluded", "crowd": "is_crowd"}
"""The attributes that stand for flags, as Datumaro calls them itself."""

_IMAGES = 2  # Datumaro's number for datasets of images
_TYPES: Mapping[str, str] = {"polygon": "polygon", "line": "polyline", "points": "points"}


def write_datumaro(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``annotations`` and ``images`` below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, copy_images=copy_images)
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, *, copy_images: bool) -> None:
        self._dataset = dataset
        self._copy_images = copy_images
        self._copier = ImageCopier(enabled=copy_images)
        self._boxed = 0
        self._unnamed = False
        self._written: list[DatasetImage] = []

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        kept = [_kept(image.extra) for image in images]
        subsets = [
            kept_subset(item.get("subset"), image.split) or "default"
            for image, item in zip(images, kept, strict=True)
        ]
        given = [_object(item.get("image")).get("path") for item in kept]
        names = kept_or_unique(given, [image.name for image in images], subsets, copied=self._copy_images)
        files: dict[str, list[Json]] = {}
        marks: dict[str, Any] = {}
        ids: set[tuple[str, str]] = set()
        for done, (image, item) in enumerate(zip(images, kept, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            subset, name = subsets[done], names[done]
            place = f"images/{subset}/{name}"
            self._copier.copy(image, staging, place)
            told = {**_object(item.get("image")), "path": name, "size": [size[1], size[0]]}
            number = item.get("id")
            if not isinstance(number, str) or (subset, number) in ids:
                number = os.path.splitext(name)[0]
            ids.add((subset, number))
            others: Any = item.get("annotations")
            annotations = [self._annotation(box, size, place) for place, box in enumerate(image.boxes)]
            annotations += cast("list[Json]", others) if isinstance(others, list) else []
            own: Json = {"id": number, "annotations": annotations, "image": told}
            rest = {key: value for key, value in item.items() if key not in {*own, "subset"}}
            files.setdefault(subset, []).append({**own, **rest})
            marks[place] = {"source": image.name, "verified": image.verified}
            self._written.append(image)
        whole = self._whole()
        for subset, items in files.items():
            text = json.dumps({**whole, "items": items}, ensure_ascii=False, allow_nan=False)
            staging.write_text(f"annotations/{subset}.json", text + "\n")
        staging.write_marker("datumaro", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        losses: list[str] = []
        if self._boxed:
            losses.append(
                f"{counted(self._boxed, 'outline')} of several parts, or with another box than its own around it, "
                "written as a box."
            )
        if self._unnamed:
            losses.append(
                "What an import said of keypoints or colours went by numbers of labels that are others now."
            )
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written)),
        )

    def _whole(self) -> Json:
        """All of a file but its items."""
        kept = _kept(self._dataset.extra)
        categories = _object(kept.pop("categories", None))
        told = _object(categories.pop("label", None))
        names = [item.name for item in self._dataset.classes]
        before: Any = told.pop("labels", None)
        earlier = (
            [_object(item).get("name") for item in cast("list[Any]", before)]
            if isinstance(before, list)
            else []
        )
        if categories and earlier != names[: len(earlier)]:
            categories, self._unnamed = {}, True
        labels: list[Json] = [
            {"name": item.name, "parent": "", "attributes": [], **_kept(item.extra)}
            for item in self._dataset.classes
        ]
        own: Json = {"label_groups": [], "attributes": sorted(FLAGS.values())}
        start: Json = {} if kept else {"dm_format_version": "1.0", "media_type": _IMAGES, "infos": {}}
        return {**start, **kept, "categories": {"label": {**own, **told, "labels": labels}, **categories}}

    def _annotation(self, box: DatasetBox, size: tuple[int, int], place: int) -> Json:
        kept = _kept(box.extra)
        attributes = dict(_object(kept.pop("attributes", None)))
        for flag, name in FLAGS.items():
            if getattr(box, flag) or name in attributes:
                attributes[name] = bool(getattr(box, flag))
        mask, around = kept.pop("rle", None), kept.pop("box", None)
        figure = self._figure(box, size)
        if mask is not None and around == list(box.xyxy):
            figure = {"type": "mask", "rle": mask}
        if figure["type"] != "points":
            kept.pop("visibility", None)
        own = {"type": figure.pop("type"), "attributes": attributes, "label_id": box.label}
        return {"id": place, "group": 0, "z_order": 0, **kept, **own, **figure}

    def _figure(self, box: DatasetBox, size: tuple[int, int]) -> Json:
        shape = sole_outline(box, size)
        if shape is not None and shape.kind in _TYPES:
            points = [float(value) for point in shape.parts[0] for value in point]
            return {"type": _TYPES[shape.kind], "points": points}
        if shape is not None and shape.kind == "ellipse":
            return {"type": "ellipse", "points": [float(value) for value in shape.bounds]}
        told = shape_of(box)
        self._boxed += told is not None and told.kind in {*_TYPES, "ellipse"}
        edges = [float(box.x1), float(box.y1), span(box.x1, box.x2), span(box.y1, box.y2)]
        return {"type": "bbox", "bbox": edges}


def _kept(extra: Extra) -> Json:
    return dict(_object(extra.get("datumaro")))


def _object(value: Any) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}
