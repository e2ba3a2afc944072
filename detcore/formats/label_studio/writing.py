"""Writing Label Studio: one file of tasks, the images, and a labelling set-up for them.

The tasks name images as local files below the export: Label Studio serves them once that folder is its
``LOCAL_FILES_DOCUMENT_ROOT`` and a local storage of the project. Those that were imported from Label Studio keep the
address that they have there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

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
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import Json, as_object, kept_for, put_back, same_box, without
from detcore.formats.common.naming import unique_names
from detcore.formats.common.shapes import Shape, fitted
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import split_of_folder
from detcore.formats.common.xmltree import Node, serialise
from detcore.formats.label_studio.regions import draw_region, read_region
from detcore.formats.label_studio.tasks import image_parts, without_prefix
from detcore.formats.losses import BOX_FLAGS, repeated_boxes
from detcore.options import NoOptions

FLAGS_CONTROL = "flags"
"""The name of the choices that tell the flags of a box."""
_CONTROLS = {
    "rectanglelabels": ("label", "RectangleLabels"),
    "polygonlabels": ("polygon", "PolygonLabels"),
    "ellipselabels": ("ellipse", "EllipseLabels"),
}
"""By the type of a result: the name that it is drawn with, and the tag of that in the labelling set-up."""


def write_label_studio(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``tasks.json``, ``label_config.xml`` and ``images`` below ``out``; see
    :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, copy_images=copy_images)
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, *, copy_images: bool) -> None:
        self._dataset = dataset
        self._copy_images = copy_images
        self._copier = ImageCopier(enabled=copy_images)
        self._written: list[DatasetImage] = []
        self._used: set[str] = set()

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        names = unique_names([image.name for image in images])
        tasks: list[Json] = []
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            place = f"images/{image.split}/{name}" if image.split else f"images/{name}"
            self._copier.copy(image, staging, place)
            tasks.append(self._task(image, place if self._copy_images else image.name, size))
            marks[place] = {"source": image.name}
            self._written.append(image)
        staging.write_text(
            "tasks.json", json.dumps(tasks, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        )
        staging.write_text("label_config.xml", serialise(self._set_up()))
        staging.write_marker("label-studio", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written)),
        )

    def _task(self, image: DatasetImage, place: str, size: tuple[int, int]) -> Json:
        kept = kept_for(image.extra, "label-studio")
        task = dict(as_object(kept.get("task")))
        data = dict(as_object(kept.get("data")))
        key = str(kept.get("key") or "image")
        upload = task.get("file_upload")
        if not any(_is_named(written, place) for written in (data.get(key), upload)):
            data[key] = f"/data/local-files/?d={quote(place)}"
            task.pop("file_upload", None)
        if image.split != split_of_folder((str(data.get("split", "")),)):
            data["split"] = image.split or ""
        others: Any = kept.get("annotations")
        annotations = list(cast("list[Any]", others)) if isinstance(others, list) else []
        if image.labelled or "annotation" in kept:
            first: Any = kept.get("place")
            annotations.insert(first if isinstance(first, int) else 0, self._annotation(image, kept, size))
        predictions = kept.get("predictions", [])
        return {**task, "data": data, "annotations": annotations, "predictions": predictions}

    def _annotation(self, image: DatasetImage, kept: Json, size: tuple[int, int]) -> Json:
        annotation = dict(as_object(kept.get("annotation")))
        results: list[Json] = []
        for number, box in enumerate(image.boxes, 1):
            results += self._results(box, number, size)
        truth = image.verified if image.boxes else annotation.get("ground_truth", False)
        return {
            "was_cancelled": False,
            **annotation,
            "ground_truth": truth,
            "result": put_back(results, kept.get("others")),
        }

    def _results(self, box: DatasetBox, number: int, size: tuple[int, int]) -> list[Json]:
        """A region, and the choices that tell its flags."""
        kept = kept_for(box.extra, "label-studio")
        name = self._dataset.classes[box.label].name
        key, value = str(kept.get("type")), as_object(kept.get("value"))
        if not _still_draws(value, key, box, size):
            kind, value = draw_region(box, size)
            if key not in (kind, "labels"):
                key = kind
                kept.pop("from_name", None)
        labels: Any = kept.get("labels")
        others = cast("list[Any]", labels)[1:] if isinstance(labels, list) else []
        control, _ = _CONTROLS.get(key, ("label", ""))
        if "from_name" not in kept:
            self._used.add(key)
        shared = {
            "original_width": size[0],
            "original_height": size[1],
            "image_rotation": 0,
            "id": f"box{number}",
            "from_name": control,
            "to_name": "image",
            **without(kept, "type", "value", "labels"),
        }
        results: list[Json] = [{**shared, "type": key, "value": {**value, key: [name, *others]}}]
        flags = [flag for flag in BOX_FLAGS if getattr(box, flag)]
        if flags:
            self._used.add(FLAGS_CONTROL)
            told = {**shared, "from_name": FLAGS_CONTROL, "type": "choices"}
            results.append({**told, "value": {**value, "choices": flags}})
        return results

    def _set_up(self) -> Node:
        """The labelling set-up for what did not come from Label Studio."""
        view = Node(tag="View", closed=True)
        view.children.append(Node(tag="Image", attributes={"name": "image", "value": "$image"}, closed=True))
        for key, (control, tag) in _CONTROLS.items():
            if key in self._used or key == "rectanglelabels":
                attributes = {"name": control, "toName": "image"}
                labels = [_leaf("Label", item.name) for item in self._dataset.classes]
                view.children.append(Node(tag=tag, attributes=attributes, children=labels, closed=True))
        if FLAGS_CONTROL in self._used:
            attributes = {"name": FLAGS_CONTROL, "toName": "image", "perRegion": "true", "choice": "multiple"}
            choices = [_leaf("Choice", flag) for flag in BOX_FLAGS]
            view.children.append(Node(tag="Choices", attributes=attributes, children=choices, closed=True))
        return view


def _leaf(tag: str, value: str) -> Node:
    return Node(tag=tag, attributes={"value": value}, closed=True)


def _is_named(written: Any, place: str) -> bool:
    """Whether an address that Label Studio has for an image is that of the file at ``place``, by its name."""
    parts = image_parts(written) if isinstance(written, str) else ()
    return bool(parts) and place.rpartition("/")[2] in {parts[-1], without_prefix(parts[-1])}


def _still_draws(value: Json, key: str, box: DatasetBox, size: tuple[int, int]) -> bool:
    """Whether the value that an import kept draws the very box, so that nobody has changed it since."""
    try:
        region = read_region({"value": {**value, key: ["x"]}}, size) if value else None
    except ValueError:
        return False
    if region is None:
        return False
    outline = region.outline
    if isinstance(outline, Shape):
        inside, _, _ = fitted(outline, Frame(width=size[0], height=size[1]))
        return inside is not None and same_box(inside, box.xyxy)
    return same_box(outline, box.xyxy)
