"""Reading tables of boxes.

``csv`` is any table with headings: those of TensorFlow's tutorials and of Roboflow
(``filename,width,height,class,xmin,ymin,xmax,ymax``), or others by their names or as the user says. Its numbers are pixels
and edges continuous, or fractions of the image. OpenImages (https://storage.googleapis.com/openimages/web) and Google
AutoML have fractions, keras-retinanet pixels. A row without a box is an image without objects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from detcore.boxes import Xyxy
from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import LARGEST_ID, Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import as_flag, as_number, foreign_parts, split_of_file, split_of_folder
from detcore.formats.csv.columns import FLAGS, Columns, find_columns, parse_choice
from detcore.formats.csv.dialects import (
    AUTOML,
    KERAS_RETINANET,
    OPENIMAGES,
    Dialect,
    Unit,
    split_named,
)
from detcore.formats.csv.tables import Cells, Table, first_rows, read_table
from detcore.formats.csv.writing import HEADINGS, CsvOptions, write_csv
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed
from detcore.formats.spec import FormatSpec, Reader
from detcore.images.decoding import EXTENSIONS
from detcore.options import option
from detcore.wording import counted

_SUFFIXES = (".csv", ".tsv")
_SHOWN = 8
_STEP = 256
_LIST_FILES = 50
_ORDERS = ("edges", "sizes", "centres")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvReading:
    """What a table does not say by itself."""

    columns: str = option(
        "",
        label="Columns",
        help="Which heading is what, as file=photo,class=kind,x1=left; a number where there are no headings",
    )
    bbox: Literal["auto", "edges", "sizes", "centres"] = option(
        "auto",
        label="A column bbox",
        choices={
            "auto": "There is none",
            "edges": "Left, top, right, bottom",
            "sizes": "Left, top, width, height",
            "centres": "Centre, width, height",
        },
    )
    unit: Unit = option(
        "auto",
        label="Unit",
        choices={"auto": "As the numbers say", "pixels": "Pixels", "fractions": "Fractions of the image"},
    )


def read_csv(
    source: Path,
    *,
    image_folder: Path | None,
    progress: Progress,
    options: CsvReading = CsvReading(),
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    chosen = parse_choice(options.columns)
    dialect = replace(_CSV, columns=partial(find_columns, chosen=chosen), unit=options.unit)
    return _Reader(dialect, Gathering(source, image_folder, progress), progress, options.bbox).read()


def _reader_of(dialect: Dialect) -> Reader:
    def read(source: Path, *, image_folder: Path | None, progress: Progress) -> tuple[Dataset, list[Problem]]:
        return _Reader(dialect, Gathering(source, image_folder, progress), progress, "auto").read()

    return read


def _sniffer_of(dialect: Dialect, confidence: float) -> Callable[[Sample], Sniffed | None]:
    def sniff(path: Path) -> Sniffed | None:
        rows = first_rows(path)
        if rows and dialect.columns(rows[0]) is not None:
            return Sniffed(confidence=confidence, why=dialect.why)
        return None

    return lambda sample: sample.surest(_SUFFIXES, sniff)


def sniff_csv(sample: Sample) -> Sniffed | None:
    """Whether a table has headings for an image, a class and a box."""
    return sample.surest(_SUFFIXES, _sniff_headings)


def _sniff_headings(path: Path) -> Sniffed | None:
    rows = first_rows(path)
    if not rows or any(dialect.columns(rows[0]) for dialect in (OPENIMAGES, AUTOML, KERAS_RETINANET)):
        return None
    columns = find_columns(rows[0])
    if columns is not None:
        usual = set(HEADINGS) <= set(rows[0])
        return Sniffed(confidence=0.9 if usual else 0.8, why=f"columns {_shown(rows[0])}")
    return Sniffed(confidence=0.0, why=f"no columns for an image, a class and a box among {_shown(rows[0])}")


def _shown(cells: Sequence[str]) -> str:
    return ", ".join(cell[:30] for cell in cells[:_SHOWN]) + (", …" if len(cells) > _SHOWN else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """One row with a box: the ``corners`` in the unit of its table."""

    table: Path
    line: int
    name: str
    corners: Xyxy
    flags: Mapping[str, bool]
    kept: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class _Entry:
    """An image, the table that names it first, and its rows; ``whole``: none of them was refused."""

    table: Path
    split: str | None
    size: tuple[int, int] | None = None
    whole: bool = True
    records: list[_Record] = field(default_factory=list[_Record])


class _Reader:
    def __init__(self, dialect: Dialect, found: Gathering, progress: Progress, bbox: str) -> None:
        self._dialect = dialect
        self._found = found
        self._progress = progress
        self._bbox = bbox
        self._marks = read_marks([found.folder, *list(found.folder.parents)[:2]])
        self._entries: dict[Path, _Entry] = {}
        self._paths: dict[tuple[Path, str], Path | None] = {}
        self._fractions: dict[Path, bool] = {}
        self._names: dict[str, str] = {}
        self._nameless: set[str] = set()
        self._repeated = 0

    def read(self) -> tuple[Dataset, list[Problem]]:
        tables = self._tables()
        self._read_class_lists([table.path for table, _ in tables])
        # What a table says of splits counts before one that names none.
        tables.sort(key=lambda item: split_of_file(item[0].path.stem) is None)
        for table, columns in tables:
            self._take(table, columns)
        for done, (path, entry) in enumerate(self._entries.items()):
            if done % _STEP == 0:
                step(self._progress, done, len(self._entries))
            self._found.add(self._image(path, entry), entry.table)
        self._found.add_unlabelled_beside()
        self._report()
        step(self._progress, len(self._entries), len(self._entries))
        return self._found.dataset(), self._found.problems

    def _report(self) -> None:
        source = self._found.source
        if self._repeated:
            rows = counted(self._repeated, "row repeats one", "rows repeat those")
            self._found.problem(source, f"{rows} of another table here: taken once")
        if self._nameless:
            classes = counted(len(self._nameless), "class is", "classes are")
            self._found.problem(source, f"{classes} in no table of class descriptions: called by the id")

    def _tables(self) -> list[tuple[Table, Columns]]:
        """The tables of this dialect with their columns.

        Raises:
            FormatError: there is none.
        """
        source = self._found.source
        paths = [source] if source.is_file() else self._found.files(source, _SUFFIXES)
        tables: list[tuple[Table, Columns]] = []
        passed_over: list[str] = []
        for path in paths:
            table = read_table(self._found, path)
            columns = None if table is None else self._dialect.columns(table.rows[0][1])
            if table is not None and columns is not None:
                tables.append((table, columns))
            elif table is not None and not self._is_class_list(table.rows[0][1]):
                headings = _shown(table.rows[0][1])
                passed_over.append(f"{path.name} begins with {headings}")
                self._found.problem(path, f"no table of {self._dialect.title} ({headings}): passed over", 1)
        if not tables:
            reason = f": {passed_over[0]}" if passed_over else ""
            hint = "Say which column is what (option columns)" if passed_over and self._is_plain else None
            raise FormatError(f"no table of {self._dialect.title} here{reason}", path=source, hint=hint)
        if self._bbox == "auto" and any(columns.form == "bbox" for _, columns in tables):
            hint = f"Choose what its numbers are (option bbox): {', '.join(_ORDERS)}"
            raise FormatError("a column holds all four numbers of a box", path=source, hint=hint)
        return tables

    @property
    def _is_plain(self) -> bool:
        return self._dialect.name == _CSV.name

    def _is_class_list(self, first: Cells) -> bool:
        if len(first) != 2:
            return False
        if self._dialect.class_list == "numbers":
            return first[1].isascii() and first[1].isdigit()
        return self._dialect.class_list == "names" and (first[0][:1] == "/" or first[0] == "LabelName")

    def _read_class_lists(self, tables: Sequence[Path]) -> None:
        if not self._dialect.class_list:
            return
        folders = dict.fromkeys(path.parent for path in tables)
        near = [path for folder in folders for path in sorted(folder.glob("*.csv"))[:_LIST_FILES]]
        for path in near:
            rows = first_rows(path)
            table = read_table(self._found, path) if rows and self._is_class_list(rows[0]) else None
            for line, cells in table.rows if table is not None else ():
                if len(cells) != 2:
                    self._found.problem(path, "not two columns: left out", line)
                elif self._dialect.class_list == "names":
                    self._names[cells[0]] = cells[1]
                elif cells[1].isascii() and cells[1].isdigit() and len(cells[1]) < 19:
                    self._found.classes.add(cells[0], int(cells[1]))

    def _take(self, table: Table, columns: Columns) -> None:
        """Sort the rows of a table under their images."""
        split = split_of_file(table.path.stem) or self._found.folder_split(table.path)
        numbers: list[float] = []
        for line, cells in table.rows[1:] if columns.headed else table.rows:
            if line % _STEP == 0:
                step(self._progress, 0, 0)
            path = self._path(table.path, _cell(cells, columns.places["file"]), line)
            if path is None:
                continue
            entry = self._entries.get(path)
            if entry is None:
                entry = self._entries[path] = _Entry(table=table.path, split=split)
            told = split_named(_cell(cells, columns.places.get("split")))
            entry.split = told or entry.split
            entry.size = entry.size or _size(cells, columns)
            try:
                record = self._record(table.path, line, cells, columns)
            except ValueError as error:
                entry.whole = False
                self._found.problem(table.path, f"{error}: left out", line)
                continue
            if record is not None:
                entry.records.append(record)
                numbers += record.corners
        self._fractions[table.path] = self._are_fractions(table.path, columns, numbers)

    def _are_fractions(self, path: Path, columns: Columns, numbers: Sequence[float]) -> bool:
        if self._dialect.unit != "auto":
            return self._dialect.unit == "fractions"
        if {"width", "height"} <= columns.places.keys() or not numbers:
            return False
        small = all(0 <= number <= 1 for number in numbers)
        if small and not all(number.is_integer() for number in numbers):
            self._found.problem(path, "all numbers lie between 0 and 1: read as fractions of the image")
            return True
        return False

    def _path(self, table: Path, written: str, line: int) -> Path | None:
        """The image of a row; each name is looked for, and complained of, once."""
        key = (table, written)
        if key not in self._paths:
            self._paths[key] = self._find(table, written, line)
        return self._paths[key]

    def _find(self, table: Path, written: str, line: int) -> Path | None:
        homes = self._homes(table)
        parts = foreign_parts(written)
        if parts and Path(parts[-1]).suffix.lower() not in EXTENSIONS:
            near = (self._found.finder.by_stem(home.joinpath(*parts[:-1]), parts[-1]) for home in homes)
            image = next((path for path in near if path is not None), None)
            if image is not None:
                return image
            images = self._found.finder.anywhere((*parts[:-1], f"{parts[-1]}.x"), stem_only=True)
            if len(images) > 1:
                self._found.ambiguous(table, "/".join(parts), images, line)
                return None
            return images[0] if images else table.parent.joinpath(*parts[:-1], f"{parts[-1]}.jpg")
        return self._found.named(table, written, homes, expected=table.parent, line=line)

    def _homes(self, table: Path) -> list[Path]:
        """Where the images of a table may be: in a folder of its split, then beside it."""
        folder, above = table.parent, table.parent.parent
        words = [word for word in re.split(r"[_\-. ]+", table.stem) if split_of_folder((word,))]
        homes = [
            place
            for word in words
            for place in (folder / word, folder / "images" / word, above / "images" / word)
        ]
        homes += [folder, folder / "images", folder / "JPEGImages", above / "images", above / "JPEGImages"]
        return homes

    def _record(self, table: Path, line: int, cells: Cells, columns: Columns) -> _Record | None:
        """What a row says; ``None`` for an image without objects.

        Raises:
            ValueError: it is neither; the text says why.
        """
        texts = [_cell(cells, place) for place in columns.box]
        if columns.form == "bbox":
            texts = re.findall(r"[^\s\[\](),;]+", texts[0])
        name = _cell(cells, columns.places["class"])
        if not any(texts):
            return None
        if not name:
            raise ValueError("a box without a class")
        return _Record(
            table=table,
            line=line,
            name=name,
            corners=self._corners(texts, columns),
            flags=self._flags(table, line, cells, columns),
            kept={
                heading: text for heading, place in columns.others.items() if (text := _cell(cells, place))
            },
        )

    def _corners(self, texts: Sequence[str], columns: Columns) -> Xyxy:
        if columns.form == "corners":
            xs, ys = _numbers(filter(None, texts[0::2])), _numbers(filter(None, texts[1::2]))
            if len(xs) < 2 or len(ys) < 2:
                raise ValueError("not two corners")
            return min(xs), min(ys), max(xs), max(ys)
        values = _numbers(texts)
        if len(values) != 4:
            raise ValueError(f"{counted(len(values), 'number')} where a box has four")
        a, b, c, d = values
        form = self._bbox if columns.form == "bbox" else columns.form
        if form == "sizes":
            return a, b, a + c, b + d
        if form == "centres":
            return a - c / 2, b - d / 2, a + c / 2, b + d / 2
        return a, b, c, d

    def _flags(self, table: Path, line: int, cells: Cells, columns: Columns) -> dict[str, bool]:
        flags: dict[str, bool] = {}
        for flag in FLAGS:
            text = _cell(cells, columns.places.get(flag))
            value = as_flag("" if text == "-1" else text)  # OpenImages writes it for what nobody looked at
            if value is None:
                self._found.problem(table, f"{flag} is {text[:30]!r}, neither 0 nor 1: read as 0", line)
            flags[flag] = bool(value)
        return flags

    def _image(self, path: Path, entry: _Entry) -> DatasetImage:
        frame = self._found.frame(entry.table, path, entry.size, fractions=self._fractions[entry.table])
        boxes: list[DatasetBox] = []
        lost = 0
        seen: dict[tuple[str, Xyxy], Path] = {}
        for record in entry.records:
            if seen.setdefault((record.name, record.corners), record.table) != record.table:
                self._repeated += 1
                continue
            corners = self._in_pixels(record, frame)
            box = None if corners is None else self._box(record, corners, frame)
            if box is not None:
                boxes.append(box)
            lost += corners is None
        if lost:
            message = f"{counted(lost, 'box', 'boxes')} left out: fractions of an image that cannot be read"
            self._found.problem(entry.table, f"{path.name}: {message}", entry.records[0].line)
        empty = entry.whole and not entry.records
        mark = self._marks.get(path, {})
        return DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=mark.get("split", entry.split or self._found.folder_split(path)),
            labelled=bool(boxes) or empty,
            verified=bool(mark.get("verified")) or empty,
            boxes=boxes,
        )

    def _in_pixels(self, record: _Record, frame: Frame) -> Xyxy | None:
        """The corners in pixels; ``None`` where nobody knows how many there are."""
        x1, y1, x2, y2 = record.corners
        if not self._fractions[record.table]:
            return record.corners
        if frame.width is None or frame.height is None:
            return None
        return x1 * frame.width, y1 * frame.height, x2 * frame.width, y2 * frame.height

    def _box(self, record: _Record, corners: Xyxy, frame: Frame) -> DatasetBox | None:
        box = self._found.clipped(record.table, corners, frame, record.line)
        if box is None:
            return None
        return DatasetBox(
            label=self._label(record.name),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={self._dialect.name: dict(record.kept)} if record.kept else {},
            **record.flags,
        )

    def _label(self, name: str) -> int:
        if self._dialect.class_list != "names":
            return self._found.classes.add(name)
        if name in self._names:
            extra: dict[str, Any] = {self._dialect.name: {"LabelName": name}}
            return self._found.classes.add(self._names[name], None, extra)
        if name.startswith("/"):
            self._nameless.add(name)
        return self._found.classes.add(name)


def _cell(cells: Cells, place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


def _numbers(texts: Any) -> list[float]:
    """Raises ValueError with a reason for what is no number."""
    values: list[float] = []
    for text in texts:
        try:
            values.append(as_number(text))
        except ValueError:
            raise ValueError(f"{text[:30]!r} is no number" if text else "an edge is missing") from None
    return values


def _size(cells: Cells, columns: Columns) -> tuple[int, int] | None:
    try:
        sides = [as_number(_cell(cells, columns.places.get(side))) for side in ("width", "height")]
    except ValueError:
        return None
    if not all(math.isfinite(side) and 0 < side < LARGEST_ID for side in sides):
        return None
    return int(sides[0]), int(sides[1])


_CSV = Dialect(name="csv", title="CSV", why="", columns=find_columns, unit="auto")

CSV = FormatSpec(
    name=_CSV.name,
    title="CSV",
    kind="table",
    text="One table a split, a row an object. For TensorFlow's tutorials and everything that reads tables.",
    suffixes=_SUFFIXES,
    sniff=sniff_csv,
    reader=read_csv,
    writer=write_csv,
    options=CsvOptions,
    reading=CsvReading,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        kept_beside=True,
    ),
)
OPENIMAGES_CSV = FormatSpec(
    name=OPENIMAGES.name,
    title=OPENIMAGES.title,
    kind="CSV",
    text="One table a split, of fractions.",
    suffixes=_SUFFIXES,
    sniff=_sniffer_of(OPENIMAGES, 0.96),
    reader=_reader_of(OPENIMAGES),
    capabilities=Capabilities(truncated=True, occluded=True, crowd=True, splits=True),
)
AUTOML_CSV = FormatSpec(
    name=AUTOML.name,
    title=AUTOML.title,
    kind="CSV",
    text="One table without headings, of fractions.",
    suffixes=_SUFFIXES,
    sniff=_sniffer_of(AUTOML, 0.96),
    reader=_reader_of(AUTOML),
    capabilities=Capabilities(verified_empty=True, splits=True),
)
KERAS_RETINANET_CSV = FormatSpec(
    name=KERAS_RETINANET.name,
    title=KERAS_RETINANET.title,
    kind="CSV",
    text="One table without headings, of pixels.",
    suffixes=_SUFFIXES,
    sniff=_sniffer_of(KERAS_RETINANET, 0.95),
    reader=_reader_of(KERAS_RETINANET),
    capabilities=Capabilities(verified_empty=True, splits=True, class_ids=True),
)
