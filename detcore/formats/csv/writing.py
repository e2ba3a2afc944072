"""Writing tables with the headings of TensorFlow's tutorials, which Roboflow has as well."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

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
from detcore.formats.common.naming import unique_names
from detcore.formats.common.staging import Staging, staged
from detcore.formats.common.text import number_text
from detcore.formats.csv.columns import FLAGS, find_columns, plain
from detcore.formats.losses import repeated_boxes
from detcore.options import option
from detcore.wording import counted

HEADINGS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """``layout``: tables as ``train_labels.csv`` and images in ``images/train``, or, as Roboflow has it, both in
    ``train``."""

    layout: Literal["tensorflow", "roboflow"] = option(
        "tensorflow",
        label="Layout",
        choices={
            "tensorflow": "train_labels.csv, images/train",
            "roboflow": "train/_annotations.csv (Roboflow)",
        },
    )
    delimiter: Literal["comma", "semicolon", "tab"] = option(
        "comma",
        label="Delimiter",
        choices={"comma": "Comma", "semicolon": "Semicolon", "tab": "Tab"},
    )


def write_csv(
    dataset: Dataset, out: Path, options: CsvOptions, *, copy_images: bool, progress: Progress
) -> ExportReport:
    """Write a table for each split, and the images, below ``out``; see :class:`detcore.formats.spec.Writer`."""
    writer = _Writer(dataset, options, ImageCopier(enabled=copy_images))
    with staged(out, dataset.images, dataset.image_root) as staging:
        writer.write(staging, progress)
    return writer.report(out, len(staging.files))


class _Writer:
    def __init__(self, dataset: Dataset, options: CsvOptions, copier: ImageCopier) -> None:
        self._dataset = dataset
        self._options = options
        self._copier = copier
        boxes = [box for image in dataset.images for box in image.boxes]
        self._flags = [flag for flag in FLAGS if any(getattr(box, flag) for box in boxes)]
        own = {plain(heading) for heading in (*HEADINGS, *self._flags)}
        kept = dict.fromkeys(heading for box in boxes for heading in _kept(box))
        # A heading of ours that came with another meaning would be read as that.
        self._others = [heading for heading in kept if _is_free(heading) and plain(heading) not in own]
        self._refused = len(kept) - len(self._others)
        self._written: list[DatasetImage] = []

    def write(self, staging: Staging, progress: Progress) -> None:
        images = self._dataset.images
        names = unique_names([image.name for image in images])
        tables: dict[str, list[list[str]]] = {}
        marks: dict[str, Any] = {}
        for done, (image, name) in enumerate(zip(images, names, strict=True)):
            step(progress, done, len(images))
            size = self._copier.size_of(image)
            if size is None:
                continue
            table, folder = self._places(image.split)
            self._copier.copy(image, staging, f"{folder}{name}")
            start = [name, str(size[0]), str(size[1])]
            rows = [start + self._box(box) for box in image.boxes]
            missing = len(HEADINGS) - len(start) + len(self._flags) + len(self._others)
            tables.setdefault(table, []).extend(rows or [start + [""] * missing])
            marks[f"{folder}{name}"] = {"source": image.name, "verified": image.verified}
            self._written.append(image)
        headings = [*HEADINGS, *self._flags, *self._others]
        for table, rows in tables.items():
            text = io.StringIO()
            writer = csv.writer(text, delimiter=_DELIMITERS[self._options.delimiter], lineterminator="\n")
            writer.writerows([headings, *rows])
            staging.write_text(table, text.getvalue())
        staging.write_marker("csv", {"images": marks})
        step(progress, len(images), len(images))

    def report(self, out: Path, files: int) -> ExportReport:
        losses: list[str] = []
        if self._refused:
            columns = counted(self._refused, "column")
            losses.append(f"{columns} kept from an import with a heading that means something else here.")
        return ExportReport(
            out=out,
            files=files,
            images=count_images(self._written),
            boxes=count_boxes(self._dataset, self._written),
            losses=tuple(losses),
            notes=tuple(self._copier.notes() + repeated_boxes(self._written) + self._notes()),
        )

    def _notes(self) -> list[str]:
        empty = sum(not image.boxes for image in self._written)
        if not empty:
            return []
        images = counted(empty, "image without objects has", "images without objects have")
        return [f"{images} a row without a class and edges, at which some scripts for TFRecord stop."]

    def _places(self, split: str | None) -> tuple[str, str]:
        """The table of a split and the folder of its images."""
        if self._options.layout == "roboflow":
            folder = {"val": "valid/", None: ""}.get(split, f"{split}/")
            return f"{folder}_annotations.csv", folder
        return (f"{split}_labels.csv", f"images/{split}/") if split else ("labels.csv", "images/")

    def _box(self, box: DatasetBox) -> list[str]:
        kept = _kept(box)
        return [
            self._dataset.classes[box.label].name,
            *(number_text(edge) for edge in box.xyxy),
            *(str(int(getattr(box, flag))) for flag in self._flags),
            *(kept.get(heading, "") for heading in self._others),
        ]


def _kept(box: DatasetBox) -> Mapping[str, str]:
    """The columns that an import has kept, each text on one line."""
    raw: Any = box.extra.get("csv")
    items = cast("Mapping[str, Any]", raw).items() if isinstance(raw, dict) else ()
    return {" ".join(str(key).split()): " ".join(str(value).split()) for key, value in items}


def _is_free(heading: str) -> bool:
    """Whether a heading changes nothing in how the others are read."""
    columns = find_columns([*HEADINGS, heading])
    return bool(heading) and columns is not None and heading in columns.others
