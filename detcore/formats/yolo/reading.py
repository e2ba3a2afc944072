"""YOLO text files: one line a box, ``class center_x center_y width height`` as fractions of the image.

Reads what Ultralytics, darknet, CVAT, labelImg, Roboflow and Label Studio write, and survives all that
they leave behind. Boxes are fractions of the image as shown (EXIF applied), as Ultralytics reads it.
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.formats.base import (
    UNLABELLED,
    Dataset,
    DatasetBox,
    DatasetImage,
    Problem,
    Progress,
    step,
)
from detcore.formats.common.collect import LARGEST_ID, Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.marks import NotedFlags
from detcore.formats.common.staging import read_marker, read_marks
from detcore.formats.common.text import decode, read_bytes
from detcore.formats.losses import Capabilities
from detcore.formats.rules.yolo import YOLO_RULES
from detcore.formats.spec import FormatSpec
from detcore.formats.yolo.in_place import YoloFiles
from detcore.formats.yolo.layout import Entry, find_config, find_entries, names_around
from detcore.formats.yolo.names import NameList, names_file, read_names
from detcore.formats.yolo.rows import are_keypoints, bounds_of, foreign_layout
from detcore.formats.yolo.sniff import sniff_yolo
from detcore.formats.yolo.writing import YoloOptions, write_yolo
from detcore.wording import counted

_ELSEWHERE = "Name the folder that holds the images, if they lie elsewhere"
_SAMPLED = 100
"""Label files, and rows, that are looked at for what the dataset holds."""


def read_yolo(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    if not source.exists():
        raise FormatError("no such file or folder", path=source)
    return _Reader(source, image_folder, progress).read()


YOLO = FormatSpec(
    name="yolo",
    title="YOLO",
    kind="text",
    text="One text file an image and data.yaml. For Ultralytics and darknet.",
    suffixes=(".yaml", ".yml", ".data"),
    sniff=sniff_yolo,
    reader=read_yolo,
    writer=write_yolo,
    readers=YOLO_RULES,
    options=YoloOptions,
    open=YoloFiles,
    capabilities=Capabilities(verified_empty=True, splits=True, class_ids=True, kept_beside=True),
)


class _Reader:
    def __init__(self, source: Path, image_folder: Path | None, progress: Progress) -> None:
        self._found = Gathering(source, image_folder, progress)
        self._image_folder = image_folder
        self._progress = progress
        self._config = find_config(source, self._found)
        folder = self._found.folder
        homes = [folder, *list(folder.parents)[:2]]
        self._marks = read_marks(homes)
        self._labels: dict[Path, dict[int, int]] = {}
        self._nameless: set[Path] = set()
        self._unlabelled: dict[Path, int] = {}
        self._keypoints = None if self._config is None else self._config.keypoints
        self._understood = False
        self._refused: str | None = None
        self._keep_extra(homes)
        if self._config is not None:
            for message in self._config.messages:
                self._found.problem(self._config.path, message)
            self._add_classes(self._config.names, self._config.path)

    def read(self) -> tuple[Dataset, list[Problem]]:
        noted = {path for path, mark in self._marks.items() if "split" in mark}
        entries = find_entries(self._config, self._found, of_known_split=noted)
        if not any(entry.labels for entry in entries):
            reason = f" ({self._found.problems[0]})" if self._found.problems else ""
            raise FormatError(
                f"no YOLO label file here that belongs to an image{reason}",
                path=self._found.source,
                hint=_ELSEWHERE if self._found.problems else None,
            )
        if self._keypoints is None and are_keypoints(self._long_rows(entries)):
            self._keypoints = 0
        for done, entry in enumerate(entries):
            step(self._progress, done, len(entries))
            self._found.add(self._image(entry), entry.labels or entry.image)
        if self._refused is not None and not self._understood:
            layout = foreign_layout(self._refused)
            like = f"they look like {layout}" if layout else f"the first is {self._refused[:60]!r}"
            raise FormatError(
                f"no line of the label files here can be read as YOLO: {like}", path=self._found.source
            )
        for folder, number in self._unlabelled.items():
            self._found.problem(folder, f"{counted(number, 'image')} without a label file: {UNLABELLED}")
        step(self._progress, len(entries), len(entries))
        return self._found.dataset(), self._found.problems

    def _long_rows(self, entries: list[Entry]) -> list[list[float]]:
        """Some rows of more than a box; what they are is told from all of them together."""
        rows: list[list[float]] = []
        for path in [entry.labels for entry in entries if entry.labels is not None][:_SAMPLED]:
            for _, line in self._lines(path, report=False) or ():
                values = _numbers(line)
                if values is not None and len(values) >= 6:
                    rows.append(values)
            if len(rows) >= _SAMPLED:
                break
        return rows[:_SAMPLED]

    def _keep_extra(self, homes: list[Path]) -> None:
        kept = dict(self._config.extra) if self._config else {}
        for home in homes:
            noted: Any = (read_marker(home) or {}).get("yaml")
            if isinstance(noted, dict):
                kept = {**cast("dict[str, Any]", noted), **kept}
        if kept:
            self._found.extra["yolo"] = kept

    def _add_classes(self, names: dict[int, str], path: Path) -> dict[int, int]:
        labels: dict[int, int] = {}
        for source_id, name in sorted(names.items()):
            if self._found.classes.by_name(name) in labels.values():
                self._found.problem(path, f"two classes are called {name!r}: joined")
            labels[source_id] = self._found.classes.add(name, self._found.class_id(path, source_id))
        return labels

    def _labels_for(self, folder: Path) -> dict[int, int]:
        """Class index by id for the label files of one folder: the configuration's, else the nearest
        list's."""
        labels = self._labels.get(folder)
        if labels is None:
            labels = self._labels[folder] = self._look_up_classes(folder)
        return labels

    def _look_up_classes(self, folder: Path) -> dict[int, int]:
        inside = [folder, *folder.parents]
        if self._found.folder in inside:
            inside = inside[: inside.index(self._found.folder) + 1]
        else:
            inside = [folder, self._found.folder]
        path = next((file for place in inside if (file := names_file(place)) is not None), None)
        if self._config is not None and self._config.names:
            if path is not None and read_names(path).names != self._config.names:
                self._found.problem(path, f"other class names than in {self._config.path.name}, which counts")
            return self._add_known(self._config.names)
        if path is None and self._names_around is not None:
            return self._add_listed(self._names_around)
        if path is None:
            self._found.problem(folder, "no classes.txt: the classes are named after their ids")
            self._nameless.add(folder)
            return {}
        return self._add_listed(read_names(path))

    def _add_listed(self, listed: NameList) -> dict[int, int]:
        for message in listed.messages:
            self._found.problem(listed.path, message)
        return self._add_classes(listed.names, listed.path)

    @cached_property
    def _names_around(self) -> NameList | None:
        return names_around(self._image_folder, self._found)

    def _add_known(self, names: dict[int, str]) -> dict[int, int]:
        return {source_id: self._found.classes.add(name) for source_id, name in names.items()}

    def _image(self, entry: Entry) -> DatasetImage:
        frame = self._found.frame(entry.labels or entry.image, entry.image, None)
        mark = self._marks.get(entry.image, {})
        boxes: list[DatasetBox] = []
        lines: list[tuple[int, str]] | None = None
        if entry.labels is None:
            folder = entry.image.parent
            self._unlabelled[folder] = self._unlabelled.get(folder, 0) + 1
        else:
            lines = self._lines(entry.labels)
            if lines and frame.width is None:
                message = f"{counted(len(lines), 'box', 'boxes')} left out: fractions of an image that cannot be read"
                self._found.problem(entry.labels, message)
            elif lines:
                boxes = self._boxes(entry.labels, lines, frame, mark)
        return DatasetImage(
            path=entry.image,
            name="",
            width=frame.width,
            height=frame.height,
            split=mark.get("split", entry.split),
            labelled=bool(boxes) or lines == [],
            verified=bool(mark.get("verified")) or lines == [],
            boxes=boxes,
        )

    def _lines(self, path: Path, *, report: bool = True) -> list[tuple[int, str]] | None:
        """The lines that are not empty, with their numbers; ``None`` when the file cannot be read."""
        try:
            text, complaint = decode(read_bytes(path))
        except FormatError as error:
            if report:
                self._found.problem(path, error.message)
            return None
        if report and complaint is not None:
            self._found.problem(path, complaint)
        lines = enumerate(text.splitlines(), start=1)
        return [(number, line.strip()) for number, line in lines if line.strip()]

    def _boxes(
        self, path: Path, lines: list[tuple[int, str]], frame: Frame, mark: dict[str, Any]
    ) -> list[DatasetBox]:
        noted = NotedFlags(mark)
        boxes: list[DatasetBox] = []
        for number, line in lines:
            box = self._box(path, number, line, frame)
            if box is not None:
                boxes.append(noted.given_to(box, line))
        return boxes

    def _box(self, path: Path, number: int, line: str, frame: Frame) -> DatasetBox | None:
        values = _numbers(line)
        if values is None:
            self._refuse(path, number, line, "not five numbers: left out")
            return None
        label = self._label(path, number, line)
        if label is None:
            return None
        bounds, message = bounds_of(values, self._keypoints)
        if bounds is None:
            self._refuse(path, number, line, message or "")
            return None
        self._understood = True
        if message is not None:
            self._found.problem(path, message, number)
        width, height = float(frame.width or 0), float(frame.height or 0)
        corners = (bounds[0] * width, bounds[1] * height, bounds[2] * width, bounds[3] * height)
        box, message = fit(corners, width=frame.width, height=frame.height)
        if message is not None:
            self._found.problem(path, message, number)
        if box is None:
            return None
        return DatasetBox(label=label, x1=box[0], y1=box[1], x2=box[2], y2=box[3])

    def _refuse(self, path: Path, number: int, line: str, reason: str) -> None:
        """Report a line that is no YOLO; the first is kept, in case none is."""
        self._refused = self._refused or line
        self._found.problem(path, f"{reason} ({line[:60]!r})", number)

    def _label(self, path: Path, number: int, line: str) -> int | None:
        text = line.split(maxsplit=1)[0]
        labels = self._labels_for(path.parent)
        named = self._found.classes.by_name(text)
        try:
            value = float(text)
        except ValueError:
            if named is None:
                self._refuse(path, number, line, f"{text[:30]!r} is no class id: left out")
            return named
        if not math.isfinite(value) or value != int(value) or not 0 <= value < LARGEST_ID:
            self._refuse(path, number, line, f"{text[:30]!r} is no class id: left out")
            return None
        source_id = int(value)
        if source_id not in labels:
            label = self._found.classes.placeholder(source_id)
            name = self._found.classes.classes()[label].name
            if path.parent not in self._nameless:
                self._found.problem(path, f"no class has the id {source_id}: put into “{name}”", number)
            labels[source_id] = label
        return labels[source_id]


def _numbers(line: str) -> list[float] | None:
    """The numbers after the class; ``None`` where something else is among them."""
    try:
        return [float(column) for column in line.split()[1:]]
    except ValueError:
        return None
