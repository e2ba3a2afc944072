"""Proposals that become labels or are rejected, each time in one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detcore.assist.deciding import Accepted, accept, accept_and_verify, reject
from detcore.assist.everywhere import accept_everywhere, proposed_everywhere
from detcore.assist.proposals import Found, Thresholds
from detcore.assist.starting import starting_thresholds
from detcore.errors import Cancelled
from detcore.project.edits import add_boxes, add_class, set_split, set_status
from detcore.project.operations import words
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, save_detections
from detcore.project.verdict_rows import VerdictKind
from detcore.project.verdicts import read_verdicts
from detcore.types import Box, Detections, Origin, Status

SIZE = (100, 80)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Two images without labels, two classes."""
    paths = ["a.png", "b.png"]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=paths) as project:
        project.record_image_sizes(dict.fromkeys(project.image_ids(), SIZE))
        for name in ("cell", "platelet"):
            project.edit(add_class, name)
        yield project


def make_run(project: Project, *rows: tuple[int, int, tuple[float, float, float, float], float]) -> RunFolder:
    run = create_run(project, "reticle-s")
    dets = Detections(
        image_ids=np.array([row[0] for row in rows], np.int64),
        labels=np.array([row[1] for row in rows], np.int64),
        boxes=np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in rows], np.float64),
    )
    save_detections(run, dets, image_ids=project.image_ids())
    return run


@pytest.fixture
def found(project: Project) -> Found:
    """Two on the first image, the second of which reaches out of it, and one on the other."""
    first, second = project.image_ids()
    cell, platelet = (item.id for item in project.classes())
    run = make_run(
        project,
        (first, cell, (10, 10, 30, 30), 0.9),
        (first, platelet, (60, 50, 100.4, 79), 0.6),
        (second, cell, (0, 0, 20, 20), 0.7),
    )
    return Found.read(run)


def test_a_label_keeps_run_and_score_and_the_image_is_in_progress(project: Project, found: Found) -> None:
    image_id = project.image_ids()[0]
    project.edit(accept, found, [Accepted(row=0), Accepted(row=1)])
    one, two = project.boxes(image_id)
    assert (one.origin, one.run, one.score) == (Origin.MODEL, "001-reticle-s", 0.9)
    assert two.xyxy == (60, 50, 100, 79)
    assert project.image(image_id).status is Status.IN_PROGRESS
    assert words(project.undo_text or "") == "Accept 2 proposals"
    project.undo()
    assert project.boxes(image_id) == []
    assert project.image(image_id).status is Status.UNSEEN


def test_another_class_and_other_edges_are_the_persons(project: Project, found: Found) -> None:
    image_id, platelet = project.image_ids()[0], project.classes()[1].id
    project.edit(accept, found, [Accepted(row=0, class_id=platelet, xyxy=(11, 12, 33, 34))])
    (made,) = project.boxes(image_id)
    assert (made.class_id, made.xyxy, made.score) == (platelet, (11, 12, 33, 34), 0.9)
    assert words(project.undo_text or "") == "Accept proposal"


def test_all_that_is_right_and_the_image_verified_is_one_step(project: Project, found: Found) -> None:
    image_id = project.image_ids()[0]
    project.edit(accept_and_verify, found, image_id, [0, 1])
    assert (len(project.boxes(image_id)), project.image(image_id).status) == (2, Status.VERIFIED)
    project.undo()
    assert (len(project.boxes(image_id)), project.image(image_id).status) == (0, Status.UNSEEN)


def test_what_is_rejected_is_a_verdict_that_review_knows_as_well(project: Project, found: Found) -> None:
    image_id = project.image_ids()[0]
    cell, platelet = (item.id for item in project.classes())
    thresholds = Thresholds(overall=0.5, by_class={platelet: 0.25, cell: 0.75})
    project.edit(reject, found, [1], thresholds=thresholds)
    (said,) = read_verdicts(project, image_ids=[image_id])
    assert (said.kind, said.detection_row, said.threshold) == (VerdictKind.MODEL_WRONG, 1, 0.25)
    assert said.xyxy == (60, 50, 100.4, 79)
    assert read_verdicts(project, image_ids=project.image_ids()[1:]) == []
    project.undo()
    assert read_verdicts(project) == []


def label(project: Project, image_id: int, class_id: int, edges: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = edges
    box = Box(id=0, image_id=image_id, class_id=class_id, x1=x1, y1=y1, x2=x2, y2=y2)
    project.edit(add_boxes, [box])


def test_the_score_starts_where_f1_is_best_or_as_precise_as_asked(project: Project) -> None:
    image_id, cell = project.image_ids()[0], project.classes()[0].id
    places = [(10.0 * n, 0.0, 10.0 * n + 8, 8.0) for n in range(4)]
    # right, right, false, right: F1 is 1/2, 4/5, 2/3 and 6/7 of three objects
    run = make_run(project, *((image_id, cell, place, 0.9 - 0.1 * n) for n, place in enumerate(places)))
    for place in (places[0], places[1], places[3]):
        label(project, image_id, cell, place)
    found = Found.read(run)
    for precision, expected in ((None, 0.6), (0.7, 0.6), (0.9, 0.8), (1.0, 0.8)):
        start = starting_thresholds(project, run, found, precision=precision, by_class=False)
        assert start.overall == pytest.approx(expected)
        assert start.by_class == {}


def test_a_class_with_few_objects_has_no_score_of_its_own(project: Project) -> None:
    image_id = project.image_ids()[0]
    cell, platelet = (item.id for item in project.classes())
    rows = [(image_id, cell, (8.0 * n, 0.0, 8.0 * n + 6, 6.0), 0.95 - 0.01 * n) for n in range(10)]
    rows += [(image_id, platelet, (8.0 * n, 40.0, 8.0 * n + 6, 46.0), 0.5) for n in range(9)]
    run = make_run(project, *rows)
    for _, class_id, place, _ in rows:
        label(project, image_id, class_id, place)
    found = Found.read(run)
    start = starting_thresholds(project, run, found, precision=None, by_class=True)
    assert start.overall == pytest.approx(0.5)
    assert start.by_class == pytest.approx({cell: 0.86})


def test_images_that_the_run_has_not_learnt_from_say_where_to_start(project: Project) -> None:
    first, second = project.image_ids()
    cell = project.classes()[0].id
    run = make_run(project, (first, cell, (0, 0, 10, 10), 0.9), (second, cell, (0, 0, 10, 10), 0.4))
    for image_id in (first, second):
        label(project, image_id, cell, (0, 0, 10, 10))
    project.edit(set_split, {first: "train", second: "val"})
    found = Found.read(run)
    assert starting_thresholds(project, run, found, precision=None, by_class=False).overall == pytest.approx(
        0.4
    )


def test_without_labels_a_half_is_where_to_start(project: Project, found: Found) -> None:
    run = RunFolder(project.runs_folder / found.run)
    assert starting_thresholds(project, run, found, precision=None, by_class=True).overall == 0.5


def test_everywhere_is_where_nobody_has_labelled_or_verified_anything(project: Project, found: Found) -> None:
    first, second = project.image_ids()
    rows = proposed_everywhere(project, found, progress=lambda _done, _all: True)
    assert rows.tolist() == [0, 1, 2]
    project.edit(accept_everywhere, found, [0, 1])
    assert [box.score for box in project.all_boxes()] == [0.9, 0.6]
    assert [project.image(one).status for one in (first, second)] == [Status.IN_PROGRESS, Status.UNSEEN]
    assert proposed_everywhere(project, found, progress=lambda _done, _all: True).tolist() == [2]
    # what was offered before and has been labelled since stays as it is
    project.edit(accept_everywhere, found, [0, 2])
    assert [box.score for box in project.all_boxes()] == [0.9, 0.6, 0.7]
    project.undo()
    project.undo()
    assert project.all_boxes() == []
    project.edit(set_status, [second], Status.VERIFIED)
    assert proposed_everywhere(project, found, progress=lambda _done, _all: True).tolist() == [0, 1]


def test_looking_everywhere_can_be_cancelled(project: Project, found: Found) -> None:
    with pytest.raises(Cancelled):
        proposed_everywhere(project, found, progress=lambda _done, _all: False)


def test_labels_that_are_moved_with_a_proposal_are_in_the_same_step(project: Project, found: Found) -> None:
    image_id = project.image_ids()[0]
    label(project, image_id, project.classes()[0].id, (50, 50, 60, 60))
    (there,) = project.boxes(image_id)
    project.edit(accept, found, [Accepted(row=0)], moved=[replace(there, x1=52, x2=62)])
    assert [box.x1 for box in project.boxes(image_id)] == [52, 10]
    project.undo()
    assert [box.x1 for box in project.boxes(image_id)] == [50]


def test_what_lies_outside_of_its_image_becomes_no_label(project: Project) -> None:
    image_id, cell = project.image_ids()[0], project.classes()[0].id
    run = make_run(project, (image_id, cell, (10, 10, 30, 30), 0.9), (image_id, cell, (100, 0, 110, 9), 0.8))
    project.edit(accept_and_verify, Found.read(run), image_id, [0, 1])
    assert [box.score for box in project.boxes(image_id)] == [0.9]
