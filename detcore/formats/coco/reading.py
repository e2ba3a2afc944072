"""COCO instances JSON: one file a split.

Reads COCO's own files and those of CVAT, Roboflow, X-AnyLabeling and LVIS. Ids, areas, segmentations
(polygons and RLE) and every key that Reticle does not use are kept for the export.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from detcore.boxes import LARGEST, Xyxy, fit
from detcore.collecting import no_collection
from detcore.errors import FormatError
from detcore.foreign_ids import IdTable, as_id, number_of
from detcore.formats.base import (
    MARKER,
    Dataset,
    DatasetBox,
    DatasetImage,
    Problem,
    Progress,
    step,
)
from detcore.formats.box_columns import BoxRows
from detcore.formats.coco.bounds import as_numbers, read_bounds
from detcore.formats.coco.plain import PlainAnnotations, read_plain
from detcore.formats.coco.writing import CocoOptions, write_coco
from detcore.formats.common.collect import LARGEST_ID, Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.staging import read_marks
from detcore.formats.common.text import as_flag, foreign_parts, split_of_file
from detcore.formats.losses import Capabilities
from detcore.formats.rules.coco import COCO_RULES
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.wording import counted

Json = dict[str, Any]

_OTHER_TASKS = ("captions", "panoptic", "stuff", "image_info", "labels", "person_keypoints")
_USED_KEYS = frozenset({"image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "attributes"})
_FLAGS = ("difficult", "truncated", "occluded")
_STEP = 256
_ALONE = (
    ("images", {"file_name"}, 0.8),
    ("annotations", {"image_id"}, 0.7),
    ("categories", {"id", "name"}, 0.5),
)
"""What tells a dataset by one of its lists alone."""


def read_coco(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    return _Reader(source, image_folder, progress).read()


def sniff_coco(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, start with images, annotations or categories."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    if path.name == MARKER:
        return None
    head = json_head(path)
    if head is None:
        return Sniffed(confidence=0.0, why="this is no JSON object")
    keys = head.keys
    if head.is_list:
        is_results = {"image_id", "category_id", "bbox"} <= keys.keys()
        what = "a list of detections, no dataset" if is_results else str(head)
        return Sniffed(confidence=0.0, why=what)
    lists = [key for key in ("images", "annotations", "categories") if key in keys]
    if "images" in lists and len(lists) > 1:
        return Sniffed(confidence=0.95, why=", ".join(lists[:-1]) + f" and {lists[-1]}")
    # The rest lies beyond the part that was read.
    for key, fields, confidence in _ALONE:
        if fields <= keys.get(key, set()):
            return Sniffed(confidence=confidence, why=f"{key} with {' and '.join(sorted(fields))}")
    return Sniffed(confidence=0.0, why=str(head))


COCO = FormatSpec(
    name="coco",
    title="COCO",
    kind="JSON",
    text="One JSON file a split. For evaluators and most training code.",
    suffixes=(".json",),
    sniff=sniff_coco,
    reader=read_coco,
    writer=write_coco,
    readers=COCO_RULES,
    options=CocoOptions,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified_empty=True,
        splits=True,
        sizes=True,
        shapes=frozenset({"polygon"}),
        class_ids=True,
        kept_beside=True,
    ),
)


class _Reader:
    def __init__(self, source: Path, image_folder: Path | None, progress: Progress) -> None:
        self._found = Gathering(source, image_folder, progress)
        self._progress = progress
        self._done = 0

    def read(self) -> tuple[Dataset, list[Problem]]:
        files = self._files()
        contents: list[tuple[Path, Json]] = []
        for done, path in enumerate(files):
            step(self._progress, done, len(files))
            content = self._load(path)
            if content is not None:
                contents.append((path, content))
        if not contents:
            reason = f" ({self._found.problems[0]})" if self._found.problems else ""
            raise FormatError(f"no COCO dataset here{reason}", path=self._found.source)
        headings = _headings([content for _, content in contents])
        for name in sorted(headings):
            message = (
                f"the category {name!r} has no box and is only the heading of the others: no class, left out"
            )
            self._found.problem(contents[0][0], message)
        total = sum(len(_objects(content.get("images"))) for _, content in contents)
        for path, content in contents:
            with no_collection():
                _File(path, content, self._found, headings).read(self._count, total)
        return self._found.dataset(), self._found.problems

    def _files(self) -> list[Path]:
        source = self._found.source
        files = [path for path in self._found.files(source, (".json",)) if path.name != MARKER]
        if not files:
            raise FormatError("no JSON file here", path=source)
        if any("instances" in path.stem for path in files):
            files = [path for path in files if not path.stem.startswith(_OTHER_TASKS)]
        return files

    def _count(self, total: int) -> None:
        self._done += 1
        if self._done % _STEP == 0 or self._done == total:
            step(self._progress, self._done, total)

    def _load(self, path: Path) -> Json | None:
        content: Any = self._found.json(path)
        if content is None:
            return None
        if isinstance(content, list) and _is_detection(cast("list[Any]", content)[:1]):
            self._found.problem(path, "a list of detections, no dataset: left to `import-detections`")
            return None
        if not isinstance(content, dict) or not isinstance(cast(Json, content).get("images"), list | dict):
            self._found.problem(path, "not a COCO dataset (no list of images)")
            return None
        return cast(Json, content)


def _is_detection(items: list[Any]) -> bool:
    return any(
        isinstance(item, dict) and {"image_id", "bbox", "score"} <= cast(Json, item).keys() for item in items
    )


class _File:
    """One JSON file."""

    def __init__(self, path: Path, content: Json, found: Gathering, headings: frozenset[str]) -> None:
        self._path = path
        self._content = content
        self._found = found
        self._home = path.parent.parent if path.parent.name.lower().startswith("annotation") else path.parent
        self._split = split_of_file(path.stem) or found.folder_split(path)
        self._headings = headings
        self._classes = IdTable[int]()
        self._labels: set[int] = set()
        self._marks = read_marks([self._home])
        self._subset = path.stem.removeprefix("instances_")
        split = str(self._split)
        inner = (f"images/{self._subset}", f"images/{split}", self._subset, split, "images", "")
        self._homes = list(dict.fromkeys((path.parent, *(self._home / folder for folder in inner))))
        flat = self._home == path.parent
        self._usual = self._home if flat else self._home / "images" / self._subset

    def read(self, count: Any, total: int) -> None:
        self._check_lists()
        self._keep_top_level()
        self._read_categories()
        images = _objects(self._content["images"])
        places = IdTable[int]()
        own = [places.add(entry.get("id"), place) for place, entry in enumerate(images)]
        plain = self._read_plain(places, len(images))
        odd = self._by_place(plain.odd, places)
        for place, (entry, has_id) in enumerate(zip(images, own, strict=True)):
            count(total)
            if has_id:
                self._read_image(entry, plain.boxes(place), odd.get(place, []))
            else:
                self._report(f"image {entry.get('file_name')!r} without an id of its own: left out")

    def _report(self, message: str) -> None:
        self._found.problem(self._path, message)

    def _check_lists(self) -> None:
        for key in ("images", "annotations", "categories"):
            value: Any = self._content.get(key, [])
            if isinstance(value, dict):
                self._report(f"“{key}” is an object instead of a list: its values were read")
            elif not isinstance(value, list):
                self._report(f"“{key}” is no list: passed over")
            size = len(cast("list[Any]", value)) if isinstance(value, list | dict) else 0
            strangers = size - len(_objects(value))
            if strangers:
                entries = counted(strangers, "entry that is no object", "entries that are no objects")
                self._report(f"“{key}” holds {entries}: left out")

    def _keep_top_level(self) -> None:
        kept: Json = self._found.extra.setdefault("coco", {})
        for key, value in self._content.items():
            if key in {"images", "annotations", "categories"}:
                continue
            if key == "licenses":
                known = kept.setdefault("licenses", [])
                licenses = _objects(value)
                known += [item for item in licenses if item not in known]
                if value and (not isinstance(value, list) or len(licenses) < len(cast("list[Any]", value))):
                    self._report("licences that are no objects: left out")
            elif kept.setdefault(key, value) != value:
                self._report(f"“{key}” differs from that of another file, which is kept")

    def _read_categories(self) -> None:
        for entry in _objects(self._content.get("categories")):
            key = as_id(entry.get("id"))
            if key is None:
                self._report(f"category {entry.get('name')!r} without id: left out")
                continue
            name = str(entry.get("name", "")).strip()
            if name in self._headings:
                continue
            number = number_of(key)
            source_id = None if number is None else self._found.class_id(self._path, number)
            extra = {other: value for other, value in entry.items() if other not in {"id", "name"}}
            if extra.get("supercategory") == "":
                del extra["supercategory"]
            if not name:
                self._report(f"category {key!r} without name")
                name = f"class_{key}"
            if self._found.classes.by_name(name) in self._labels:
                self._report(f"two categories are called {name!r}: joined")
            label = self._found.classes.add(name, source_id, {"coco": extra} if extra else None)
            if not self._classes.add(key, label):
                self._report(f"category {name!r} without an id of its own: its boxes go to another class")
            self._labels.add(label)

    def _read_plain(self, places: IdTable[int], images: int) -> PlainAnnotations:
        """All annotations, which the content then holds no more: they take the most of the memory."""
        annotations = self._content.get("annotations")
        if isinstance(annotations, list):
            self._content["annotations"] = []
        else:
            annotations = _objects(annotations)
        return read_plain(cast("list[Any]", annotations), places, self._classes, images)

    def _by_place(self, annotations: Sequence[Any], places: IdTable[int]) -> dict[int, list[Json]]:
        """The annotations of each image, by its place among the images."""
        grouped: dict[int, list[Json]] = {}
        orphans: Counter[int | str] = Counter()
        for entry in _objects(annotations):
            place = places.find(entry.get("image_id"))
            key = as_id(entry.get("image_id"))
            if place is not None:
                grouped.setdefault(place, []).append(entry)
            elif key is None:
                self._report(f"annotation {entry.get('id')!r} without image id: left out")
            else:
                orphans[key] += 1
        for key, number in orphans.items():
            self._report(
                f"{counted(number, 'annotation')} of image id {key!r}, which is not in the file: left out"
            )
        return grouped

    def _read_image(self, entry: Json, plain: BoxRows, odd: list[Json]) -> None:
        """An image with its annotations, which are all ``plain`` or all ``odd``."""
        # LVIS has but the address of the image, whose last parts are those of the file.
        written = str(entry.get("file_name") or _path_of_url(entry.get("coco_url")))
        if not foreign_parts(written):
            self._report(f"image {entry.get('id')!r} without file name: left out")
            return
        path = self._found.named(self._path, written, self._homes, expected=self._usual)
        if path is None:
            return
        frame = self._found.frame(self._path, path, _size(entry))
        boxes: Sequence[DatasetBox] = self._fitted(plain, frame)
        if odd:
            boxes = [box for item in odd if (box := self._box(item, frame)) is not None]
        # A list of images to be annotated names no categories either; its images are not empty ones.
        labelled = isinstance(self._content.get("annotations"), list | dict) and len(self._classes) > 0
        mark = self._marks.get(path, {}) if self._marks else {}
        kept = {key: value for key, value in entry.items() if key not in {"file_name", "width", "height"}}
        self._found.add(
            DatasetImage(
                path=path,
                name="",
                width=frame.width,
                height=frame.height,
                split=self._split,
                labelled=labelled,
                missing=self._found.is_missing(path),
                verified=bool(mark.get("verified")) or (labelled and not plain and not odd),
                boxes=boxes,
                extra={"coco": kept},
            ),
            self._path,
        )

    def _box(self, entry: Json, frame: Frame) -> DatasetBox | None:
        what = f"annotation {entry.get('id')!r}"
        raw, complaint = read_bounds(entry)
        if complaint is not None:
            self._report(f"{what}: {complaint}")
        box = None if raw is None else self._fit(raw, frame, what)
        if raw is None or box is None:
            return None
        raw_attributes: Any = entry.get("attributes")
        attributes = dict(cast(Json, raw_attributes)) if isinstance(raw_attributes, dict) else {}
        flags = {flag: bool(as_flag(str(attributes.pop(flag, "")))) for flag in _FLAGS}
        if "ignore" in entry and not entry.get("iscrowd"):  # how tools without attributes mark difficult
            flags["difficult"] = flags["difficult"] or bool(as_flag(str(entry["ignore"])))
        return DatasetBox(
            label=self._label(entry, what),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            crowd=bool(as_flag(str(entry.get("iscrowd", 0)))),
            extra=_box_extra(entry, attributes, raw),
            **flags,
        )

    def _fitted(self, boxes: BoxRows, frame: Frame) -> Sequence[DatasetBox]:
        """The boxes as they lie in the image, as far as they do."""
        edges = boxes.edges
        if frame.orientation == 1 and _are_inside(edges, frame):
            return boxes
        rows = range(boxes.start, boxes.stop)
        fitted: dict[int, Xyxy] = {}
        for row, raw in zip(rows, edges, strict=True):
            own_id = boxes.columns.box(row).extra["coco"]["id"]
            inside = self._fit(raw, frame, f"annotation {own_id!r}")
            if inside is not None:
                fitted[row] = inside
        for row, inside in fitted.items():
            boxes.columns.edges[row] = inside
        return boxes if len(fitted) == len(rows) else [boxes.columns.box(row) for row in fitted]

    def _fit(self, raw: Xyxy, frame: Frame, what: str) -> Xyxy | None:
        box, message = fit(frame.turn(raw), width=frame.width, height=frame.height)
        if message is not None:
            self._report(f"{what}: {message}")
        return box

    def _label(self, entry: Json, what: str) -> int:
        label = self._classes.find(entry.get("category_id"))
        if label is None:
            number = number_of(entry.get("category_id"))
            known = number is not None and abs(number) <= LARGEST_ID
            label = self._found.classes.placeholder(number if number is not None and known else -1)
            name = self._found.classes.classes()[label].name
            self._report(f"{what}: no category has the id {entry.get('category_id')!r}: put into “{name}”")
        return label


def _objects(value: Any) -> list[Json]:
    """The objects of a list, or of an object by id."""
    if isinstance(value, dict):
        return [
            {"id": key, **cast(Json, item)}
            for key, item in cast(Json, value).items()
            if isinstance(item, dict)
        ]
    items: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast(Json, item) for item in items if isinstance(item, dict)]


def _are_inside(boxes: Sequence[Xyxy], frame: Frame) -> bool:
    right = LARGEST if frame.width is None else frame.width
    bottom = LARGEST if frame.height is None else frame.height
    return all(x1 >= 0.0 and y1 >= 0.0 and x2 <= right and y2 <= bottom for x1, y1, x2, y2 in boxes)


def _headings(contents: Sequence[Json]) -> frozenset[str]:
    """Names of categories that are no classes: what Roboflow puts at id 0 above all others, without a box."""
    found: set[str] = set()
    real: set[str] = set()
    for content in contents:
        categories = _objects(content.get("categories"))
        for entry in categories:
            name = str(entry.get("name", "")).strip()
            others = [other for other in categories if other is not entry]
            heads = bool(others) and all(other.get("supercategory") == entry.get("name") for other in others)
            number = number_of(entry.get("id"))
            is_heading = number == 0 and entry.get("supercategory") == "none" and heads
            is_heading = is_heading and not _is_used(0, content)
            (found if is_heading else real).add(name)
    return frozenset(found - real)


def _is_used(category: int, content: Json) -> bool:
    annotations = _objects(content.get("annotations"))
    return any(number_of(entry.get("category_id")) == category for entry in annotations)


def _path_of_url(url: Any) -> str:
    try:
        return urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:  # no address at all
        return ""


def _size(entry: Json) -> tuple[int, int] | None:
    try:
        width, height = int(entry["width"]), int(entry["height"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _box_extra(entry: Json, attributes: Mapping[str, Any], raw: Xyxy) -> Json:
    """Keys that Reticle does not use. The box is kept as well where an area or an outline hangs on it."""
    kept = {key: value for key, value in entry.items() if key not in _USED_KEYS}
    if attributes:
        kept["attributes"] = dict(attributes)
    if entry.get("segmentation"):
        kept["segmentation"] = entry["segmentation"]
    extra: Json = {}
    area = entry.get("area")
    box_area = abs((raw[2] - raw[0]) * (raw[3] - raw[1]))
    (number,) = as_numbers([area]) or [math.nan] if isinstance(area, int | float) else [math.nan]
    if 0 <= number < math.inf and not math.isclose(number, box_area, rel_tol=1e-9):
        extra["area"] = number
    if "area" in extra or "segmentation" in kept:
        kept["bbox"] = entry.get("bbox")
    if kept:
        extra["coco"] = kept
    return extra
