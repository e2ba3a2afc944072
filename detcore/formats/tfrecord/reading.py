"""TFRecord of the TensorFlow Object Detection API, without TensorFlow.

The images are inside of the records. They are taken out where that is asked for; else those are found that lie
elsewhere by the same names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detcore.boxes import fit
from detcore.errors import FormatError, ImageError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import decode, foreign_parts, read_bytes, split_of_file
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, read_head
from detcore.formats.spec import FormatSpec
from detcore.formats.tfrecord import features as named
from detcore.formats.tfrecord.example import Example, Feature, read_example
from detcore.formats.tfrecord.label_map import MappedLabel, read_label_map
from detcore.formats.tfrecord.records import begins_with_record, read_records
from detcore.formats.tfrecord.taking_out import RecordImages
from detcore.formats.tfrecord.writing import write_tfrecord
from detcore.images.decoding import ImageHeader, header_inside
from detcore.options import option

SUFFIXES = (".tfrecord", ".tfrecords", ".record")

_STEPS = 1000
_LONGEST_NAME = 200  # bytes, with room for a number and an extension
_TAKE_OUT = "The images are inside of the records: give --take-out, and with --images the folder to which they are to be written"
_NOTHING = Feature()


@dataclass(frozen=True, slots=True, kw_only=True)
class TfRecordReading:
    """What becomes of the images inside of the records."""

    take_out: bool = option(
        False, label="Take images out", help="Write the images inside of the records to the folder of images"
    )


_LEFT_IN = TfRecordReading()


def read_tfrecord(
    source: Path, *, image_folder: Path | None, progress: Progress, options: TfRecordReading = _LEFT_IN
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`. If ``options`` say so, the images are those that are to be written to
    ``image_folder``."""
    found = Gathering(source, image_folder, progress)
    files = found.files(source, SUFFIXES)
    if not files:
        raise FormatError("no TFRecord file here", path=source)
    if options.take_out and image_folder is None:
        hint = "Name the folder to which they are to be written with --images"
        raise FormatError(
            "the images are to be taken out of the records, but not where to", path=source, hint=hint
        )
    inside = RecordImages(image_folder) if options.take_out and image_folder is not None else None
    found.inside = inside
    total, done = sum(path.stat().st_size for path in files) or 1, 0
    for path in files:
        file = _File(path, found, inside)
        for record in read_records(path):
            step(progress, _STEPS * (done + record.end) // total, _STEPS)
            if record.wrong:
                found.problem(path, f"record {record.number}: {record.wrong}: left out")
            else:
                file.read(record.number, record.data)
        done += path.stat().st_size
    step(progress, _STEPS, _STEPS)
    return found.dataset(), found.problems


def sniff_tfrecord(sample: Sample) -> Sniffed | None:
    """Whether the file, or the first ones of a folder, begin with a length and its checksum."""
    return sample.surest(SUFFIXES, _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    if begins_with_record(read_head(path)):
        return Sniffed(confidence=0.95, why="a record with its checksum")
    return Sniffed(confidence=0.0, why="it begins with no record")


TFRECORD = FormatSpec(
    name="tfrecord",
    title="TFRecord",
    kind="binary",
    text="Images and boxes in one file a split. For the TensorFlow Object Detection API.",
    suffixes=SUFFIXES,
    sniff=sniff_tfrecord,
    reader=read_tfrecord,
    writer=write_tfrecord,
    reading=TfRecordReading,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        class_ids=True,
        kept_beside=True,
    ),
)


class _File:
    """One file of records, with the label map beside it."""

    def __init__(self, path: Path, found: Gathering, inside: RecordImages | None) -> None:
        self._path = path
        self._found = found
        self._inside = inside
        self._stem = path.name.partition(".")[0]
        self._home = path.parent
        self._split = split_of_file(self._stem) or found.folder_split(path)
        self._marks = read_marks([path.parent])
        self._by_number: dict[int, int] = {}
        self._by_name: dict[str, int] = {}
        for label in _labels_beside(path, found):
            extra = {"tfrecord": {"name": label.name}} if label.shown != label.name else None
            index = found.classes.add(label.shown, label.number, extra)
            self._by_number[label.number] = self._by_name[label.name] = index

    def read(self, number: int, data: bytes) -> None:
        """Take the image of a record in, with its boxes."""
        what = f"record {number}"
        try:
            example = read_example(data)
        except ValueError as error:
            self._report(f"{what}: no tf.train.Example ({error}): left out")
            return
        encoded = (example.get(named.ENCODED, _NOTHING).texts or [b""])[0]
        name = (example.get(named.FILENAME, _NOTHING).texts or [b""])[0].decode("utf-8", "replace")
        if not name and not encoded:
            self._report(f"{what}: neither an image nor the name of one: left out")
            return
        name = name or f"{self._stem}_{number:06d}"
        header = self._header(what, encoded)
        path = self._place(what, number, name, encoded if header is not None else b"")
        if path is None:
            return
        if os.path.isfile(path):
            header = None
        frame = self._found.frame(self._path, path, _size(example), fractions=True, inside=header)
        missing = header is not None and self._inside is None
        if missing:
            self._found.hint = _TAKE_OUT
        count = len(example.get(named.EDGES[0], _NOTHING).floats)
        whole = all(len(example.get(edge, _NOTHING).floats) == count for edge in named.EDGES)
        if not whole:
            self._report(f"{what}: not as many edges of one side as of another: no box read")
        places = range(count) if whole else ()
        boxes = [
            box for place in places if (box := self._box(what, example, place, count, frame)) is not None
        ]
        kept = {
            key: named.as_json(feature)
            for key, feature in example.items()
            if key not in named.WRITTEN and feature.values and not _is_of_boxes(key, feature, count)
        }
        mark = self._marks.get(self._home.joinpath(self._stem, name), {})
        image = DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=self._split,
            labelled=whole,
            verified=bool(mark.get("verified")) or (whole and not count),
            missing=missing,
            boxes=boxes,
            extra={"tfrecord": {"filename": name, "features": kept}},
        )
        self._found.add(image, self._path)

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _header(self, what: str, encoded: bytes) -> ImageHeader | None:
        """What the image inside of a record is like; ``None`` where there is none."""
        try:
            return header_inside(encoded) if encoded else None
        except ImageError:
            self._report(f"{what}: what should be the image is none")
            return None

    def _place(self, what: str, number: int, name: str, encoded: bytes) -> Path | None:
        """Where the image is, or is to be."""
        if self._inside is not None and encoded:
            if "\0" in name or any(len(part.encode()) > _LONGEST_NAME for part in foreign_parts(name)):
                self._report(f"{what}: its file name is one that no disk can hold: left out")
                return None
            return self._inside.place(name, encoded, self._path, number)
        inner = self._home / self._stem  # so that two files may have images of one name
        homes = (inner, self._home, self._home / "images")
        return self._found.named(self._path, name, homes, expected=inner)

    def _box(self, what: str, example: Example, place: int, count: int, frame: Frame) -> DatasetBox | None:
        what = f"{what}, box {place + 1}"
        size = frame.drawn_on
        if size is None:
            self._report(f"{what}: shares of an image whose size is not known: left out")
            return None
        x1, y1, x2, y2 = (example[edge].floats[place] for edge in named.EDGES)
        label = self._label(what, example, place, count)
        if label is None:
            return None
        edges = (x1 * size[0], y1 * size[1], x2 * size[0], y2 * size[1])
        box, message = fit(frame.turn(edges), width=frame.width, height=frame.height)
        if message is not None:
            self._report(f"{what}: {message}")
        if box is None:
            return None
        kept = {
            key: named.as_json(named.part_of(feature, place))
            for key, feature in example.items()
            if key not in named.WRITTEN and _is_of_boxes(key, feature, count)
        }
        flags = {flag: self._flag(example, key, place, count) for flag, key in named.FLAGS.items()}
        return DatasetBox(
            label=label,
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={"tfrecord": kept} if kept else {},
            **flags,
        )

    def _flag(self, example: Example, key: str, place: int, count: int) -> bool:
        feature = example.get(key, _NOTHING)
        return bool(feature.numbers[place]) if len(feature.numbers) == count else False

    def _label(self, what: str, example: Example, place: int, count: int) -> int | None:
        """The class by its name, or else by its number and the label map."""
        texts, numbers = example.get(named.TEXTS, _NOTHING).texts, example.get(named.LABELS, _NOTHING).numbers
        number = numbers[place] if len(numbers) == count else None
        name = texts[place].decode("utf-8", "replace").strip() if len(texts) == count else ""
        if name:
            known = self._by_name.get(name)
            return self._found.classes.add(name, number) if known is None else known
        if number is None:
            self._report(f"{what}: neither a name nor a number of a class: left out")
            return None
        if number not in self._by_number:
            label = self._found.classes.placeholder(number)
            self._by_number[number] = label
            shown = self._found.classes.classes()[label].name
            self._report(f"{what}: no label map names the class {number}: put into “{shown}”")
        return self._by_number[number]


def _labels_beside(path: Path, found: Gathering) -> Sequence[MappedLabel]:
    """The classes of the label map in the folder of a file, or in that of the dataset."""
    for folder in dict.fromkeys((path.parent, found.folder)):
        for file in sorted(folder.glob("*.pbtxt")):
            labels = read_label_map(decode(read_bytes(file))[0])
            if labels:
                return labels
    return ()


def _is_of_boxes(key: str, feature: Feature, count: int) -> bool:
    """Whether a feature has one value for each box."""
    return key.startswith(named.OBJECT) and count > 0 and len(feature.values) == count


def _size(example: Example) -> tuple[int, int] | None:
    sides: list[Any] = [(example.get(side, _NOTHING).numbers or [0])[0] for side in named.SIDES]
    return (sides[0], sides[1]) if all(0 < side < 2**31 for side in sides) else None
