"""One-row edits of a window while a dataset of COCO's size is imported in another thread."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from pathlib import Path

from detcore.exchange import FoundDataset, format_named, import_found
from detcore.formats.base import Dataset, DatasetBox, DatasetClass, DatasetImage
from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project
from detcore.types import Box
from tests.benchmarks.figures import Figure

IMAGES = 118_000
BOXES = 860_000
CLASSES = 80
OWN_IMAGES = 1_000
PAUSE = 0.01
"""Seconds between two edits."""


def main() -> list[Figure]:
    """Measure with a project on the disk of the temporary folder: all images are new to it, or none is."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        dataset = _dataset(root)
        names = [image.name for image in dataset.images]
        own = [f"own/photo_{number:04}.jpg" for number in range(OWN_IMAGES)]
        return [
            *_measure(root / "new.reticle", dataset, own, "of new images"),
            *_measure(root / "known.reticle", dataset, names, "of images that are there"),
        ]


def _dataset(root: Path) -> Dataset:
    chance = random.Random(1)
    images: list[DatasetImage] = []
    for number in range(IMAGES):
        count = (number + 1) * BOXES // IMAGES - number * BOXES // IMAGES
        name = f"part_{number // 1000:03}/photo_{number:06}.jpg"
        boxes = [_dataset_box(chance) for _ in range(count)]
        images.append(
            DatasetImage(path=root / name, name=name, width=640, height=480, split="train", boxes=boxes)
        )
    classes = [DatasetClass(name=f"class {number}", source_id=number) for number in range(CLASSES)]
    return Dataset(classes=classes, images=images, image_root=root)


def _dataset_box(chance: random.Random) -> DatasetBox:
    x, y = chance.uniform(0, 500), chance.uniform(0, 350)
    right, bottom = x + chance.uniform(5, 130), y + chance.uniform(5, 120)
    return DatasetBox(label=chance.randrange(CLASSES), x1=x, y1=y, x2=right, y2=bottom)


def _measure(folder: Path, dataset: Dataset, paths: list[str], what: str) -> list[Figure]:
    with Project.create(folder, image_root=folder.parent, image_paths=paths) as project:
        project.edit(add_class, "own")
        found = FoundDataset(
            source=folder.parent / "dataset", format=format_named("coco"), dataset=dataset, problems=()
        )
        thread = threading.Thread(target=import_found, args=(project, found))
        start = time.perf_counter()
        thread.start()
        waits = sorted(_edit_while(thread, project))
        took = time.perf_counter() - start
        if project.box_count() != BOXES + len(waits) // 2:
            raise AssertionError(f"{project.box_count()} boxes")
    about = f"import of {BOXES:,} boxes {what}"
    return [
        Figure(name=f"longest wait of an edit during an {about}", value=1000 * waits[-1], unit="ms", aim=50),
        Figure(name="  99 of 100 wait less than", value=1000 * waits[len(waits) * 99 // 100], unit="ms"),
        Figure(name="  the import itself, with those edits", value=took, unit="s"),
    ]


def _edit_while(thread: threading.Thread, project: Project) -> list[float]:
    """How long one-row edits and records of sizes took, one after the other, until the thread ends."""
    chance = random.Random(2)
    images, class_id = project.image_ids(), project.classes()[0].id
    waits: list[float] = []
    while thread.is_alive():
        image_id = chance.choice(images)
        box = Box(id=0, image_id=image_id, class_id=class_id, x1=1.0, y1=1.0, x2=9.0, y2=9.0)
        for act in (
            lambda box=box: project.edit(add_boxes, [box]),
            lambda image_id=image_id: project.record_image_sizes({image_id: (640, 480)}),
        ):
            start = time.perf_counter()
            act()
            waits.append(time.perf_counter() - start)
        time.sleep(PAUSE)
    thread.join()
    return waits


if __name__ == "__main__":
    from tests.benchmarks.figures import table

    print(table(main()))
