"""``name left top right bottom`` in pixels: what OIDv4 ToolKit writes, and Cartucho's mAP takes as ground truth.

OIDv4 has the labels in a folder ``Label`` among the images and edges as fractions times the size of the image; names
have blanks. Cartucho has ``ground-truth`` beside ``images-optional``, and a word ``difficult`` may end a line; its
detections have a confidence behind the name. Edges are continuous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from detcore.formats.base import Dataset, Problem, Progress
from detcore.formats.label_rows.reading import RowFormat, read_rows, sniffer
from detcore.formats.label_rows.row import BadRow, DetectionRow, Row, from_size, is_number, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.spec import FormatSpec
from detcore.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRowsReading:
    """What the four numbers are: some programs write the same columns with a width and a height."""

    numbers: Literal["edges", "sizes"] = option(
        "edges",
        label="Numbers",
        choices={"edges": "Left, top, right, bottom", "sizes": "Left, top, width, height"},
    )


def _parse(line: str) -> Row:
    columns = line.split()
    difficult = len(columns) > 5 and columns[-1] == "difficult"
    columns = columns[:-1] if difficult else columns
    if len(columns) < 5:
        raise BadRow("not a name and four numbers")
    named, edges = columns[:-4], numbers(columns[-4:])
    behind = [is_number(column) for column in named[1:]]
    if behind and behind[-1] and _is_confidence(named[-1]):
        raise DetectionRow(f"a detection with the confidence {named[-1]}")
    if len(behind) > 1 and all(behind[-2:]):
        raise BadRow("more than four numbers behind the name")
    return Row(
        name=" ".join(named),
        corners=(edges[0], edges[1], edges[2], edges[3]),
        difficult=difficult,
    )


def _parse_sizes(line: str) -> Row:
    row = _parse(line)
    return replace(row, corners=from_size(*row.corners))


def _is_confidence(column: str) -> bool:
    return "." in column and 0 <= float(column) <= 1


def _looks_right(rows: Sequence[Row]) -> bool:
    """Whether the names are no numbers, and the boxes in pixels: fractions behind a name are YOLO's."""
    named = sum(not is_number(row.name) for row in rows)
    return named > len(rows) / 2 and max(max(row.corners) for row in rows) > 2


_FORM = RowFormat(
    name="oidv4",
    title="OIDv4 or Cartucho",
    row="a name and four edges in pixels",
    parse=_parse,
    looks_right=_looks_right,
    folders={
        "label": ("",),
        "ground-truth": ("images-optional", "images"),
        "groundtruths": ("images",),
    },
    if_swapped="If the numbers are left, top, width and height, choose the option numbers: sizes",
)


def read_oidv4(
    source: Path,
    *,
    image_folder: Path | None,
    progress: Progress,
    options: NamedRowsReading = NamedRowsReading(),
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    form = _FORM if options.numbers == "edges" else replace(_FORM, parse=_parse_sizes)
    return read_rows(form, source, image_folder=image_folder, progress=progress)


OIDV4 = FormatSpec(
    name=_FORM.name,
    title=_FORM.title,
    kind="text",
    text="One text file an image, of names and edges.",
    suffixes=(".txt",),
    sniff=sniffer(_FORM),
    reader=read_oidv4,
    reading=NamedRowsReading,
    capabilities=Capabilities(difficult=True, verified_empty=True, splits=True),
)
