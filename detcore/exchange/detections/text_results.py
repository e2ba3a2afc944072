"""Text with one file an image and one line a detection: ``class score left top right bottom``, or width and height instead of the
last two, in pixels; or centre and size as shares of the image. So write those who count with the scripts of J. Cartucho and
R. Padilla."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detcore.errors import FormatError
from detcore.exchange.detections.class_lists import names_around
from detcore.exchange.detections.raw import RawDetections, Rows
from detcore.foreign_ids import number_of
from detcore.formats.base import Progress, step
from detcore.formats.common.text import decode, read_bytes
from detcore.formats.common.walking import files_below, first_files
from detcore.types import FloatArray

_LOOKED_AT = 20
_MOST_SHARE = 2.0
"""What is farther from the image than its own size is no share of it."""

Line = tuple[str, float, tuple[float, float, float, float]]
"""Class, score, and the four numbers of the box."""


def is_text_results(source: Path) -> bool:
    """Whether most of the first lines are a class and five numbers, with a class that is a name or a box in pixels."""
    files = [source] if source.is_file() else list(first_files(source, 2000))
    texts = [path for path in files if path.suffix.lower() == ".txt"][:_LOOKED_AT]
    lines = [line for path in texts for line in decode(read_bytes(path))[0].splitlines()[:_LOOKED_AT]]
    lines = [line for line in lines if line.strip()]
    read = [found for line in lines if (found := _read(line)) is not None]
    certain = [found for found in read if max(found[2]) > _MOST_SHARE or not found[0].isdecimal()]
    return bool(lines) and len(certain) > len(lines) / 2


def read_corners(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """``class score left top right bottom``; see :class:`DetectionReader`."""
    return _read_files(source, progress, sizes=False)


def read_sizes(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """``class score left top width height``; see :class:`DetectionReader`."""
    return _read_files(source, progress, sizes=True)


def read_text_results(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """Corners, unless a right edge would lie left of its left one, or a bottom above its top: then it is sizes throughout. See
    :class:`DetectionReader`."""
    return _read_files(source, progress, sizes=None)


def _read_files(source: Path, progress: Progress, *, sizes: bool | None) -> RawDetections:
    files = files_below(source, (".txt",), progress=progress)
    folder = source if source.is_dir() else source.parent
    lines: list[tuple[str, Path, int, Line]] = []
    rows = Rows()
    for done, path in enumerate(files):
        step(progress, done, len(files))
        image = path.relative_to(folder).with_suffix("").as_posix()
        rows.see(image)
        for number, text in enumerate(decode(read_bytes(path))[0].splitlines(), start=1):
            found = _read(text)
            if found is not None:
                lines.append((image, path, number, found))
            elif text.strip():
                rows.refuse(
                    path, number, f"no class, score and four numbers ({text.strip()[:60]!r}): left out"
                )
    if not lines:
        reason = f" ({rows.problems[0]})" if rows.problems else ""
        raise FormatError(f"no text file with detections here{reason}", path=source)
    boxes = np.array([found[2] for _, _, _, found in lines])
    in_shares = bool((boxes <= _MOST_SHARE).all())
    if sizes is None:
        sizes = are_sizes(boxes)
    for image, path, number, (label, score, (x, y, across, down)) in lines:
        left, top = (x - across / 2, y - down / 2) if in_shares else (x, y)
        right, bottom = (left + across, top + down) if sizes or in_shares else (across, down)
        rows.add(image, label, (left, top, right, bottom), score, path, number)
    what = "left, top, width and height" if sizes else "left, top, right and bottom"
    if in_shares:
        what = "centre and size, as shares of the image"
    names, problems = names_around(folder)
    rows.problems += problems
    return rows.raw(
        name_of=lambda key: key if (number := number_of(key)) is None else names.get(number, key),
        in_shares=in_shares,
        notes=[f"The four numbers of a box were read as {what}."],
    )


def are_sizes(boxes: FloatArray) -> bool:
    """Whether the last two columns of (N, 4) boxes must be width and height: some are no edges to the right or below."""
    return bool(((boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])).any())


def _read(line: str) -> Line | None:
    """The class may hold spaces."""
    words = line.split()
    if len(words) < 6:
        return None
    try:
        score, left, top, across, down = (float(word) for word in words[-5:])
    except ValueError:
        return None
    return " ".join(words[:-5]), score, (left, top, across, down)
