"""The sets that trainers race on, each divided once."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from detcore.project.class_edits import delete_class
from detcore.project.edits import remove_images, set_split
from detcore.project.project import Project
from detcore.sample.project import PROJECT_NAME, create_sample_project
from tests.benchmarks.command import reticle

Sources = tuple[list[tuple[Path, Path]], Callable[[str], bool]]
"""Folders of labels, each with that of its images; and whether the image of a path is to be tested on."""


def make_set(name: str, data: Path, folder: Path, *, images_kept: int | None = None) -> Path:
    """A project of one set with its splits; of the images besides the test part only so many."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == _SAMPLE:
        create_sample_project(folder, images=_SAMPLE_IMAGES).close()
        return folder / PROJECT_NAME
    sources, tested = _persons(data) if name == _PERSONS else SETS[name](data)
    project_path = folder / f"{name}.reticle"
    for source, folder in sources:
        reticle("import", project_path, source, "--format", "voc", "--images", folder, "--allow-outside")
    with Project.open(project_path) as project:
        if name == _PERSONS:
            _keep_class(project, "person")
        images = list(project.images())
        if not any(image.split == "test" for image in images):
            splits = {image.id: "test" if tested(image.path) else "train" for image in images}
            rest = [key for key, split in splits.items() if split == "train"]
            chosen = np.random.default_rng(0).permutation(len(rest))[: round(len(rest) * 0.1)]
            splits |= {rest[row]: "val" for row in chosen}
            project.edit(lambda reader: set_split(reader, splits))
        if images_kept is not None:
            _keep(project, images_kept)
    return project_path


def _keep_class(project: Project, name: str) -> None:
    """Take out all other classes, and the images without a box of this one."""
    for other in project.classes():
        if other.name != name:
            project.edit(delete_class, other.id, delete_boxes=True)
    empty = [image.id for image in project.images() if not project.boxes(image.id)]
    project.edit(lambda reader: remove_images(reader, empty))


def _keep(project: Project, count: int) -> None:
    """Take out all images but those of the test part and ``count`` others, of which a tenth is judged by."""
    rest = [image.id for image in project.images() if image.split != "test"]
    order = [rest[row] for row in np.random.default_rng(0).permutation(len(rest))]
    judging = max(1, round(count * 0.1))
    splits = {key: "val" if row < judging else "train" for row, key in enumerate(order[:count])}
    project.edit(lambda reader: remove_images(reader, order[count:]))
    project.edit(lambda reader: set_split(reader, splits))


def _bccd(data: Path) -> Sources:
    folder = data / "bccd" / "BCCD"
    return [(folder, folder / "JPEGImages")], lambda _path: False


def _cards(data: Path) -> Sources:
    folder = data / "playing_cards" / "images"
    parts = [(folder / part, folder / part) for part in ("train", "test")]
    return parts, lambda path: "test" in Path(path).parts


def _raccoon(data: Path) -> Sources:
    folder = data / "raccoon"
    with (folder / "data" / "test_labels.csv").open(encoding="utf-8", newline="") as file:
        names = {row["filename"] for row in csv.DictReader(file)}
    return [(folder / "annotations", folder / "images")], lambda path: Path(path).name in names


def _persons(data: Path) -> Sources:
    folder = data / "padilla_review" / "data" / "database"
    return [
        (folder / "gts" / "pascalvoc_format", folder / "images")
    ], lambda path: int(Path(path).stem[-1]) < 3


SETS: dict[str, Callable[[Path], Sources]] = {"bccd": _bccd, "cards": _cards, "raccoon": _raccoon}
"""The sets that trainers race on."""
_PERSONS = "persons"
_SAMPLE = "sample"
_SAMPLE_IMAGES = 200
SMALL_SETS = (_PERSONS, _SAMPLE)
"""Sets by which a choice is confirmed: the 41 photos of padilla_review with a person, and the sample project."""
