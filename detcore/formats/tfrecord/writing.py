"""Writing TFRecord as the Object Detection API's own scripts do: one file a split, with a label map."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

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
from detcore.formats.coco.writing import category_ids
from detcore.formats.common.copying import ImageCopier, is_jpeg
from detcore.formats.common.naming import kept_or_unique
from detcore.formats.common.staging import Staging, staged
from detcore.formats.losses import repeated_boxes
from detcore.formats.tfrecord import features as named
from detcore.formats.tfrecord.example import Feature, write_example
from detcore.formats.tfrecord.label_map import MappedLabel, write_label_map
from detcore.formats.tfrecord.records import write_record
from detcore.options import NoOptions
from detcore.types import Extra

_NO_SPLIT = "default"
_KINDS = ((b"\xff\xd8", b"jpeg"), (b"\x89PNG", b"png"))


def write_tfrecord(
    dataset: Dataset, out: Path, options: NoOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write a file for each split and ``label_map.pbtxt`` to ``out``; see :class:`detcore.formats.spec.Writer`. Without
    copies of images the records hold but their names."""
    writer = _Writer(dataset, copy_images=copy_images)
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, *, copy_images: bool) -> None:
        self._dataset = dataset
        self._copy_images = copy_images
        self._copier = ImageCopier(enabled=copy_images)
        self._labels = [
            MappedLabel(number, str(_kept(item.extra).get("name") or item.name), item.name)
            for number, item in zip(category_ids(dataset.classes), dataset.classes, strict=True)
        ]
        self._written: list[DatasetImage] = []

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        kept = [_kept(image.extra) for image in images]
        splits = [image.split or _NO_SPLIT for image in images]
        given = [item.get("filename") for item in kept]
        names = kept_or_unique(given, [image.name for image in images], splits, copied=self._copy_images)
        marks: dict[str, Any] = {}
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            files: dict[str, BinaryIO] = {}
            for done, (image, item, name) in enumerate(zip(images, kept, names, strict=True)):
                step(progress, done, len(images))
                size = self._copier.size_of(image)
                if size is None:
                    continue
                split = splits[done]
                if split not in files:
                    files[split] = stack.enter_context(staging.path(f"{split}.tfrecord").open("wb"))
                name, encoded = self._encoded(image, name, folder)
                if f"{split}/{name}" in marks:  # a.jpg, and a.tif that has become one
                    name = f"{done}_{name}"
                write_record(files[split], write_example(self._features(image, item, name, encoded, size)))
                marks[f"{split}/{name}"] = {"source": image.name, "verified": image.verified}
                self._written.append(image)
        staging.write_text("label_map.pbtxt", write_label_map(self._labels))
        staging.write_marker("tfrecord", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written)),
        )

    def _encoded(self, image: DatasetImage, name: str, folder: Path) -> tuple[str, bytes]:
        """The image as JPEG or PNG, which is what TensorFlow decodes, with the name that it has so; no bytes of an image
        that is not copied."""
        if self._copy_images and not is_jpeg(name) and not name.lower().endswith(".png"):
            name = f"{name.rpartition('.')[0] or name}.jpg"
        scratch = Staging(folder)
        copy = f"image{Path(name).suffix}"
        self._copier.copy(image, scratch, copy)
        path = folder / copy
        if not path.is_file():
            return name, b""
        data = path.read_bytes()
        path.unlink()
        return name, data

    def _features(
        self, image: DatasetImage, kept: dict[str, Any], name: str, encoded: bytes, size: tuple[int, int]
    ) -> dict[str, Feature]:
        found: dict[str, Feature] = {}
        raw: Any = kept.get("features")
        for key, value in cast("dict[str, Any]", raw).items() if isinstance(raw, dict) else ():
            feature = named.from_json(value)
            if feature is not None:
                found[key] = feature
        found.setdefault("image/source_id", Feature(texts=[name.encode()]))
        found |= self._of_boxes(image.boxes)
        kind = next((kind for start, kind in _KINDS if encoded.startswith(start)), b"")
        digest = hashlib.sha256(encoded).hexdigest().encode() if encoded else b""
        labels = [self._labels[box.label] for box in image.boxes]
        corners = [
            [box.xyxy[side] / size[side % 2] for box in image.boxes] for side in range(len(named.EDGES))
        ]
        return {
            **found,
            **{edge: Feature(floats=values) for edge, values in zip(named.EDGES, corners, strict=True)},
            **{side: Feature(numbers=[pixels]) for side, pixels in zip(named.SIDES, size, strict=True)},
            named.TEXTS: Feature(texts=[label.name.encode() for label in labels]),
            named.LABELS: Feature(numbers=[label.number for label in labels]),
            named.FILENAME: Feature(texts=[name.encode()]),
            named.ENCODED: Feature(texts=[encoded]),
            named.FORMAT: Feature(texts=[kind]),
            named.DIGEST: Feature(texts=[digest]),
        }

    def _of_boxes(self, boxes: Sequence[DatasetBox]) -> dict[str, Feature]:
        """What an import kept for single boxes, and the flags as they are now."""
        kept = [_kept(box.extra) for box in boxes]
        names = dict.fromkeys(name for fields in kept for name in fields if name.startswith(named.OBJECT))
        found = {name: named.joined([named.from_json(fields.get(name)) for fields in kept]) for name in names}
        for flag, name in named.FLAGS.items():
            values = [int(bool(getattr(box, flag))) for box in boxes]
            if any(values) or name in names:
                found[name] = Feature(numbers=values)
        return found


def _kept(extra: Extra) -> dict[str, Any]:
    fields: Any = extra.get("tfrecord")
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}
