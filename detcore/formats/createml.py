"""CreateML: one JSON file a folder, beside the images; a box is its centre and its size in pixels.

Reads what Apple describes (in both spellings), and what Roboflow and labelImg write.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from detcore.formats.base import (
    MARKER,
    Dataset,
    DatasetBox,
    DatasetImage,
    ExportReport,
    Problem,
    Progress,
    count_boxes,
    count_images,
    step,
)
from detcore.formats.common.collect import Gathering
from detcore.formats.common.copying import ImageCopier
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    kept_for,
    label_files,
    numbers,
    objects,
    put_back,
    without,
)
from detcore.formats.common.naming import unique_names
from detcore.formats.common.shapes import fitted
from detcore.formats.common.staging import staged
from detcore.formats.common.text import as_flag, split_of_file
from detcore.formats.losses import Capabilities, repeated_boxes
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.options import NoOptions
from detcore.wording import counted

_IMAGE = ("image", "imagefilename", "filename")
_BOXES = ("annotations", "annotation")
_SIDES = ("x", "y", "width", "height")
_FILE = "_annotations.createml.json"
_STEP = 256


def read_createml(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)

    def take(path: Path, content: Any) -> _File | None:
        entries = cast("list[Any]", content) if isinstance(content, list) else []
        return _File(path, entries, found) if any(map(_names_image, entries)) else None

    files = label_files(found, "CreateML", "list of images", take)
    total = sum(len(file.entries) for file in files)
    done = 0
    for file in files:
        for entry in file.entries:
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(entry)
            done += 1
        file.report_corners()
        found.add_unlabelled(file.path.parent)
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_createml(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, list images with annotations."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None or not head.is_list or not any(key in head.keys for key in _IMAGE):
        return None
    for key in _BOXES:
        inner = head.keys.get(key)
        if inner is not None and {"label", "coordinates"} <= inner:
            return Sniffed(confidence=0.95, why=f"a list of images with {key}, each a label and coordinates")
        if inner is not None and not inner:
            return Sniffed(confidence=0.6, why=f"a list of images without {key}")
    return None


def write_createml(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write a folder of images a split, with its JSON file; see :class:`detcore.formats.spec.Writer`."""
    images = dataset.images
    names = unique_names([image.name for image in images])
    copier = ImageCopier(enabled=copy_images)
    written: list[DatasetImage] = []
    files: dict[str, list[Json]] = {}
    with staged(out, images, dataset.image_root) as staging:
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            if copier.size_of(image) is None:
                continue
            folder = f"{image.split}/" if image.split else ""
            copier.copy(image, staging, folder + name)
            entry = _entry(dataset, image, name if copy_images else image.name)
            files.setdefault(folder, []).append(entry)
            marks[folder + name] = {"source": image.name}
            written.append(image)
        for folder, entries in files.items():
            text = json.dumps(entries, ensure_ascii=False, indent=1, allow_nan=False)
            staging.write_text(folder + _FILE, text + "\n")
        staging.write_marker("createml", {"images": marks})
        step(progress, len(images), len(images))
    return ExportReport(
        out=out,
        files=len(staging.files),
        images=count_images(written),
        boxes=count_boxes(dataset, written),
        notes=tuple(copier.notes() + repeated_boxes(written)),
    )


CREATEML = FormatSpec(
    name="createml",
    title="CreateML",
    kind="JSON",
    text="One JSON file a folder of images. For Apple's Create ML and Turi Create.",
    suffixes=(".json",),
    sniff=sniff_createml,
    reader=read_createml,
    writer=write_createml,
    capabilities=Capabilities(verified=True, verified_empty=True, splits=True),
)


def _names_image(entry: Any) -> bool:
    return isinstance(entry, dict) and any(key in entry for key in _IMAGE)


class _File:
    """One file: the images of a folder."""

    def __init__(self, path: Path, content: list[Any], found: Gathering) -> None:
        self.path = path
        self._found = found
        self._split = split_of_file(path.stem) or found.folder_split(path)
        self.entries = objects(content, "the file", self._report)
        self._boxes = self._outside = self._would_fit = 0

    def read(self, entry: Json) -> None:
        """Take an image in, with its boxes."""
        folder = self.path.parent
        written = next((entry[key] for key in _IMAGE if isinstance(entry.get(key), str)), "")
        homes = [folder, folder / "images"]
        image = self._found.named(self.path, written, homes, expected=folder)
        if image is None:
            return
        frame = self._found.frame(self.path, image, None)
        key = next((key for key in _BOXES if key in entry), _BOXES[0])
        items = objects(entry.get(key), key, lambda message: self._report(f"{image.name}: {message}"))
        boxes: list[DatasetBox] = []
        others: list[Any] = []
        for place, item in enumerate(items):
            box = self._box(image.name, item, frame)
            if box is None:
                others.append([place, item])
            else:
                boxes.append(box)
        kept = without(entry, *_IMAGE, *_BOXES)
        if others:
            kept["others"] = others
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=self._split or self._found.folder_split(image),
                labelled=key in entry,
                verified=bool(as_flag(str(entry.get("verified")))) or (key in entry and not items),
                boxes=boxes,
                extra={"createml": kept} if kept else {},
            ),
            self.path,
        )

    def report_corners(self) -> None:
        """Tell where boxes would lie in their images if their centres were corners, as some tools write them."""
        if self._would_fit and self._would_fit == self._outside and 2 * self._outside >= self._boxes:
            self._report(
                f"{self._outside:,} of {counted(self._boxes, 'box', 'boxes')} reach out of the image around the centres "
                "that are written, and none would from corners: look whether x and y are those of a corner"
            )

    def _report(self, message: str) -> None:
        self._found.problem(self.path, message)

    def _box(self, image: str, item: Json, frame: Frame) -> DatasetBox | None:
        label = item.get("label")
        name = label.strip() if isinstance(label, str) else ""
        coordinates = as_object(item.get("coordinates"))
        sides = numbers(coordinates, *_SIDES)
        if not name or sides is None:
            what = "a label" if sides is not None else "four numbers as coordinates"
            self._report(f"{image}: annotation {name!r} without {what}: left out")
            return None
        x, y, width, height = sides
        bounds = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        box, _, message = fitted(bounds, frame)
        self._boxes += 1
        if message is not None:
            self._outside += 1
            self._would_fit += fitted((x, y, x + width, y + height), frame)[2] is None
        if message is not None:
            self._report(f"{image}: {message}")
        if box is None:
            return None
        kept = without(item, "label", "coordinates")
        extra = without(coordinates, *_SIDES)
        if extra:
            kept["coordinates"] = extra
        return DatasetBox(
            label=self._found.classes.add(name),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={"createml": kept} if kept else {},
        )


def _entry(dataset: Dataset, image: DatasetImage, name: str) -> Json:
    kept = kept_for(image.extra, "createml")
    others = kept.pop("others", None)
    if (image.verified and image.boxes) or "verified" in kept:
        kept["verified"] = image.verified if image.boxes else kept.get("verified")
    boxes = [_annotation(box, dataset.classes[box.label].name) for box in image.boxes]
    return {"image": name, **kept, "annotations": put_back(boxes, others)}


def _annotation(box: DatasetBox, name: str) -> Json:
    kept = kept_for(box.extra, "createml")
    values = ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.x2 - box.x1, box.y2 - box.y1)
    coordinates = {**as_object(kept.pop("coordinates", None)), **dict(zip(_SIDES, values, strict=True))}
    return {**kept, "label": name, "coordinates": coordinates}
