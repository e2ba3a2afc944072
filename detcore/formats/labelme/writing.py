"""Writing LabelMe: each image with its JSON file beside it, below a folder of its split."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

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
from detcore.formats.common.json_files import Json, as_object, kept_for, put_back, without
from detcore.formats.common.naming import unique_names
from detcore.formats.common.staging import Staging, staged
from detcore.formats.labelme.drawing import DRAWN, draw, still_drawn
from detcore.formats.losses import BOX_FLAGS, repeated_boxes
from detcore.options import NoOptions

VERSION = "5.5.0"
"""The LabelMe whose fields these are."""


def write_labelme(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write images and JSON files below ``out``; see :class:`detcore.formats.spec.Writer`."""
    images = dataset.images
    names = unique_names([image.name for image in images])
    copier = ImageCopier(enabled=copy_images)
    written: list[DatasetImage] = []
    with staged(out, images, dataset.image_root) as staging:
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            size = copier.size_of(image)
            if size is None:
                continue
            place = f"{image.split}/{name}" if image.split else name
            copier.copy(image, staging, place)
            content = _content(dataset, image, name if copy_images else image.name, size)
            _write(staging, f"{os.path.splitext(place)[0]}.json", content)
            marks[place] = {"source": image.name}
            written.append(image)
        staging.write_marker("labelme", {"images": marks})
        step(progress, len(images), len(images))
    return ExportReport(
        out=out,
        files=len(staging.files),
        images=count_images(written),
        boxes=count_boxes(dataset, written),
        notes=tuple(copier.notes() + repeated_boxes(written)),
    )


def _write(staging: Staging, name: str, content: Json) -> None:
    staging.write_text(name, json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _content(dataset: Dataset, image: DatasetImage, path: str, size: tuple[int, int]) -> Json:
    kept = kept_for(image.extra, "labelme")
    flags = as_object(kept.pop("flags", None))
    if image.verified and image.boxes:
        flags = {**flags, "verified": True}
    if "checked" in kept and image.boxes:
        kept["checked"] = image.verified
    others = kept.pop("others", None)
    shapes = [_shape(box, dataset.classes[box.label].name, size) for box in image.boxes]
    return {
        "version": VERSION,
        **kept,
        "flags": flags,
        "shapes": put_back(shapes, others),
        "imagePath": path,
        "imageData": None,
        "imageHeight": size[1],
        "imageWidth": size[0],
    }


def _shape(box: DatasetBox, name: str, size: tuple[int, int]) -> Json:
    kept = kept_for(box.extra, "labelme")
    others = without(kept, *DRAWN)
    drawn = {key: kept[key] for key in DRAWN if key in kept} if still_drawn(kept, box) else draw(box, size)
    flags = dict(as_object(others.pop("flags", None)))
    for flag in BOX_FLAGS:
        told = getattr(box, flag)
        if flag in flags or (told and flag != "difficult"):
            flags[flag] = told
    if box.difficult or "difficult" in others:
        others["difficult"] = box.difficult
    defaults: Json = {"group_id": None, "description": "", "mask": None}
    return {"label": name, **defaults, **others, **drawn, "flags": flags}
