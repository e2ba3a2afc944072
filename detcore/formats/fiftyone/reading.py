"""FiftyOne's ``samples.json`` with all fields of the samples, and its plain ``labels.json``.

The boxes come from one field of detections; the other fields, such as predictions, and all that the detections say
besides are kept for the export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from detcore.boxes import fit
from detcore.errors import FormatError
from detcore.formats.base import Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import as_flag, split_of_folder
from detcore.formats.fiftyone.relative import edges_of
from detcore.formats.fiftyone.writing import DEFAULT_FIELD, FLAGS, write_fiftyone
from detcore.formats.losses import Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.options import option

Json = dict[str, Any]

_NAMES = ("samples.json", "labels.json")
_STEP = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class FiftyOneReading:
    """Which field of the samples holds the labels."""

    field: str = option(
        "",
        label="Field of the labels",
        help=f"One of detections; left empty, {DEFAULT_FIELD}, or the only one that there is",
    )


_BY_ITSELF = FiftyOneReading()


def read_fiftyone(
    source: Path, *, image_folder: Path | None, progress: Progress, options: FiftyOneReading = _BY_ITSELF
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    paths = [path for path in found.files(source, (".json",)) if path.name in _NAMES]
    if source.is_file() and source.name not in _NAMES:  # metadata.json, or labels by another name
        paths = [source.parent / _NAMES[0]] if (source.parent / _NAMES[0]).is_file() else [source]
    files: list[tuple[Path, list[Json]]] = []
    for path in paths:
        content: Any = found.json(path)
        samples = _samples(path, content, options.field, found)
        if samples is not None:
            files.append((path, samples))
        elif content is not None:
            found.problem(path, "no dataset of FiftyOne (neither samples nor labels)")
    if not files:
        reason = f" ({found.problems[0]})" if found.problems else ""
        raise FormatError(f"no dataset of FiftyOne here{reason}", path=source)
    total, done = sum(len(samples) for _, samples in files), 0
    for path, samples in files:
        file = _File(path, samples, found, options.field)
        for sample in samples:
            if done % _STEP == 0:
                step(progress, done, total)
            file.read(sample)
            done += 1
    step(progress, total, total)
    return found.dataset(), found.problems


def sniff_fiftyone(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold samples with the paths of files."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = json_head(path)
    if head is None or head.is_list:
        return None
    if "filepath" in head.keys.get("samples", set()):
        return Sniffed(confidence=0.95, why="samples with filepath")
    if path.name == "metadata.json" and {"sample_fields", "media_type"} <= head.keys.keys():
        return Sniffed(confidence=0.9, why="sample_fields and media_type")
    if path.name == "labels.json" and {*head.keys} in ({"classes", "labels"}, {"labels"}):
        return Sniffed(confidence=0.8, why="labels by the names of images")
    return None


FIFTYONE = FormatSpec(
    name="fiftyone",
    title="FiftyOne",
    kind="JSON",
    text="A folder of samples with their images. For FiftyOneDataset in FiftyOne.",
    suffixes=(".json",),
    sniff=sniff_fiftyone,
    reader=read_fiftyone,
    writer=write_fiftyone,
    reading=FiftyOneReading,
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


def _samples(path: Path, content: Any, field: str, found: Gathering) -> list[Json] | None:
    """The samples of a file; those of plain labels in the form of the others."""
    told = _object(content)
    if isinstance(told.get("samples"), list):
        return [cast(Json, item) for item in told["samples"] if isinstance(item, dict)]
    if not isinstance(told.get("labels"), dict):
        return None
    names = told.get("classes")
    classes = [str(name) for name in cast("list[Any]", names)] if isinstance(names, list) else []
    for name in classes:
        found.classes.add(name)
    samples: list[Json] = []
    for key, items in cast(Json, told["labels"]).items():
        detections = [
            {**_object(item), "label": _named(_object(item).get("label"), classes)} for item in _list(items)
        ]
        labels = {"_cls": "Detections", "detections": detections} if isinstance(items, list) else None
        samples.append({"filepath": key, field or DEFAULT_FIELD: labels})
    return samples


def _named(label: Any, classes: Sequence[str]) -> Any:
    """A label that may be the number of a class."""
    is_number = isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(classes)
    return classes[label] if is_number else label


class _File:
    """One file of samples."""

    def __init__(self, path: Path, samples: Sequence[Json], found: Gathering, field: str) -> None:
        self._path = path
        self._found = found
        self._home = path.parent
        self._marks = read_marks([path.parent])
        self._field = self._choose(samples, field)
        self._plain = path.name != _NAMES[0]
        metadata = path.parent / "metadata.json"
        told: Any = found.json(metadata) if metadata.is_file() and not self._plain else None
        self._metadata = _object(told)
        kept = {"field": self._field, "metadata": self._metadata}
        if found.extra.setdefault("fiftyone", kept) != kept:
            self._report("what it says of its whole is not kept: that of another file is")
        for name in self._classes():
            found.classes.add(name)

    def read(self, sample: Json) -> None:
        """Take an image in, with its boxes."""
        written = str(sample.get("filepath", ""))
        path = self._locate(written)
        if path is None:
            return
        told = _object(sample.get("metadata"))
        frame = self._found.frame(self._path, path, _size(told), fractions=True)
        labels = sample.get(self._field)
        boxes: list[DatasetBox] = []
        for place, raw in enumerate(_detections(labels)):
            box = self._box(_object(raw), f"{written}, detection {place + 1}", frame)
            if box is not None:
                boxes.append(box)
        tags = [str(tag) for tag in _list(sample.get("tags"))]
        split = next((split for tag in tags if (split := split_of_folder((tag,)))), None)
        used = {self._field, "filepath"} if self._plain else {self._field}
        kept = {key: value for key, value in sample.items() if key not in used}
        around = {key: value for key, value in _object(labels).items() if key not in {"detections", "_cls"}}
        if around:
            kept["around"] = around
        labelled = labels is not None
        image = DatasetImage(
            path=path,
            name="",
            width=frame.width,
            height=frame.height,
            split=split or self._found.folder_split(path),
            labelled=labelled,
            verified=bool(self._marks.get(path, {}).get("verified"))
            or (labelled and not _detections(labels)),
            boxes=boxes,
            extra={"fiftyone": kept} if kept else {},
        )
        self._found.add(image, self._path)

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _choose(self, samples: Sequence[Json], wanted: str) -> str:
        """The field that the labels are in.

        Raises:
            FormatError: there is no field of detections, several that may be meant, or not the one that is wanted.
        """
        fields: dict[str, bool] = {}  # and whether its detections have a confidence
        for name, value in _fields(samples):
            sure = any("confidence" in _object(item) for item in _detections(value))
            fields[name] = fields.get(name, False) or sure
        alone = tuple(fields) if len(fields) == 1 else ()
        choices = (wanted,) if wanted else (DEFAULT_FIELD, *alone)
        for name in choices:
            if name in fields:
                others = ", ".join(other for other in fields if other != name)
                if others:
                    self._report(f"labels read from the field {name!r}; kept beside them: {others}")
                return name
        unsure = [name for name, sure in fields.items() if not sure]
        if not wanted and len(unsure) == 1:
            self._report(f"labels read from the field {unsure[0]!r}, the one without confidences")
            return unsure[0]
        if not fields and not wanted:
            return DEFAULT_FIELD
        there = ", ".join(fields) or "none"
        raise FormatError(
            f"there is no field of detections called {wanted!r}"
            if wanted
            else "several fields hold detections",
            path=self._path,
            hint=f"Name the field with --field; there is {there}",
        )

    def _classes(self) -> Iterator[str]:
        by_field = _object(self._metadata.get("classes")).get(self._field)
        for names in (by_field, self._metadata.get("default_classes")):
            yield from (str(name) for name in _list(names))

    def _locate(self, written: str) -> Path | None:
        homes = [self._home, self._home / "data"]
        if self._plain:  # it names files without their extensions
            *folders, stem = written.replace("\\", "/").split("/")
            path = (
                self._found.finder.by_stem((self._home / "data").joinpath(*folders), stem) if stem else None
            )
            if path is not None and ".." not in folders:
                return path
            candidates = self._found.finder.anywhere((*folders, f"{stem}.x"), stem_only=True)
            if len(candidates) == 1:
                return candidates[0]
            written = f"data/{written}"
            written += "" if Path(written).suffix else ".jpg"
        return self._found.named(self._path, written, homes, expected=self._home)

    def _box(self, entry: Json, what: str, frame: Frame) -> DatasetBox | None:
        label = entry.get("label")
        if label is None or not str(label).strip():
            self._report(f"{what}: no label: left out")
            return None
        if frame.drawn_on is None:
            self._report(f"{what}: shares of an image whose size is not known: left out")
            return None
        edges = edges_of(entry.get("bounding_box"), frame.drawn_on)
        if edges is None:
            self._report(f"{what}: no bounding_box of four numbers: left out")
            return None
        box, message = fit(frame.turn(edges), width=frame.width, height=frame.height)
        if message is not None:
            self._report(f"{what}: {message}")
        if box is None:
            return None
        kept = {key: value for key, value in entry.items() if key != "label"}
        flags = {flag: bool(as_flag(str(entry.get(name, "")))) for flag, name in FLAGS.items()}
        return DatasetBox(
            label=self._found.classes.add(str(label).strip()),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra={"fiftyone": kept},
            **flags,
        )


def _fields(samples: Sequence[Json]) -> Iterator[tuple[str, Any]]:
    """The fields of detections, with their values."""
    for sample in samples:
        for name, value in sample.items():
            if _object(value).get("_cls") in ("Detections", "Detection"):
                yield name, value


def _detections(value: Any) -> Sequence[Any]:
    told = _object(value)
    return [told] if told.get("_cls") == "Detection" else _list(told.get("detections"))


def _object(value: Any) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _size(told: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = told.get("width"), told.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None
