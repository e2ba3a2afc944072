"""Writing Pascal VOC in the one form that labelImg, CVAT and torchvision all read back."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
from detcore.formats.common.copying import ImageCopier, is_jpeg
from detcore.formats.common.kept_elements import KeptElements
from detcore.formats.common.naming import unique_names
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import number_text
from detcore.formats.common.xmltree import Node, leaf, serialise
from detcore.formats.losses import repeated_boxes
from detcore.formats.voc.extra import EDGES, WRITTEN
from detcore.formats.voc.lists import UNDIVIDED
from detcore.images.decoding import EXTENSIONS
from detcore.options import option
from detcore.wording import counted

_HOME = "VOCdevkit/VOC2012"
_ONLY_LIST = "train"
"""Where no image has a split, all are in the one list that torchvision opens unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VocOptions:
    """``int`` rounds edges, ``float`` keeps them exactly, ``one_based`` writes the inclusive pixels of the devkit of
    2007. ``jpeg``: JPEG is the only kind that torchvision's reader finds. ``trainval`` adds the list of that name."""

    coordinates: Literal["int", "float", "one_based"] = option(
        "int",
        label="Coordinates",
        choices={
            "int": "Whole pixels",
            "float": "Exact (CVAT)",
            "one_based": "1-based, inclusive (devkit of 2007)",
        },
    )
    jpeg: bool = option(
        False,
        label="Turn other images into JPEG",
        help="torchvision reads only .jpg; quality 95",
    )
    trainval: bool = option(
        False,
        label="List train and val together, too",
        help="trainval.txt, for torchvision; CVAT would take each image twice",
    )


def write_voc(
    dataset: Dataset, out: Path, options: VocOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write ``VOCdevkit/VOC2012`` below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, options, ImageCopier(enabled=copy_images))
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, options: VocOptions, copier: ImageCopier) -> None:
        self._dataset = dataset
        self._options = options
        self._copier = copier
        self._rounded = 0
        self._widened = 0
        self._refused = 0
        self._written: list[DatasetImage] = []
        is_divided = any(image.split is not None for image in dataset.images)
        self._undivided = "default" if is_divided else _ONLY_LIST

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        # torchvision's reader looks for STEM.jpg, so JPEGs of any spelling are called that.
        spelling = {".jpeg": ".jpg", ".jpe": ".jpg", ".jpg": ".jpg"}
        if self._options.jpeg:
            spelling = dict.fromkeys(EXTENSIONS, ".jpg")
        names = unique_names([image.name for image in images], extensions=spelling)
        lists: dict[str, list[str]] = {}
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            stem = os.path.splitext(name)[0]
            self._copier.copy(image, staging, f"{_HOME}/JPEGImages/{name}")
            node = self._annotation(image, name, size)
            staging.write_text(f"{_HOME}/Annotations/{stem}.xml", serialise(node))
            lists.setdefault(image.split or self._undivided, []).append(stem)
            marks[f"{_HOME}/JPEGImages/{name}"] = {"source": image.name}
            self._written.append(image)
        if self._options.trainval:
            lists["trainval"] = [stem for split in ("train", "val") for stem in lists.get(split, [])]
        for split, stems in lists.items():
            staging.write_text(f"{_HOME}/ImageSets/Main/{split}.txt", "".join(f"{stem}\n" for stem in stems))
        rows = ["background:0,0,0::", *(f"{item.name}:::" for item in self._dataset.classes)]
        staging.write_text(f"{_HOME}/labelmap.txt", "".join(f"{row}\n" for row in rows))
        content: dict[str, Any] = {"coordinates": self._options.coordinates, "images": marks}
        if self._undivided == _ONLY_LIST:
            content[UNDIVIDED] = True
        staging.write_marker("voc", content)
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        images = count_images(self._written)
        losses: list[str] = []
        if self._rounded:
            boxes = counted(self._rounded, "box", "boxes")
            losses.append(f"{boxes} rounded to whole pixels; the coordinates “float” keep them exactly.")
        if self._widened:
            losses.append(
                f"{counted(self._widened, 'box', 'boxes')} thinner than a pixel made one pixel wide."
            )
        if self._refused:
            items = counted(self._refused, "element or attribute", "elements or attributes")
            losses.append(f"{items} kept from an import that no XML file can hold.")
        return ExportReport(
            out=out,
            files=files,
            images=images,
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written) + self._notes()),
        )

    def _notes(self) -> list[str]:
        notes: list[str] = []
        other = [image for image in self._written if not is_jpeg(image.name)]
        if other and not self._options.jpeg:
            images = counted(len(other), "image")
            notes.append(f"{images} not in JPEG: torchvision looks for STEM.jpg and will not find them.")
        colons = [item.name for item in self._dataset.classes if ":" in item.name]
        if colons:
            notes.append(f"CVAT cannot read class names with a colon in labelmap.txt: {', '.join(colons)}.")
        splits = {image.split for image in self._written}
        if self._undivided == _ONLY_LIST:
            notes.append(
                "No image has a split: all are listed in train.txt, which is what torchvision opens. Divide "
                "them to have some for validation."
            )
        elif None in splits:
            notes.append(
                "Images without a split are listed in default.txt, which torchvision does not open: "
                "it knows train, val and trainval. Divide the images for it."
            )
        if "test" in splits:
            notes.append("torchvision does not open the list test.txt of the year 2012.")
        if self._options.coordinates == "one_based":
            notes.append(
                "Coordinates count pixels from 1, both edges included, for evaluators of the first devkit."
            )
        return notes

    def _annotation(self, image: DatasetImage, name: str, size: tuple[int, int]) -> Node:
        kept = KeptElements(image.extra, "voc", "annotation", WRITTEN)
        nodes = kept.nodes("nodes")
        root = kept.holder
        if image.verified:
            root.attributes["verified"] = "yes"
        root.children += [
            leaf("folder", "JPEGImages"),
            leaf("filename", name),
            leaf("path", f"JPEGImages/{name}"),
        ]
        if not any(node.tag == "source" for node in nodes):
            root.children.append(Node(tag="source", children=[leaf("database", "Unknown")]))
        root.children += [node for node in nodes if node.tag == "source"]
        sides = [leaf("width", str(size[0])), leaf("height", str(size[1]))]
        depth = leaf("depth", str(kept.fields.get("depth", 3)))
        root.children.append(Node(tag="size", children=[*sides, depth, *kept.nodes("size")]))
        if not any(node.tag == "segmented" for node in nodes):
            root.children.append(leaf("segmented", "0"))
        root.children += [node for node in nodes if node.tag != "source"]
        self._refused += kept.refused
        root.children += [self._object(box, size, root) for box in image.boxes]
        return root

    def _object(self, box: DatasetBox, size: tuple[int, int], root: Node) -> Node:
        kept = KeptElements(box.extra, "voc", "object", WRITTEN, around=(root,))
        nodes = kept.nodes("nodes")
        children = [leaf("name", self._dataset.classes[box.label].name)]
        if not any(node.tag == "pose" for node in nodes):
            children.append(leaf("pose", "Unspecified"))
        children += [node for node in nodes if node.tag == "pose"]
        flags = ("truncated", "occluded", "difficult")
        children += [leaf(flag, str(int(getattr(box, flag)))) for flag in flags]
        edges = zip(EDGES, self._edges(box, size), strict=True)
        bounds = [leaf(edge, text) for edge, text in edges]
        children.append(Node(tag="bndbox", children=[*bounds, *kept.nodes("bndbox")]))
        others = [node for node in nodes if node.tag != "pose"]
        if box.crowd:
            holder = next((node for node in others if node.tag == "attributes"), None)
            if holder is None:
                holder = Node(tag="attributes")
                others.append(holder)
            mark = Node(tag="attribute", children=[leaf("name", "crowd"), leaf("value", "1")])
            holder.children = [*holder.children, mark]
        kept.holder.children = [*children, *others]
        self._refused += kept.refused
        return kept.holder

    def _edges(self, box: DatasetBox, size: tuple[int, int]) -> list[str]:
        if self._options.coordinates == "float":
            return [number_text(edge) for edge in box.xyxy]
        x1, x2, widened_x = whole_edges(box.x1, box.x2, size[0])
        y1, y2, widened_y = whole_edges(box.y1, box.y2, size[1])
        self._rounded += (x1, y1, x2, y2) != box.xyxy
        self._widened += widened_x or widened_y
        offset = 1 if self._options.coordinates == "one_based" else 0
        return [str(x1 + offset), str(y1 + offset), str(x2), str(y2)]


def whole_edges(low: float, high: float, limit: int) -> tuple[int, int, bool]:
    """Both edges rounded half up, inside the image and at least a pixel apart; whether that took widening."""
    first = min(max(math.floor(low + 0.5), 0), limit)
    last = min(max(math.floor(high + 0.5), 0), limit)
    if first < last:
        return first, last, False
    first = min(math.floor(low), limit - 1)
    return first, first + 1, True
