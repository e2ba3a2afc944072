"""YOLO's predictions, one text file an image: ``class center_x center_y width height confidence``, as Ultralytics writes with
``save_txt`` and ``save_conf``; outlines and the numbers of tracks are read as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detcore.errors import FormatError
from detcore.exchange.detections.class_lists import names_around
from detcore.exchange.detections.raw import RawDetections, Rows
from detcore.formats.base import Progress, step
from detcore.formats.common.text import decode, read_bytes
from detcore.formats.common.walking import files_below, first_files
from detcore.formats.yolo.names import NAME_FILES
from detcore.formats.yolo.rows import Bounds, bounds_of, foreign_layout

_LOOKED_AT = 20
_BEYOND = 0.05
"""Of the image by which a box may reach out of it."""
_LISTS = frozenset({"train", "val", "valid", "test", "trainval"})


def is_yolo_results(source: Path) -> bool:
    """Whether the first lines of the text files have a class, four fractions and one more. Little of them is read."""
    rows = [line for path in _first(source) for line in _lines(path)[:_LOOKED_AT]]
    read = [found for line in rows if (found := _read(line[1].split())) is not None]
    return bool(rows) and len(read) > len(rows) / 2


def read_yolo_results(source: Path, *, image_folder: Path | None, progress: Progress) -> RawDetections:
    """See :class:`DetectionReader`. Names come from the data.yaml or classes.txt beside the files or above them; else classes
    stay numbers. The confidence may stand before the box, as R. Padilla's scripts have it, where it cannot stand behind."""
    files = [path for path in files_below(source, (".txt",), progress=progress) if _may_hold(path)]
    folder = source if source.is_dir() else source.parent
    rows = Rows()
    found: list[tuple[str, Path, int, int, list[float]]] = []
    refused = ""
    for done, path in enumerate(files):
        step(progress, done, len(files))
        image = path.relative_to(folder).with_suffix("").as_posix()
        rows.see(image)
        for number, line in _lines(path):
            words = line.split()
            if _read(words) is None:
                refused = refused or line
                rows.refuse(path, number, f"{_reason(line)}: left out")
            else:
                found.append((image, path, number, int(float(words[0])), [float(word) for word in words[1:]]))
    if not found:
        raise _nothing(source, files, refused)
    is_second = confidence_is_second([values for *_, values in found])
    for image, path, number, label, values in found:
        box, score = _parts([*values[1:], values[0]] if is_second else values)
        if box is None:
            rows.refuse(path, number, "no box in the image: left out")
        else:
            rows.add(image, label, box, score, path, number)
    names, problems = names_around(folder)
    rows.problems += problems
    notes = ["The confidence stands before the box in these files."] if is_second else []
    return rows.raw(name_of=lambda key: names.get(key, key), in_shares=True, notes=notes)


def confidence_is_second(rows: Sequence[Sequence[float]]) -> bool:
    """Whether more rows of five numbers after the class make sense as a confidence and a box in the image than as a box and a
    confidence."""
    if not all(len(row) == 5 for row in rows):
        return False
    last = sum(_makes_sense(row[:4], row[4]) for row in rows)
    return sum(_makes_sense(row[1:], row[0]) for row in rows) > last


def _makes_sense(box: Sequence[float], score: float) -> bool:
    x, y, width, height = box
    edges = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
    return 0 <= score <= 1 and all(-_BEYOND <= edge <= 1 + _BEYOND for edge in edges)


def _may_hold(path: Path) -> bool:
    return path.name.lower() not in NAME_FILES and path.stem.lower() not in _LISTS


def _first(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".txt" else []
    found = (path for path in first_files(source, 2000) if path.suffix.lower() == ".txt" and _may_hold(path))
    return [path for path, _ in zip(found, range(_LOOKED_AT), strict=False)]


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    lines = enumerate(decode(read_bytes(path))[0].splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _read(words: Sequence[str]) -> tuple[Bounds, float] | None:
    """Bounds and confidence of a line; ``None`` where it is none of a prediction."""
    try:
        values = [float(word) for word in words[1:]]
        label = float(words[0])
    except (ValueError, IndexError):
        return None
    if not label.is_integer() or not 0 <= label < 1 << 62 or len(values) < 5:
        return None
    bounds, score = _parts(values)
    return None if bounds is None else (bounds, score)


def _parts(values: Sequence[float]) -> tuple[Bounds | None, float]:
    """Bounds and confidence of the numbers after the class: a box, perhaps with a track, or an outline. ``None`` for bounds that
    are neither."""
    is_box = len(values) == 5 or (len(values) == 6 and values[5].is_integer() and values[5] >= 1)
    if not is_box and len(values) % 2 == 0:
        return None, 0.0  # an outline without a confidence
    coordinates, score = (values[:4], values[4]) if is_box else (values[:-1], values[-1])
    return bounds_of(coordinates)[0], score


def _is_label(line: str) -> bool:
    """Whether a line is a box without a confidence."""
    return len(line.split()) == 5 and _read([*line.split(), "1"]) is not None


def _reason(line: str) -> str:
    if _is_label(line):
        return "no confidence (5 columns)"
    return f"no class, fractions of a box and a confidence ({line[:60]!r})"


def _nothing(source: Path, files: list[Path], refused: str) -> FormatError:
    """Why there are no predictions in some files, of whose lines the first that was refused is given."""
    if not files:
        return FormatError("no text file with predictions here", path=source)
    if not refused:
        return FormatError("the text files here are empty", path=source)
    if _is_label(refused):
        hint = "Import them in the format yolo, as labels of a person, or let the detector save confidences (save_conf=True)"
        return FormatError("these are YOLO labels: no line has a confidence", path=source, hint=hint)
    layout = foreign_layout(refused) or repr(refused[:60])
    return FormatError(f"no line here is a prediction of YOLO: the first looks like {layout}", path=source)
