"""A project with names that look like markup, and a run whose errors are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.project.edits import add_boxes, add_class, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.snapshot import take_snapshot
from detcore.types import Box, Detections

CAT = 'cat <script>alert(1)</script> & "co"'
DOG = "dog"


def box(image_id: int, class_id: int, x: float, side: float = 30.0) -> Box:
    return Box(id=0, image_id=image_id, class_id=class_id, x1=x, y1=10.0, x2=x + side, y2=10.0 + side)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Four test images of 200x100: cats (class 1) at 10 and 60 in each, a dog (2) at 110 in the first two."""
    names = ["a<b>.png", "b&c.png", "c.png", "d.png"]
    for number, name in enumerate(names):
        cv2.imwrite(str(tmp_path / name), np.full((100, 200, 3), 60 * number + 20, np.uint8))
    folder = tmp_path / "<i>pets.reticle"
    with Project.create(folder, image_root=tmp_path, image_paths=names) as project:
        project.edit(add_class, CAT)
        project.edit(add_class, DOG)
        boxes = [box(image_id, 1, x) for image_id in (1, 2, 3, 4) for x in (10.0, 60.0)]
        boxes += [box(image_id, 2, 110.0) for image_id in (1, 2)]
        project.edit(add_boxes, boxes)
        project.edit(set_split, {image_id: "test" for image_id in (1, 2, 3, 4)})
        yield project


@pytest.fixture
def run(project: Project) -> RunFolder:
    """At 0.5: six of eight cats found (image 4 has none), one dog; a cat on background, a dog found as a cat."""
    run = create_run(project, "reticle-s")
    take_snapshot(project).save(run.snapshot)
    rows = [(image_id, 1, x, 0.9 - 0.01 * image_id) for image_id in (1, 2, 3) for x in (10.0, 60.0)]
    rows += [(1, 2, 110.0, 0.8), (2, 1, 110.0, 0.75), (3, 1, 150.0, 0.6), (4, 1, 10.0, 0.3)]
    save_detections(
        run,
        Detections(
            image_ids=np.array([row[0] for row in rows], np.int64),
            labels=np.array([row[1] for row in rows], np.int64),
            boxes=np.array([(row[2], 10.0, row[2] + 30.0, 40.0) for row in rows], np.float64),
            scores=np.array([row[3] for row in rows], np.float64),
        ),
        image_ids=[1, 2, 3, 4],
    )
    return run
