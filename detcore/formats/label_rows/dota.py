"""DOTA: ``x1 y1 x2 y2 x3 y3 x4 y4 category difficult`` in pixels, below lines ``imagesource:`` and ``gsd:``.

As https://captain-whu.github.io/DOTA describes it, coordinates continuous; Roboflow's ``YOLOv5 OBB`` is the same.
Reticle labels upright boxes: an oriented one becomes the box around its corners, which are kept as its outline.
"""

from __future__ import annotations

import re
from pathlib import Path

from detcore.formats.base import Dataset, Problem, Progress
from detcore.formats.common.shapes import Shape
from detcore.formats.label_rows.reading import RowFormat, read_rows, sniffer
from detcore.formats.label_rows.row import BadRow, Row, is_number, numbers
from detcore.formats.losses import Capabilities
from detcore.formats.spec import FormatSpec

_HEADER = re.compile(r"(imagesource|gsd|acquisition dates)\s*:(.*)", re.IGNORECASE)


def _header(line: str) -> tuple[str, str] | None:
    found = _HEADER.fullmatch(line)
    return None if found is None else (found[1].lower(), found[2].strip())


def _parse(line: str) -> Row:
    columns = line.split()
    if len(columns) < 9:
        raise BadRow("fewer columns than eight coordinates and a name")
    edges = numbers(columns[:8])
    told = columns[8:]
    difficulty = told.pop() if len(told) > 1 and re.fullmatch(r"-?\d", told[-1]) else ""
    name = " ".join(told)
    if all(map(is_number, told)):
        raise BadRow("a number where DOTA has the name of the category")
    shape = Shape(kind="rotated", parts=(tuple(zip(edges[0::2], edges[1::2], strict=True)),))
    return Row(
        name=name,
        corners=shape.bounds,
        difficult=difficulty not in {"", "0"},
        kept={"difficult": int(difficulty)} if difficulty not in {"", "0", "1"} else {},
        shape=shape,
    )


_FORM = RowFormat(
    name="dota",
    title="DOTA",
    row="four corners, a category and a difficulty",
    parse=_parse,
    header=_header,
    folders={
        "labeltxt": ("images",),
        "labeltxt-v1.0": ("images",),
        "labeltxt-v1.5": ("images",),
        "labeltxt-v2.0": ("images",),
    },
    suffix=".png",
    sure=0.97,
)


def read_dota(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return read_rows(_FORM, source, image_folder=image_folder, progress=progress)


DOTA = FormatSpec(
    name=_FORM.name,
    title=_FORM.title,
    kind="text",
    text="One text file an image, of oriented boxes.",
    suffixes=(".txt",),
    sniff=sniffer(_FORM),
    reader=read_dota,
    capabilities=Capabilities(
        difficult=True, verified_empty=True, splits=True, shapes=frozenset({"rotated"})
    ),
)
