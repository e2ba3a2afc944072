"""A CSV file with a line of column names: the image, the class, the four edges in pixels and the score of each detection."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from detcore.errors import FormatError
from detcore.exchange.detections.raw import RawDetections, Rows
from detcore.formats.base import Progress, step
from detcore.formats.common.text import decode, read_bytes
from detcore.formats.sniffing import read_head
from detcore.wording import counted

_COLUMNS: Mapping[str, Sequence[str]] = {
    "filename": (
        "filename",
        "file_name",
        "image",
        "image_path",
        "path",
        "file",
        "image_id",
        "imageid",
        "img",
    ),
    "class": ("class", "label", "class_name", "classname", "category", "name", "labelname", "class_id"),
    "xmin": ("xmin", "x_min", "x1", "left"),
    "ymin": ("ymin", "y_min", "y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bottom"),
    "score": ("score", "confidence", "conf", "probability", "prob"),
}
_DELIMITERS = ",;\t"
_OFTEN = 4096


def is_table_results(path: Path) -> bool:
    """Whether the first line names all columns, the score among them."""
    if not path.is_file() or path.suffix.lower() not in (".csv", ".tsv"):
        return False
    first = decode(read_head(path))[0].lstrip("\ufeff").splitlines()[:1]
    return bool(first) and not _lacking(_places(_split(first[0])))


def read_table_results(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """See :class:`DetectionReader`. Columns may have any order and the names that other tools give them."""
    text = decode(read_bytes(source))[0].lstrip("\ufeff")
    first = text.splitlines()[:1]
    places = _places(_split(first[0])) if first else {}
    lacking = _lacking(places)
    if lacking:
        raise FormatError(
            f"the first line names no column {' and no column '.join(lacking)}",
            path=source,
            line=1,
            hint=f"Columns are called {', '.join(_COLUMNS)}, in any order",
        )
    rows = Rows()
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first[0]))
    next(lines)
    try:
        for record in lines:
            if lines.line_num % _OFTEN == 0:
                step(progress, 0, 0)
            if any(cell.strip() for cell in record):
                _add(rows, source, lines.line_num, record, places)
    except csv.Error as error:
        raise FormatError(f"no CSV ({error})", path=source, line=lines.line_num) from error
    if not len(rows):
        reason = f" ({rows.problems[0].message})" if rows.problems else ""
        raise FormatError(f"no line is a detection{reason}", path=source)
    return rows.raw()


def _add(rows: Rows, source: Path, line: int, record: Sequence[str], places: Mapping[str, int]) -> None:
    try:
        cells = {name: record[place].strip() for name, place in places.items()}
    except IndexError:
        rows.refuse(source, line, f"only {counted(len(record), 'column')}: left out")
        return
    numbers: list[float] = []
    for name in ("xmin", "ymin", "xmax", "ymax", "score"):
        try:
            numbers.append(float(cells[name]))
        except ValueError:
            rows.refuse(source, line, f"{name} is {cells[name][:60]!r}: left out")
            return
    if not cells["filename"] or not cells["class"]:
        rows.refuse(source, line, "no image or no class: left out")
        return
    left, top, right, bottom, score = numbers
    rows.add(cells["filename"], cells["class"], (left, top, right, bottom), score, source, line)


def _delimiter(first: str) -> str:
    return max(_DELIMITERS, key=first.count)


def _split(first: str) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in first.split(_delimiter(first))]


def _places(names: Sequence[str]) -> dict[str, int]:
    """The place of each column that is needed, by the first of its names that is there."""
    found = {
        name: next((names.index(other) for other in others if other in names), -1)
        for name, others in _COLUMNS.items()
    }
    return {name: place for name, place in found.items() if place >= 0}


def _lacking(places: Mapping[str, int]) -> list[str]:
    return [name for name in _COLUMNS if name not in places]
