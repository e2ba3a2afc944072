"""What is labelled: the images of a set in an order of its own, and what is on them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

import numpy as np

from detcore.boxes import Xyxy
from detcore.evaluation.coco import evaluate_coco
from detcore.exchange import ImportOptions, export_dataset, find_dataset, format_named
from detcore.formats.base import ExportOptions, Images
from detcore.project.edits import add_classes
from detcore.project.opening import create_from_images
from detcore.project.project import Project
from detcore.types import Detections, GroundTruth
from tests.benchmarks.race_sets import SETS

COUNTS = {"bccd": 150, "cards": 200}
"""How many images of a set are labelled."""

Boxes = Sequence[tuple[str, Xyxy]]
"""Names of classes, and edges."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is on images: the names of the ``classes``, and of each image, in the order in which they are labelled, its file
    and its objects."""

    classes: Sequence[str]
    images: Sequence[tuple[Path, Boxes]]

    @property
    def box_count(self) -> int:
        return sum(len(boxes) for _, boxes in self.images)


def read_truth(name: str, data: Path, *, seed: int, count: int) -> Truth:
    """The first ``count`` images of a set in the order of a seed. Raises FormatError where the set is not there."""
    classes: dict[str, None] = {}
    images: list[tuple[Path, Boxes]] = []
    for source, folder in SETS[name](data)[0]:
        dataset = find_dataset("voc", source, images=folder, options=ImportOptions(outside=True)).dataset
        names = [item.name for item in dataset.classes]
        classes |= dict.fromkeys(names)
        images += [
            (image.path, [(names[box.label], box.xyxy) for box in image.boxes]) for image in dataset.images
        ]
    images.sort(key=lambda image: image[0])
    order = np.random.default_rng(seed).permutation(len(images))[:count]
    return Truth(classes=tuple(classes), images=[images[row] for row in order.tolist()])


def make_project(truth: Truth, folder: Path) -> Path:
    """A project of copies of the images, in the same order, with the classes and without any label."""
    images = folder / "images"
    images.mkdir(parents=True)
    for number, (path, _) in enumerate(truth.images):
        shutil.copyfile(path, images / f"{_name(number)}{path.suffix.lower()}")
    with create_from_images(folder / "effort.reticle", images) as project:
        project.edit(add_classes, truth.classes)
        return project.folder


def exported(project: Project, count: int, folder: Path) -> list[Boxes]:
    """The labels of the ``count`` images of a project of ``make_project``, as an export to ``folder`` has them."""
    report = export_dataset(project, "coco", folder, options=ExportOptions(images=Images.REFERENCE))
    dataset, _ = format_named("coco").read(report.out)
    names = [item.name for item in dataset.classes]
    boxes = {Path(image.name).stem: image.boxes for image in dataset.images}
    return [[(names[box.label], box.xyxy) for box in boxes.get(_name(number), ())] for number in range(count)]


def _name(number: int) -> str:
    """In the order of numbers, without any: images whose names count up are taken for a sequence."""
    return "".join(ascii_lowercase[number // 26**place % 26] for place in (3, 2, 1, 0))


def ap50(found: Sequence[Boxes], true: Sequence[Boxes], classes: Sequence[str]) -> float:
    """COCO's AP50 of boxes of so many images, all with a score of 1."""
    ids: Mapping[str, int] = {name: number for number, name in enumerate(classes, 1)}
    image_ids, labels, boxes = _columns(true, ids)
    sides = boxes[:, 2:] - boxes[:, :2]
    nothing = np.zeros(len(boxes), np.bool_)
    gt = GroundTruth(
        ids=np.arange(1, len(boxes) + 1),
        image_ids=image_ids,
        labels=labels,
        boxes=boxes,
        areas=sides[:, 0] * sides[:, 1],
        crowd=nothing,
        difficult=nothing,
    )
    image_ids, labels, boxes = _columns(found, ids)
    dets = Detections(image_ids=image_ids, labels=labels, boxes=boxes, scores=np.ones(len(boxes)))
    result = evaluate_coco(gt, dets, list(range(1, len(true) + 1)), sorted(ids.values()))
    return result.stats["AP50"]


def _columns(images: Sequence[Boxes], ids: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image ids, from 1 on, classes and edges of all boxes."""
    rows = [(number, ids[name], xyxy) for number, boxes in enumerate(images, 1) for name, xyxy in boxes]
    return (
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
    )
