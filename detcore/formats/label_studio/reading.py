"""Label Studio: tasks in JSON, as a full export or as JSON-MIN.

Of several annotations of a task the newest that is not cancelled counts. Regions become boxes by their bounds; they, the
other annotations, predictions and every field that Reticle does not use are kept for the export.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from detcore.boxes import Xyxy
from detcore.foreign_ids import as_id
from detcore.formats.base import MARKER, Dataset, DatasetBox, DatasetImage, Problem, Progress, step
from detcore.formats.common.collect import Gathering
from detcore.formats.common.geometry import Frame
from detcore.formats.common.json_files import (
    Json,
    as_object,
    json_files,
    nearly_equal,
    number,
    objects,
    pixel_size,
    refuse_without,
    without,
)
from detcore.formats.common.shapes import fitted
from detcore.formats.common.text import split_of_file, split_of_folder
from detcore.formats.label_studio.regions import Region, Size, draw_region, label_key, read_region
from detcore.formats.label_studio.tasks import (
    image_key,
    image_parts,
    newest,
    tasks_of,
    without_prefix,
)
from detcore.formats.label_studio.writing import FLAGS_CONTROL, write_label_studio
from detcore.formats.losses import BOX_FLAGS, Capabilities
from detcore.formats.sniffing import Sample, Sniffed, json_head
from detcore.formats.spec import FormatSpec
from detcore.images.decoding import EXTENSIONS
from detcore.wording import counted

_STEP = 64
_WRITTEN = ("value", "type", "original_width", "original_height", "image_rotation")
"""The fields of a result that the writer makes."""


def read_label_studio(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[Dataset, list[Problem]]:
    """See :class:`detcore.formats.spec.Reader`."""
    found = Gathering(source, image_folder, progress)
    for task in _tasks(found, progress):
        task.read()
    return found.dataset(), found.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model said of one image: its version, and boxes as (class, edges in pixels, score from 0 to 1)."""

    image: Path
    model: str
    boxes: tuple[tuple[str, Xyxy, float], ...]


def read_predictions(
    source: Path, *, image_folder: Path | None, progress: Progress
) -> tuple[list[Prediction], list[Problem]]:
    """The predictions in the tasks of a file or folder: one for each model version and image, the newest of each.

    A region without a score has that of its prediction, or 1. Images are found as by the reader; one that is not there
    is where it should be. Nothing is read of annotations.

    Raises:
        FormatError: there is nothing of Label Studio at ``source``.
        Cancelled: ``progress`` returned ``False``.
    """
    found = Gathering(source, image_folder, progress)
    predictions = [item for task in _tasks(found, progress) for item in task.predictions()]
    return predictions, found.problems


def sniff_label_studio(sample: Sample) -> Sniffed | None:
    """Whether the JSON file, or the first ones of a folder, hold tasks."""
    return sample.surest((".json",), _sniff_file)


def _sniff_file(path: Path) -> Sniffed | None:
    head = None if path.name == MARKER else json_head(path)
    if head is None:
        return None
    keys = head.keys
    if "data" in keys and keys.keys() & {"annotations", "completions", "predictions"}:
        return Sniffed(confidence=0.95, why="tasks with data and annotations")
    if "result" in keys and "data" in keys.get("task", set()):
        return Sniffed(confidence=0.9, why="an annotation with its task")
    if any("original_width" in inner for inner in keys.values()):
        return Sniffed(confidence=0.9, why="regions with original_width, as JSON-MIN has them")
    if head.is_list and {"id", "file_upload"} <= keys.keys():
        return Sniffed(confidence=0.7, why="tasks with a file_upload")
    return None


LABEL_STUDIO = FormatSpec(
    name="label-studio",
    title="Label Studio",
    kind="JSON",
    text="One JSON file of tasks, with annotations and predictions. To be imported into Label Studio.",
    suffixes=(".json",),
    sniff=sniff_label_studio,
    reader=read_label_studio,
    writer=write_label_studio,
    capabilities=Capabilities(
        difficult=True,
        truncated=True,
        occluded=True,
        crowd=True,
        verified=True,
        verified_empty=True,
        splits=True,
        shapes=frozenset({"polygon", "rotated", "ellipse"}),
    ),
)


def _tasks(found: Gathering, progress: Progress) -> Iterator[_Task]:
    """The tasks of all files.

    Raises:
        FormatError: no file has any.
    """
    tasks: list[tuple[Path, Json]] = []
    for path in json_files(found):
        content: Any = found.json(path)
        inside = tasks_of(content)
        if not inside and content is not None:
            found.problem(path, "no tasks of Label Studio: passed over")
        tasks += [(path, task) for task in inside]
    if not tasks:
        raise refuse_without(found, "Label Studio")
    for done, (path, task) in enumerate(tasks):
        if done % _STEP == 0:
            step(progress, done, len(tasks))
        yield _Task(path, task, found)
    step(progress, len(tasks), len(tasks))


class _Task:
    """One task: an image, its annotations and its predictions."""

    def __init__(self, path: Path, task: Json, found: Gathering) -> None:
        self._path = path
        self._task = task
        self._found = found
        self._data = as_object(task.get("data"))
        self._key = image_key(task)

    def read(self) -> None:
        """Take the image in, with its boxes."""
        image = self._find()
        if image is None:
            return
        annotations = objects(self._task.get("annotations"), "annotations", self._report)
        chosen = newest(annotations)
        results = objects((chosen or {}).get("result"), "result", self._report)
        if len(annotations) > 1 and chosen is not None:
            self._report(
                f"{counted(len(annotations), 'annotation')}: the newest ({chosen.get('id', 'without id')}) counts, "
                "the others are only kept"
            )
        frame, size = self._frame(image, results)
        boxes, others = self._boxes(results, frame, size)
        split = split_of_folder((str(self._data.get("split", "")),)) or split_of_file(self._path.stem)
        kept = without(self._task, "annotations", "predictions", "data")
        extra: Json = {"task": kept, "data": self._data, "key": self._key}
        if chosen is not None:
            place = next(place for place, item in enumerate(annotations) if item is chosen)
            extra |= {"annotation": without(chosen, "result"), "place": place}
        if others:
            extra["others"] = others
        rest = [item for item in annotations if item is not chosen]
        if rest:
            extra["annotations"] = rest
        if self._task.get("predictions"):
            extra["predictions"] = self._task["predictions"]
        regions = any(label_key(result) for result in results)
        self._found.add(
            DatasetImage(
                path=image,
                name="",
                width=frame.width,
                height=frame.height,
                split=split or self._found.folder_split(self._path) or self._found.folder_split(image),
                # What says something of the image as a whole says nothing of boxes.
                labelled=chosen is not None and (regions or not results),
                verified=chosen is not None
                and (chosen.get("ground_truth") is True if regions else not results),
                boxes=boxes,
                extra={"label-studio": extra},
            ),
            self._path,
        )

    def predictions(self) -> list[Prediction]:
        """What models said of the image, the newest of each version."""
        newest_of: dict[str, Json] = {}
        for item in objects(self._task.get("predictions"), "predictions", self._report):
            model = str(item.get("model_version") or "")
            newest_of[model] = newest([item, newest_of[model]]) or item if model in newest_of else item
        image = self._find() if newest_of else None
        if image is None:
            return []
        results = {
            model: objects(item.get("result"), "result", self._report) for model, item in newest_of.items()
        }
        frame, size = self._frame(image, [result for items in results.values() for result in items])
        found: list[Prediction] = []
        for model, item in newest_of.items():
            boxes: list[tuple[str, Xyxy, float]] = []
            for result in results[model]:
                region = self._region(result, size)
                box = None if region is None else self._fitted(region, frame)[0]
                if region is not None and box is not None:
                    boxes.append((region.label, box, _score(result, item)))
            found.append(Prediction(image=image, model=model, boxes=tuple(boxes)))
        return found

    def _report(self, message: str) -> None:
        self._found.problem(self._path, f"task {self._task.get('id', 'without id')}: {message}")

    def _find(self) -> Path | None:
        """The image, by the name in the task's data, that of the upload, and both without the prefix of an upload."""
        written = [image_parts(str(self._data[self._key]))] if self._key else []
        upload = self._task.get("file_upload")
        if self._key and isinstance(upload, str) and not upload.lower().endswith(".json"):
            written.append(image_parts(upload))
        names = [parts for parts in written if parts]
        if not names:
            self._report("names no image of its own: left out")
            return None
        plain = [(*parts[:-1], without_prefix(parts[-1])) for parts in names]
        folder = self._path.parent
        homes = [folder, folder / "images"]
        for parts in dict.fromkeys((*names, *plain)):
            for home in homes:
                image = self._found.finder.by_name(home.joinpath(*parts[:-1]), parts[-1])
                if image is not None:
                    return image
        for parts in dict.fromkeys((*names, *plain)):
            candidates = self._found.finder.anywhere(parts)
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                self._found.ambiguous(self._path, "/".join(parts), candidates)
                return None
        likely = [parts[-1] for parts in plain if Path(parts[-1]).suffix.lower() in EXTENSIONS]
        return folder / "images" / (likely or [plain[0][-1]])[0]

    def _frame(self, image: Path, results: list[Json]) -> tuple[Frame, Size | None]:
        """The pixels that boxes refer to, and the size that per cents are of, where anything tells it."""
        sizes = (pixel_size(item.get("original_width"), item.get("original_height")) for item in results)
        declared = next((size for size in sizes if size is not None), None)
        frame = self._found.frame(self._path, image, declared, fractions=True)
        if any(number(item.get("image_rotation")) not in {None, 0.0} for item in results):
            self._report("the picture was turned in Label Studio: look whether its boxes fit")
        if frame.orientation != 1 or frame.width is None or frame.height is None:
            return frame, declared
        return frame, (frame.width, frame.height)

    def _boxes(
        self, results: list[Json], frame: Frame, size: Size | None
    ) -> tuple[list[DatasetBox], list[Any]]:
        """The boxes of an annotation, and its other results with their places."""
        regions = {as_id(result.get("id")) for result in results if label_key(result)} - {None}
        flags = {
            key: told
            for result in results
            if (key := as_id(result.get("id"))) in regions and (told := _flags(result)) is not None
        }
        boxes: list[DatasetBox] = []
        others: list[Any] = []
        for place, result in enumerate(results):
            key = as_id(result.get("id"))
            if key in flags and _flags(result) is not None:
                continue
            made = self._box(result, frame, size, flags.get(key, {}))
            if made is None:
                others.append([place, result])
            else:
                boxes.append(made)
        return boxes, others

    def _region(self, result: Json, size: Size | None) -> Region | None:
        if size is None:
            if label_key(result):
                self._report("neither the image nor its original_width is known: a region has no pixels")
            return None
        try:
            return read_region(result, size)
        except ValueError as error:
            self._report(f"region {result.get('id')!r}: {error}")
            return None

    def _fitted(self, region: Region, frame: Frame) -> tuple[Xyxy | None, Json]:
        box, extra, message = fitted(region.outline, frame)
        if message is not None:
            self._report(f"{region.label}: {message}")
        return box, extra

    def _box(
        self, result: Json, frame: Frame, size: Size | None, flags: Mapping[str, bool]
    ) -> DatasetBox | None:
        region = self._region(result, size)
        box, extra = (None, {}) if region is None else self._fitted(region, frame)
        if region is None or box is None or size is None:
            return None
        if len(region.labels) > 1:
            self._report(f"a region with the labels {', '.join(region.labels)}: the first is its class")
        made = DatasetBox(
            label=self._found.classes.add(region.label),
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            extra=extra,
            **flags,
        )
        kept = {**without(result, *_WRITTEN), "type": region.key}
        _, drawn = draw_region(made, size)
        if len(region.labels) > 1:
            kept["labels"] = list(region.labels)
        value = without(as_object(result["value"]), region.key)
        if frame.orientation == 1 and not nearly_equal(drawn, value):
            kept["value"] = value
        return replace(made, extra={**extra, "label-studio": kept})


def _flags(result: Json) -> dict[str, bool] | None:
    """The flags of a region that choices tell, if they tell nothing else."""
    raw: Any = as_object(result.get("value")).get("choices")
    choices = cast("list[Any]", raw) if isinstance(raw, list) else []
    if (
        result.get("from_name") != FLAGS_CONTROL
        or not choices
        or not all(item in BOX_FLAGS for item in choices)
    ):
        return None
    return dict.fromkeys(cast("list[str]", choices), True)


def _score(*told: Json) -> float:
    """The first score that is told, from 0 to 1; 1 where none is."""
    scores = (number(item.get("score")) for item in told)
    return next(
        (min(max(score, 0.0), 1.0) for score in scores if score is not None and math.isfinite(score)), 1.0
    )
