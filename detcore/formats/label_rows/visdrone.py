"""VisDrone's detection task: ``left,top,width,height,score,category,truncation,occlusion`` in whole pixels.

Columns as the toolkit of VisDrone2018-DET describes them, edges continuous: its evaluation has no +1. A score of 0 marks
what is not evaluated; category 0 are regions where nothing is, so they are crowds, and 11 objects of other kinds.
"""

from __future__ import annotations

from pathlib import Path

from detcore.formats.base import Dataset, Problem, Progress
from detcore.formats.label_rows.reading import RowFormat, read_rows, sniffer
from detcore.formats.label_rows.row import BadRow, DetectionRow, Row, from_size, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.spec import FormatSpec
from detcore.wording import counted

_CATEGORIES = (
    "ignored regions",
    "pedestrian",
    "people",
    "bicycle",
    "car",
    "van",
    "truck",
    "tricycle",
    "awning-tricycle",
    "bus",
    "motor",
    "others",
)
_EVALUATED = range(1, 11)


def _parse(line: str) -> Row:
    columns = [column.strip() for column in line.rstrip(", ").split(",")]
    if len(columns) != 8:
        raise BadRow(f"{counted(len(columns), 'column')} where VisDrone has 8")
    left, top, width, height, score, category, truncation, occlusion = numbers(columns)
    if truncation == occlusion == -1:
        raise DetectionRow("a detection with a score")
    if category not in range(len(_CATEGORIES)):
        raise BadRow(f"no category of VisDrone has the number {columns[5][:20]}")
    if score not in (0, 1) or truncation not in (0, 1, 2) or occlusion not in (0, 1, 2):
        raise BadRow("score, truncation or occlusion is none of 0, 1 and 2")
    number = int(category)
    return Row(
        name=_CATEGORIES[number],
        class_id=number,
        corners=from_size(left, top, width, height),
        difficult=score == 0 and number != 0,
        truncated=truncation > 0,
        occluded=occlusion > 0,
        crowd=number == 0,
        kept={"score": int(score), "truncation": int(truncation), "occlusion": int(occlusion)},
    )


_FORM = RowFormat(
    name="visdrone",
    title="VisDrone",
    row="left,top,width,height,score,category,truncation,occlusion",
    parse=_parse,
    folders={"annotations": ("images",)},
    classes={number: _CATEGORIES[number] for number in _EVALUATED},
    splits_in_names=True,
)


def read_visdrone(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return read_rows(_FORM, source, image_folder=image_folder, progress=progress)


VISDRONE = FormatSpec(
    name=_FORM.name,
    title=_FORM.title,
    kind="text",
    text="One text file an image, of drones' cameras.",
    suffixes=(".txt",),
    sniff=sniffer(_FORM),
    reader=read_visdrone,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        class_ids=True,
    ),
)
