"""Writing a folder that FiftyOne reads as a ``FiftyOneDataset``.

A set that came from FiftyOne goes out with its own documents. Another one is written as FiftyOne did before it gave
its documents versions, which is the form that says no more than there is and which every version still reads.
"""

from __future__ import annotations

import json
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
from detcore.formats.common.naming import kept_or_unique
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import split_of_folder
from detcore.formats.fiftyone.relative import relative_box
from detcore.formats.losses import repeated_boxes
from detcore.options import NoOptions
from detcore.types import Extra

Json = dict[str, Any]

DEFAULT_FIELD = "ground_truth"
FLAGS = {"difficult": "difficult", "truncated": "truncated", "occluded": "occluded", "crowd": "iscrowd"}
"""What FiftyOne's own importers call the flags of a detection."""


def write_fiftyone(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``metadata.json``, ``samples.json`` and ``data`` to ``out``; see :class:`detcore.formats.spec.Writer`."""
    copier, written = ImageCopier(enabled=copy_images), list[DatasetImage]()
    with staged(out, dataset.images, dataset.image_root) as staging:
        _write(dataset, staging, copier, written, copy_images=copy_images, progress=progress)
    return ExportReport(
        out=out,
        files=len(staging.files),
        images=count_images(written),
        boxes=count_boxes(dataset, written),
        notes=tuple(copier.notes() + repeated_boxes(written)),
    )


def _write(
    dataset: Dataset,
    staging: Staging,
    copier: ImageCopier,
    written: list[DatasetImage],
    *,
    copy_images: bool,
    progress: Progress,
) -> None:
    images = dataset.images
    whole = _kept(dataset.extra)
    field = str(whole.get("field") or DEFAULT_FIELD)
    names = [item.name for item in dataset.classes]
    kept = [_kept(image.extra) for image in images]
    given = [str(item.get("filepath", "")).removeprefix("data/") for item in kept]
    places = kept_or_unique(given, [image.name for image in images], [""] * len(images), copied=copy_images)
    samples: list[Json] = []
    marks: dict[str, Any] = {}
    for done, (image, item, name) in enumerate(zip(images, kept, places, strict=True)):
        step(progress, done, len(images))
        size = copier.size_of(image)
        if size is None:
            continue
        place = f"data/{name}"
        copier.copy(image, staging, place)
        metadata = {
            "_cls": "ImageMetadata",
            **_object(item.get("metadata")),
            "width": size[0],
            "height": size[1],
        }
        own: Json = {
            "filepath": place if copy_images else name,
            "tags": _tags(image, item),
            "metadata": metadata,
        }
        detections = [_detection(box, names[box.label], size) for box in image.boxes]
        labels = {"_cls": "Detections", **_object(item.get("around")), "detections": detections}
        rest = {key: value for key, value in item.items() if key not in {*own, "around", field}}
        samples.append({**own, **rest, field: labels})
        marks[place] = {"source": image.name, "verified": image.verified}
        written.append(image)
    contents = {"metadata": _metadata(whole, field, names), "samples": {"samples": samples}}
    for stem, content in contents.items():
        staging.write_text(f"{stem}.json", json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n")
    staging.write_marker("fiftyone", {"images": marks})
    step(progress, len(images), len(images))


def _metadata(whole: Json, field: str, names: list[str]) -> Json:
    """What FiftyOne has to know of the set: that of an import, with the classes that have come since."""
    kept = dict(_object(whole.get("metadata")))
    if not kept:
        return {"media_type": "image", "info": {}, "classes": {field: names}, "default_classes": names}
    known: Any = kept.get("default_classes")
    if isinstance(known, list) and known:
        listed = cast("list[Any]", known)
        kept["default_classes"] = [*listed, *(name for name in names if name not in listed)]
    return kept


def _tags(image: DatasetImage, kept: Json) -> list[str]:
    """The tags of an image, of which one names its split."""
    raw: Any = kept.get("tags")
    tags = [str(tag) for tag in cast("list[Any]", raw)] if isinstance(raw, list) else []
    splits = {tag: split for tag in tags if (split := split_of_folder((tag,)))}
    if next(iter(splits.values()), None) == image.split:
        return tags
    return [tag for tag in tags if tag not in splits] + ([image.split] if image.split else [])


def _detection(box: DatasetBox, name: str, size: tuple[int, int]) -> Json:
    kept = _kept(box.extra)
    bounds = relative_box(box, kept.pop("bounding_box", None), size)
    for flag, key in FLAGS.items():
        value = bool(getattr(box, flag))
        if value or key in kept:
            kept[key] = int(value) if flag == "crowd" else value
    return {"_cls": "Detection", **kept, "label": name, "bounding_box": bounds}


def _kept(extra: Extra) -> Json:
    return dict(_object(extra.get("fiftyone")))


def _object(value: Any) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}
