"""Which images figures are of, and which are only looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detcore.cli.predicting import choose_images
from detcore.project.edits import add_boxes, add_class, set_split, set_status
from detcore.project.project import Project
from detcore.project.runs import create_run, save_detections
from detcore.project.scope import Scope, image_sets, unlabelled_images
from detcore.types import Box, Detections, Status

NOTHING = np.zeros(0, np.int64)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Five images: two with a box each, one of them of the test split, one verified without boxes, and two
    without labels."""
    names = [f"{name}.png" for name in "abcde"]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=names) as project:
        project.edit(add_class, "cell")
        first, second, third, *_ = project.image_ids()
        boxes = [Box(id=0, image_id=image, class_id=1, x1=1, y1=1, x2=9, y2=9) for image in (first, second)]
        project.edit(add_boxes, boxes)
        project.edit(set_split, {second: "test"})
        project.edit(set_status, [third], Status.VERIFIED)
        yield project


def test_images_without_labels_are_those_that_no_figure_is_of(project: Project) -> None:
    images = project.image_list()
    first, second, third, fourth, fifth = project.image_ids()
    sets = image_sets(images, project.image_ids(), NOTHING)
    assert {scope: ids.tolist() for scope, ids in sets.items()} == {
        Scope.HELD_OUT: [first, second, third],
        Scope.TEST: [second],
        Scope.ALL: [first, second, third],
    }
    assert unlabelled_images(images, project.image_ids()).tolist() == [fourth, fifth]


def test_only_images_that_the_run_has_looked_at_are_among_them(project: Project) -> None:
    images = project.image_list()
    first, *_, fifth = project.image_ids()
    assert unlabelled_images(images, [first, fifth]).tolist() == [fifth]
    assert unlabelled_images(images, []).tolist() == []


def test_what_is_seen_on_them_counts_nowhere(project: Project) -> None:
    """What `evaluate`, `audit`, `compare` and `report` are of."""
    run = create_run(project, "reticle-s")
    ids = np.array(project.image_ids())
    seen = Detections(
        image_ids=ids,
        labels=np.ones(5, np.int64),
        boxes=np.tile([1.0, 1.0, 9.0, 9.0], (5, 1)),
        scores=np.full(5, 0.9),
    )
    save_detections(run, seen, image_ids=ids.tolist())
    chosen = choose_images(project, [run], "all")
    assert list(chosen.image_ids) == ids[:3].tolist()
    assert chosen.detections[0].image_ids.tolist() == ids[:3].tolist()
