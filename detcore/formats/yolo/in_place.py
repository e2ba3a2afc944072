"""YOLO's text files edited in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from detcore.atomic import atomic_write
from detcore.boxes import Xyxy, fit
from detcore.errors import FormatError
from detcore.formats.common.text import codec_of, decode, read_bytes
from detcore.formats.in_place import FileBox, FileLabels, Holds, Page, Wanted, check_numbers, shown_edges
from detcore.formats.yolo.layout import labels_of
from detcore.formats.yolo.names import names_file, read_names, read_yaml
from detcore.formats.yolo.rows import bounds_of

_DECIMALS = 10
"""Digits behind the point where a file has no numbers yet: they read back as the same pixels."""
_FEWEST = 6
_COLUMNS = 5
_MOST_COLUMNS = 7
"""A class, four numbers of a box, and perhaps a confidence and a track."""


class YoloFiles:
    """The text files of a folder, with the list of class names nearest to it.

    Raises:
        FormatError: there is no list of names, or it cannot be read.
    """

    holds = Holds()

    def __init__(self, folder: Path) -> None:
        inner = [folder / "labels", *(folder / "labels" / split for split in ("train", "val"))]
        places = [*inner, folder, folder.parent]
        found = next((path for place in places if (path := names_file(place)) is not None), None)
        described = (place / f"data{suffix}" for place in places for suffix in (".yaml", ".yml"))
        found = found or next((path for path in described if path.is_file()), None)
        if found is None:
            raise FormatError(
                "no list of class names here",
                path=folder,
                hint="Put a classes.txt with a name a line beside the label files",
            )
        self._names_path = found
        self._is_yaml = found.suffix.lower() in {".yaml", ".yml"}
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._stamp: tuple[int, int] | None = None
        self._read_names()

    @property
    def names(self) -> Mapping[int, str]:
        return self._names

    def _read_names(self) -> None:
        """Read the list if it is another one than before.

        Raises:
            FormatError: another program has given a number another name.
        """
        status = self._names_path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if stamp == self._stamp:
            return
        names = read_yaml(self._names_path).names if self._is_yaml else read_names(self._names_path).names
        check_numbers(self._names, names, self._names_path)
        self._names, self._stamp = dict(names), stamp
        self._ids = {name: number for number, name in reversed(self._names.items())}

    def path_of(self, image: Path) -> Path:
        there = labels_of(image)
        if there is not None:
            return there
        parts = list(image.parent.parts)
        for place in range(len(parts) - 1, -1, -1):
            if parts[place].lower() == "images":
                folder = Path(*parts[:place], "labels", *parts[place + 1 :])
                if folder.is_dir():
                    return folder / f"{image.stem}.txt"
                break
        return image.with_suffix(".txt")

    def prepare(self, names: Iterable[str]) -> None:
        self._read_names()
        fresh = [name for name in dict.fromkeys(names) if name not in self._ids]
        if not fresh:
            return
        if self._is_yaml:
            raise FormatError(
                f"the class {fresh[0]!r} is not in the list of names",
                path=self._names_path,
                hint="Add it there, and nothing else needs to be done",
            )
        data = read_bytes(self._names_path)
        codec = codec_of(data)
        if codec is None:
            raise FormatError("its encoding cannot be written back", path=self._names_path)
        odd = next((name for name in fresh if name != name.strip() or len(name.splitlines()) != 1), None)
        if odd is not None:
            raise FormatError(f"{odd!r} cannot be a line of a list of names", path=self._names_path)
        text = data.decode(codec)
        newline = "\r\n" if "\r\n" in text else "\n"
        if text.rstrip() and not text.endswith(("\n", "\r")):
            text += newline
        if max(self._names, default=-1) + 1 != len(text.splitlines()):
            raise FormatError(
                f"has empty lines at its end, so that {fresh[0]!r} cannot be added",
                path=self._names_path,
                hint="Remove the empty lines",
            )
        listed = [line.strip() for line in text.splitlines()]
        text += "".join(f"{name}{newline}" for name in fresh)
        try:
            content = text.encode(codec)
        except UnicodeEncodeError:
            content = b""
        if [line.strip() for line in decode(content)[0].splitlines()] != [*listed, *fresh]:
            raise FormatError(
                f"{fresh[0]!r} cannot be added in its encoding",
                path=self._names_path,
                hint="Save the list as UTF-8",
            )
        with atomic_write(self._names_path) as temporary:
            temporary.write_bytes(content)
        self._read_names()

    def read(self, data: bytes, page: Page) -> FileLabels:
        self._read_names()
        rows = _rows(data, page.file)
        return FileLabels(boxes=tuple(self._box(line, page) for line in rows if line.strip()))

    def edited(self, data: bytes | None, page: Page, wanted: Wanted) -> bytes:
        codec = codec_of(data or b"") or "utf-8"
        lines = _rows(data or b"", page.file)
        decimals = _decimals(lines)
        places = [place for place, line in enumerate(lines) if line.strip()]
        newline = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
        for place, box in wanted.changed.items():
            row = places[place]
            lines[row] = "" if box is None else self._changed(lines[row], box, page, decimals)
        if wanted.added and places and lines[places[-1]] and not lines[places[-1]].endswith(("\n", "\r")):
            lines[places[-1]] += newline
        text = "".join(lines)
        if wanted.added and text and not text.endswith(("\n", "\r")):
            text += newline
        text += "".join(
            f"{self._ids[box.name]} {' '.join(_numbers(box.xyxy, page, decimals))}{newline}"
            for box in wanted.added
        )
        return text.encode(codec)

    def _box(self, line: str, page: Page) -> FileBox | None:
        columns = line.split()
        try:
            values = [float(column) for column in columns[1:]]
            number = float(columns[0])
        except ValueError:
            return None
        if not number.is_integer() or int(number) not in self._names:
            return None
        bounds, _ = bounds_of(values)
        if bounds is None:
            return None
        width, height = page.width, page.height
        corners = (bounds[0] * width, bounds[1] * height, bounds[2] * width, bounds[3] * height)
        if fit(corners, width=width, height=height)[0] is None:
            return None
        x1, y1, x2, y2 = corners
        return FileBox(name=self._names[int(number)], x1=x1, y1=y1, x2=x2, y2=y2)

    def _changed(self, line: str, box: FileBox, page: Page, decimals: int) -> str:
        """The line with another class or another box; blanks and further columns stay."""
        pieces = re.split(r"(\s+)", line)
        columns = [place for place, piece in enumerate(pieces) if piece and not piece.isspace()]
        old = self._box(line, page)
        if old is None:
            raise FormatError(
                "a line that Reticle cannot read cannot be changed in its place", path=page.file
            )
        if box.name != old.name:
            pieces[columns[0]] = str(self._ids[box.name])
        numbers = _numbers(box.xyxy, page, decimals)
        if numbers != _numbers(shown_edges(old, page), page, decimals):
            if not _COLUMNS <= len(columns) <= _MOST_COLUMNS:
                message = "an outline or keypoints would be lost if its box were moved in its place"
                raise FormatError(message, path=page.file)
            for place, number in zip(columns[1:_COLUMNS], numbers, strict=True):
                pieces[place] = number
        return "".join(pieces)


def _rows(data: bytes, path: Path) -> list[str]:
    """The lines with their ends."""
    if codec_of(data) is None:
        raise FormatError(decode(data)[1] or "its encoding cannot be written back", path=path)
    return data.decode(codec_of(data) or "utf-8").splitlines(keepends=True)


def _decimals(lines: list[str]) -> int:
    """Digits behind the point as the file has them."""
    texts = [column for line in lines for column in line.split()[1:_COLUMNS]]
    digits = [len(text.partition(".")[2]) for text in texts if re.fullmatch(r"\d*\.\d+", text)]
    return max(_FEWEST, *digits) if digits else _DECIMALS


def _numbers(edges: Xyxy, page: Page, decimals: int) -> list[str]:
    x1, y1, x2, y2 = edges
    width, height = page.width, page.height
    values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    return [f"{min(max(value, 0.0), 1.0):.{decimals}f}" for value in values]
