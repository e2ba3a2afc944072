"""Reading the formats of one text file an image and one line an object.

An image belongs to the label file of its stem: in the folder that the format has for images beside its labels, in that
of the labels, or, where it is the only one of that name, anywhere in the dataset. A label file without an object makes
a verified image; an image without a label file is not labelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.marks import NotedFlags
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import decode, split_of_file
from detcore.formats.label_rows.row import BadRow, DetectionRow, Row
from detcore.formats.sniffing import HEAD, Sample, Sniffed, read_head
from detcore.wording import counted

DETECTIONS_HINT = "Bring them in with import-detections, to be reviewed beside the labels"

_SUFFIXES = (".txt",)
_CLASS_LISTS = frozenset({"classes.txt", "predefined_classes.txt", "labels.txt"})
_LOOKED_AT = 20
"""Lines of a file from which it is told what it is."""


def _no_header(line: str) -> tuple[str, str] | None:
    return None


def _always(rows: Sequence[Row]) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFormat:
    """The columns and folders of one format.

    ``parse`` reads a line and raises :class:`BadRow`; ``header`` gives name and value of a line that is about the
    image. ``folders`` are names of folders of labels, in lower case, each with those that its images may be in instead,
    the usual one first. ``looks_right`` tells rows of this format from those of another with the same columns.
    ``classes`` are names by number that every dataset of it has.
    """

    name: str
    title: str
    row: str  # what a row is, in a few words
    parse: Callable[[str], Row]
    folders: Mapping[str, Sequence[str]]
    suffix: str = ".jpg"  # of images whose file is not there
    header: Callable[[str], tuple[str, str] | None] = _no_header
    looks_right: Callable[[Sequence[Row]], bool] = _always
    sure: float = 0.96
    classes: Mapping[int, str] = field(default_factory=dict[int, str])
    splits_in_names: bool = False  # a folder such as ``VisDrone2019-DET-train`` names one
    if_swapped: str = (
        ""  # what to do where right is left of left in many rows, which are none of this format then
    )


def sniffer(form: RowFormat) -> Callable[[Sample], Sniffed | None]:
    """Whether most of the first lines of a text file, or of the first ones of a folder, are rows of the format."""
    return lambda sample: sample.surest(_SUFFIXES, lambda path: _sniff_file(form, path))


def _sniff_file(form: RowFormat, path: Path) -> Sniffed | None:
    head = read_head(path)
    lines = decode(head)[0].splitlines()
    lines = lines[:-1] if len(head) == HEAD else lines
    lines = [line.strip() for line in lines if line.strip() and form.header(line.strip()) is None]
    rows: list[Row] = []
    detections = 0
    for line in lines[:_LOOKED_AT]:
        try:
            rows.append(form.parse(line))
        except DetectionRow:
            detections += 1
        except BadRow:
            pass
    most = min(len(lines), _LOOKED_AT) / 2
    if detections > most:
        return Sniffed(confidence=0.0, why="these are detections with a confidence, not labels")
    if len(rows) <= most or not form.looks_right(rows):
        return None
    in_place = path.parent.name.lower() in form.folders
    return Sniffed(confidence=max(form.sure, 0.97 if in_place else 0.0), why=form.row)


def read_rows(
    form: RowFormat, source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return _Reader(form, Gathering(source, image_folder, progress), progress).read()


@dataclass(slots=True, kw_only=True)
class _File:
    """A label file: rows with the number and text of their lines, what is about the image, and what is wrong with other
    lines, each with its number. ``readable``: it could be read."""

    path: Path
    rows: list[tuple[int, str, Row]] = field(default_factory=list[tuple[int, str, Row]])
    header: dict[str, str] = field(default_factory=dict[str, str])
    refused: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    readable: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether it says that there is no object."""
        return self.readable and not self.rows and not self.refused


class _Reader:
    def __init__(self, form: RowFormat, found: Gathering, progress: Progress) -> None:
        self._form = form
        self._found = found
        self._progress = progress
        self._marks = read_marks([found.folder, *list(found.folder.parents)[:2]])
        self._turned = 0
        self._detections = 0
        self._refused: str | None = None
        for number, name in form.classes.items():
            found.classes.add(name, number)

    def read(self) -> tuple[Dataset, list[Problem]]:
        paths = [
            path
            for path in self._found.files(self._found.source, _SUFFIXES)
            if path.name.lower() not in _CLASS_LISTS
        ]
        files: list[_File] = []
        for done, path in enumerate(paths):
            step(self._progress, done, 2 * len(paths))
            files.append(self._file(path))
        self._check(files)
        for done, file in enumerate(files):
            step(self._progress, len(files) + done, 2 * len(files))
            image = self._image_of(file)
            if image is not None or file.rows:
                for number, message in file.refused:
                    self._found.problem(file.path, message, number)
            elif file.refused:
                self._found.problem(file.path, f"no row of {self._form.title}: passed over")
            if image is not None:
                self._found.add(self._image(file, image), file.path)
        self._found.add_unlabelled_beside()
        if self._turned:
            boxes = counted(self._turned, "oriented box became", "oriented boxes became")
            upright = "the upright box around it" if self._turned == 1 else "the upright boxes around them"
            self._found.problem(self._found.source, f"{boxes} {upright}: the corners are kept")
        step(self._progress, 2 * len(files), 2 * len(files))
        return self._found.dataset(), self._found.problems

    def _file(self, path: Path) -> _File:
        file = _File(path=path)
        text = self._found.text(path)
        file.readable = text is not None
        for number, raw in enumerate((text or "").splitlines(), start=1):
            line = raw.strip()
            told = self._form.header(line)
            if told is not None:
                file.header[told[0]] = told[1]
            elif line:
                try:
                    file.rows.append((number, line, self._form.parse(line)))
                except BadRow as error:
                    self._detections += isinstance(error, DetectionRow)
                    self._refused = self._refused or line
                    file.refused.append((number, f"{error}: left out ({line[:60]!r})"))
        return file

    def _check(self, files: list[_File]) -> None:
        """Raises FormatError where the files are none of the format."""
        source, title = self._found.source, self._form.title
        if not files:
            raise FormatError("no text file here that could hold labels", path=source)
        rows = [row for file in files for _, _, row in file.rows]
        if not rows and self._detections:
            message = f"these are detections with a confidence, not labels of {title}"
            raise FormatError(message, path=source, hint=DETECTIONS_HINT)
        if not rows and self._refused is not None:
            message = (
                f"no line of the text files here is a row of {title}: the first is {self._refused[:60]!r}"
            )
            raise FormatError(message, path=source)
        swapped = sum(row.corners[0] > row.corners[2] or row.corners[1] > row.corners[3] for row in rows)
        if self._form.if_swapped and swapped > max(1, len(rows) / 10):
            message = (
                f"in {swapped:,} of {counted(len(rows), 'row')} the right edge is left of the left one, or the "
                "bottom above the top"
            )
            raise FormatError(message, path=source, hint=self._form.if_swapped)

    def _image_of(self, file: _File) -> Path | None:
        """The image that a label file belongs to, or where it should be."""
        labels, finder = file.path, self._found.finder
        homes = list(self._homes(labels.parent))
        for home in homes:
            path = finder.by_stem(home, labels.stem)
            if path is not None:
                return path
        parts = labels.relative_to(self._found.folder).with_suffix(".x").parts
        images = finder.anywhere((self._found.folder.name, *parts), stem_only=True)
        if len(images) > 1:
            self._found.ambiguous(labels, labels.stem, images)
            return None
        if images:
            return images[0]
        return homes[0] / f"{labels.stem}{self._form.suffix}" if file.rows else None

    def _homes(self, folder: Path) -> Iterator[Path]:
        parts = folder.parts
        for index in range(len(parts) - 1, 0, -1):
            swaps = self._form.folders.get(parts[index].lower())
            if swaps is not None:
                yield from (Path(*parts[:index], swap, *parts[index + 1 :]) for swap in swaps)
                break
        yield folder
        yield folder / "images"
        yield folder.parent / "images"

    def _image(self, file: _File, path: Path) -> DatasetImage:
        frame = self._found.frame(file.path, path, None)
        mark = self._marks.get(path, {})
        noted = NotedFlags(mark)
        boxes: list[DatasetBox] = []
        for number, line, row in file.rows:
            box = self._box(file.path, number, row, frame)
            if box is not None:
                boxes.append(noted.given_to(box, line))
        return DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=mark.get("split", self._split(file.path) or self._split(path)),
            labelled=bool(boxes) or file.is_empty,
            verified=bool(mark.get("verified")) or file.is_empty,
            boxes=boxes,
            extra={self._form.name: file.header} if file.header else {},
        )

    def _split(self, path: Path) -> str | None:
        split = self._found.folder_split(path)
        if split is None and self._form.splits_in_names and path.is_relative_to(self._found.folder):
            folders = path.relative_to(self._found.folder).parts[:-1]
            split = next((told for folder in folders if (told := split_of_file(folder))), None)
        return split

    def _box(self, path: Path, number: int, row: Row, frame: Frame) -> DatasetBox | None:
        box = self._found.clipped(path, row.corners, frame, number)
        if box is None:
            return None
        extra: dict[str, Any] = {self._form.name: dict(row.kept)} if row.kept else {}
        if row.shape is not None:
            extra |= row.shape.kept(box)
            x1, y1, x2, y2 = row.corners
            self._turned += set(row.shape.parts[0]) != {(x1, y1), (x1, y2), (x2, y1), (x2, y2)}
        return DatasetBox(
            label=self._found.classes.add(row.name, row.class_id),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            difficult=row.difficult,
            truncated=row.truncated,
            occluded=row.occluded,
            crowd=row.crowd,
            extra=extra,
        )
