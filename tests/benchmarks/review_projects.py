"""Projects with the detections of a run that never was, for the Review page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detcore.evaluation.coco_files import CocoFiles
from detcore.project.edits import add_rows, update_images
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.sample import create_sample_project
from detcore.types import Box, Detections, ObjectClass
from tests.benchmarks.make_images import make_images

WIDTH, HEIGHT = 640, 480
UNIQUE = 40


def large_project(folder: Path, files: CocoFiles) -> Path:
    """The images, labels and detections of two COCO files as a project; returns its folder."""
    images = folder / "images"
    make_images(images, len(files.image_ids), width=WIDTH, height=HEIGHT, unique=UNIQUE)
    paths = [f"photo_{number:06}.jpg" for number in range(len(files.image_ids))]
    with Project.create(folder / "large.reticle", image_root=images, image_paths=paths) as project:
        own_images = np.array(project.image_ids())
        sizes = {int(image_id): {"width": WIDTH, "height": HEIGHT} for image_id in own_images}
        project.edit(update_images, sizes, text="Sizes")
        class_ids = list(project.new_ids("class", len(files.classes)))
        classes = [
            ObjectClass(id=own, name=name, color=f"#{(own * 2654435761) & 0xFFFFFF:06x}", position=place)
            for place, (own, name) in enumerate(zip(class_ids, files.classes.values(), strict=True))
        ]
        image_of = dict(zip(files.image_ids.tolist(), own_images.tolist(), strict=True))
        class_of = dict(zip(files.classes, class_ids, strict=True))
        gt = files.gt
        columns = (gt.image_ids.tolist(), gt.labels.tolist(), gt.boxes.tolist())
        boxes = [
            Box(id=0, image_id=image_of[image], class_id=class_of[label], x1=x1, y1=y1, x2=x2, y2=y2)
            for image, label, (x1, y1, x2, y2) in zip(*columns, strict=True)
        ]
        project.edit(add_rows, text="Import", classes=classes, boxes=boxes)
        dets = files.dets
        detections = Detections(
            image_ids=np.array([image_of[image] for image in dets.image_ids.tolist()]),
            labels=np.array([class_of[label] for label in dets.labels.tolist()]),
            boxes=dets.boxes,
            scores=dets.scores,
        )
        save_detections(create_run(project, "reticle-s"), detections, image_ids=own_images.tolist())
        return project.folder


def small_project(folder: Path, *, images: int = 360) -> Path:
    """The sample with as many images as BCCD; its run finds most objects and some that are not there."""
    random = np.random.default_rng(0)
    with create_sample_project(folder / "small", images=images) as project:
        boxes, class_ids = project.all_boxes(), [item.id for item in project.classes()]
        sizes = {image.id: (image.width or WIDTH, image.height or HEIGHT) for image in project.images()}
        rows: list[tuple[int, int, list[float], float]] = []
        for box in boxes:
            size = np.array([box.x2 - box.x1, box.y2 - box.y1] * 2)
            kind = random.random()
            if kind < 0.85:
                moved = np.array(box.xyxy) + random.normal(0, 0.05 if kind < 0.7 else 0.25, 4) * size
                label = box.class_id if random.random() < 0.92 else int(random.choice(class_ids))
                width, height = sizes[box.image_id]
                moved = np.clip(moved, 0, [width, height, width, height])
                rows.append((box.image_id, label, moved.tolist(), float(random.beta(4, 2))))
            for _ in range(3):
                x, y = random.uniform(0, 500), random.uniform(0, 300)
                label, score = int(random.choice(class_ids)), float(random.beta(0.6, 6))
                rows.append((box.image_id, label, [x, y, x + 40, y + 30], score))
        detections = Detections(
            image_ids=np.array([row[0] for row in rows]),
            labels=np.array([row[1] for row in rows]),
            boxes=np.array([row[2] for row in rows]),
            scores=np.array([row[3] for row in rows]),
        )
        save_detections(create_run(project, "reticle-s"), detections, image_ids=project.image_ids())
        return project.folder
