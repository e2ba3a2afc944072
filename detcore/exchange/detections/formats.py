"""The formats of detections there are, and which of them a file or folder is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detcore.errors import ConfigError, FormatError
from detcore.exchange.detections.coco_results import is_coco_results, read_coco_results
from detcore.exchange.detections.label_studio_results import (
    is_label_studio_results,
    read_label_studio_results,
)
from detcore.exchange.detections.people import read_labels
from detcore.exchange.detections.raw import DetectionReader, RawDetections
from detcore.exchange.detections.table_results import is_table_results, read_table_results
from detcore.exchange.detections.text_results import (
    is_text_results,
    read_corners,
    read_sizes,
    read_text_results,
)
from detcore.exchange.detections.yolo_results import is_yolo_results, read_yolo_results
from detcore.exchange.formats import AUTO
from detcore.formats import all_formats, recognise
from detcore.formats.base import Progress
from detcore.formats.spec import FormatSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFormat:
    """``name`` is the word for commands, ``looks`` tells whether something is of the format, by little of what it holds, ``None``
    for one that has to be named. ``by_ids``: images and classes are told by their ids in a COCO file."""

    name: str
    title: str
    read: DetectionReader
    looks: Callable[[Path], bool] | None
    by_ids: bool = False


_FORMATS = (
    DetectionFormat(
        name="coco-results",
        title="COCO results (JSON)",
        read=read_coco_results,
        looks=is_coco_results,
        by_ids=True,
    ),
    DetectionFormat(
        name="label-studio-results",
        title="Label Studio predictions (JSON)",
        read=read_label_studio_results,
        looks=is_label_studio_results,
    ),
    DetectionFormat(
        name="csv-results", title="CSV with scores", read=read_table_results, looks=is_table_results
    ),
    DetectionFormat(
        name="yolo-results", title="YOLO with confidences", read=read_yolo_results, looks=is_yolo_results
    ),
    DetectionFormat(
        name="text-results", title="Text with scores", read=read_text_results, looks=is_text_results
    ),
    DetectionFormat(
        name="text-corners", title="Text: class score left top right bottom", read=read_corners, looks=None
    ),
    DetectionFormat(
        name="text-sizes", title="Text: class score left top width height", read=read_sizes, looks=None
    ),
)
DETECTION_FORMATS: Mapping[str, DetectionFormat] = {item.name: item for item in _FORMATS}
"""Of detectors, in the order in which a file is asked about."""


def label_formats() -> Mapping[str, FormatSpec]:
    """The formats of datasets, which hold labels of a person."""
    return {name: spec for name, spec in all_formats().items() if spec.reader is not None}


def recognised(source: Path) -> str | None:
    """The name of the format that something looks like: of a detector, else of a dataset; ``None`` when it is none."""
    try:
        found = next((item for item in _FORMATS if item.looks is not None and item.looks(source)), None)
    except FormatError:  # a file that cannot be read looks like nothing
        return None
    if found is not None:
        return found.name
    best = recognise(source).best
    return None if best is None else best.name


def read_raw(
    source: Path, format_name: str, *, image_folder: Path | None, progress: Progress
) -> tuple[RawDetections, str, bool]:
    """What a file or folder holds, the title of its format, and whether images and classes are told by ids of a COCO file.
    ``image_folder`` is where images of datasets are looked for.

    Raises:
        ConfigError: there is no such format.
        FormatError: there is nothing of that format, or nothing that is recognised.
        Cancelled: ``progress`` returned ``False``.
    """
    if not source.exists():
        raise FormatError("no such file or folder", path=source)
    name = recognised(source) if format_name == AUTO else format_name
    known = [*DETECTION_FORMATS, *label_formats()]
    if name is None:
        raise FormatError(
            "neither detections nor labels are recognised here",
            path=source,
            hint=f"Name the format: {', '.join(known)}",
        )
    if name in DETECTION_FORMATS:
        chosen = DETECTION_FORMATS[name]
        raw = chosen.read(source, image_folder=image_folder, progress=progress)
        return raw, chosen.title, chosen.by_ids
    if name not in label_formats():
        raise ConfigError(f"there is no format {name!r}", hint=f"Choose one of {', '.join(known)}")
    spec = label_formats()[name]
    raw = read_labels(spec, source, image_folder=image_folder, progress=progress)
    return raw, spec.full_title, False
