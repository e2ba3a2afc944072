"""YOLO text files: one line a box, ``class center_x center_y width height`` as fractions of the image.

Reads what Ultralytics, darknet, CVAT, labelImg, Roboflow and Label Studio write, and survives all that
they leave behind. Boxes are fractions of the image as shown (EXIF applied), as Ultralytics reads it.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from detcore.errors import FormatError
from detcore.formats.base import (
    Dataset,
    DatasetBox,
    DatasetImage,
    ExportOptions,
    ExportReport,
    Problem,
    Progress,
    no_progress,
    step,
)
from detcore.formats.collect import LARGEST_ID, Gathering, sample_files
from detcore.formats.geometry import Frame, fit
from detcore.formats.staging import read_marker, read_marks
from detcore.formats.text import decode, read_bytes
from detcore.formats.yolo_layout import Entry, find_config, find_entries, looks_like_labels, names_around
from detcore.formats.yolo_names import NAME_FILES, names_file, read_names
from detcore.formats.yolo_write import write_yolo


class YoloFormat:
    """YOLO text files."""

    name = "yolo"
    title = "YOLO (text files)"

    def detect(self, folder: Path) -> bool:
        """Whether there is a configuration or a list of classes, or text files that look like labels."""
        if folder.is_dir():
            names = {name.lower() for name in os.listdir(folder)}
            if names & {"data.yaml", "dataset.yaml", "obj.data", *NAME_FILES}:
                return True
        return any(
            path.stat().st_size and looks_like_labels(path) for path in sample_files(folder, (".txt",))
        )

    def read(
        self, source: Path, *, image_folder: Path | None = None, progress: Progress = no_progress
    ) -> tuple[Dataset, list[Problem]]:
        """See :class:`detcore.formats.base.Format`."""
        if not source.exists():
            raise FormatError("no such file or folder", path=source)
        return _Reader(source, image_folder).read(progress)

    def write(
        self,
        dataset: Dataset,
        out: Path,
        options: ExportOptions | None = None,
        progress: Progress = no_progress,
    ) -> ExportReport:
        """See :class:`detcore.formats.base.Format`."""
        return write_yolo(dataset, out, options or ExportOptions(), progress)


class _Reader:
    def __init__(self, source: Path, image_folder: Path | None) -> None:
        self._found = Gathering(source, image_folder)
        self._image_folder = image_folder
        self._config = find_config(source, self._found)
        folder = self._found.folder
        homes = [folder, *list(folder.parents)[:2]]
        self._marks = read_marks(homes)
        self._labels: dict[Path, dict[int, int]] = {}
        self._nameless: set[Path] = set()
        self._unlabelled: dict[Path, int] = {}
        self._keep_extra(homes)
        if self._config is not None:
            for message in self._config.messages:
                self._found.problem(self._config.path, message)
            self._add_classes(self._config.names, self._config.path)

    def read(self, progress: Progress) -> tuple[Dataset, list[Problem]]:
        entries = find_entries(self._config, self._found)
        if not any(entry.labels for entry in entries):
            raise FormatError("no YOLO label file here that belongs to an image", path=self._found.source)
        for done, entry in enumerate(entries):
            step(progress, done, len(entries))
            self._found.add(self._image(entry), entry.labels or entry.image)
        for folder, number in self._unlabelled.items():
            self._found.problem(
                folder, f"{number:,} images without a label file: taken in as not yet looked at"
            )
        step(progress, len(entries), len(entries))
        return self._found.dataset(), self._found.problems

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
            if path is not None and read_names(path) != self._config.names:
                self._found.problem(path, f"other class names than in {self._config.path.name}, which counts")
            return self._add_known(self._config.names)
        if path is None and self._names_around is not None:
            around, names = self._names_around
            return self._add_classes(names, around)
        if path is None:
            self._found.problem(folder, "no classes.txt: the classes are named after their ids")
            self._nameless.add(folder)
            return {}
        known = read_names(path)
        if known and len(known) <= max(known):
            self._found.problem(path, "an empty line: the ids of the names after it count it")
        return self._add_classes(known, path)

    @cached_property
    def _names_around(self) -> tuple[Path, dict[int, str]] | None:
        return names_around(self._image_folder, self._found)

    def _add_known(self, names: dict[int, str]) -> dict[int, int]:
        return {source_id: self._found.classes.add(name) for source_id, name in names.items()}

    def _image(self, entry: Entry) -> DatasetImage:
        frame = self._found.frame(entry.labels or entry.image, entry.image, None)
        mark = self._marks.get(entry.image, {})
        boxes: list[DatasetBox] = []
        lines: list[tuple[int, str]] = []
        if entry.labels is None:
            folder = entry.image.parent
            self._unlabelled[folder] = self._unlabelled.get(folder, 0) + 1
        else:
            lines = self._lines(entry.labels)
            if lines and frame.width is None:
                message = f"{len(lines)} boxes left out: they are fractions of an image that cannot be read"
                self._found.problem(entry.labels, message)
            else:
                boxes = self._boxes(entry.labels, lines, frame, mark)
        return DatasetImage(
            path=entry.image,
            name="",
            width=frame.width,
            height=frame.height,
            split=mark.get("split", entry.split),
            labelled=entry.labels is not None and (not lines or frame.width is not None),
            verified=bool(mark.get("verified")) or (entry.labels is not None and not lines),
            boxes=boxes,
        )

    def _lines(self, path: Path) -> list[tuple[int, str]]:
        try:
            text, guessed = decode(read_bytes(path))
        except FormatError as error:
            self._found.problem(path, error.message)
            return []
        if guessed:
            self._found.problem(path, "not in UTF-8: read as Windows-1252")
        lines = enumerate(text.splitlines(), start=1)
        return [(number, line.strip()) for number, line in lines if line.strip()]

    def _boxes(
        self, path: Path, lines: list[tuple[int, str]], frame: Frame, mark: dict[str, Any]
    ) -> list[DatasetBox]:
        flagged = [dict(item) for item in mark.get("boxes", [])]
        boxes: list[DatasetBox] = []
        for number, line in lines:
            box = self._box(path, number, line, frame)
            if box is None:
                continue
            noted = next((item for item in flagged if item.get("line") == line), None)
            if noted is not None:
                flagged.remove(noted)
                box = _with_flags(box, noted)
            boxes.append(box)
        return boxes

    def _box(self, path: Path, number: int, line: str, frame: Frame) -> DatasetBox | None:
        columns = line.split()
        try:
            values = [float(column) for column in columns[1:]]
        except ValueError:
            self._found.problem(path, f"not five numbers ({line[:60]!r}): left out", number)
            return None
        if len(values) < 4:
            self._found.problem(path, f"only {len(columns)} columns ({line[:60]!r}): left out", number)
            return None
        label = self._label(path, number, columns[0])
        if label is None:
            return None
        center_x, center_y, width, height = self._fractions(path, number, values)
        scale_x, scale_y = float(frame.width or 0), float(frame.height or 0)
        corners = (
            (center_x - width / 2) * scale_x,
            (center_y - height / 2) * scale_y,
            (center_x + width / 2) * scale_x,
            (center_y + height / 2) * scale_y,
        )
        box, message = fit(corners, width=frame.width, height=frame.height)
        if message is not None:
            self._found.problem(path, message, number)
        if box is None:
            return None
        return DatasetBox(label=label, x1=box[0], y1=box[1], x2=box[2], y2=box[3])

    def _fractions(self, path: Path, number: int, values: list[float]) -> tuple[float, float, float, float]:
        keypoints = self._config is not None and self._config.keypoints
        if len(values) >= 6 and len(values) % 2 == 0 and not keypoints:
            xs, ys = values[0::2], values[1::2]
            left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
            message = f"an outline of {len(xs)} points: its bounds were taken"
            self._found.problem(path, message, number)
            return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        if len(values) > 4:
            self._found.problem(path, f"{len(values) + 1} columns instead of 5: the rest is left out", number)
        return (values[0], values[1], values[2], values[3])

    def _label(self, path: Path, number: int, text: str) -> int | None:
        labels = self._labels_for(path.parent)
        named = self._found.classes.by_name(text)
        try:
            value = float(text)
        except ValueError:
            if named is None:
                self._found.problem(path, f"{text!r} is no class id: left out", number)
            return named
        if not math.isfinite(value) or value != int(value) or not 0 <= value < LARGEST_ID:
            self._found.problem(path, f"{text!r} is no class id: left out", number)
            return None
        source_id = int(value)
        if source_id not in labels:
            label = self._found.classes.placeholder(source_id)
            name = self._found.classes.classes()[label].name
            if path.parent not in self._nameless:
                self._found.problem(path, f"no class has the id {source_id}: put into “{name}”", number)
            labels[source_id] = label
        return labels[source_id]


def _with_flags(box: DatasetBox, noted: dict[str, Any]) -> DatasetBox:
    return replace(
        box,
        difficult=bool(noted.get("difficult")),
        truncated=bool(noted.get("truncated")),
        occluded=bool(noted.get("occluded")),
        crowd=bool(noted.get("crowd")),
    )
