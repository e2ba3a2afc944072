"""Verdicts are kept with what they were given for, and are undone together with the labels they changed."""

from __future__ import annotations

import time

import pytest

from detcore.errors import ProjectError
from detcore.project.edits import add_boxes, add_verdicts, combine, delete_boxes, remove_verdicts
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.project.verdicts import read_verdicts
from tests.detcore.project.store_helpers import box, dump


def verdict(kind: VerdictKind = VerdictKind.MODEL_WRONG, *, run: str = "001-x", row: int = 7) -> Verdict:
    return Verdict(
        id=0,
        image_id=1,
        run=run,
        kind=kind,
        class_id=1,
        x1=1.5,
        y1=2,
        x2=30.25,
        y2=40,
        detection_row=row,
        threshold=0.35,
        note="a shadow",
    )


def test_a_verdict_is_read_back_as_it_was_given(project: Project) -> None:
    before = time.time()
    changes = project.edit(add_verdicts, [verdict()])
    (found,) = read_verdicts(project)
    assert changes.verdicts == {found.id}
    assert (found.kind, found.run, found.detection_row, found.box_id) == ("model_wrong", "001-x", 7, None)
    assert (found.xyxy, found.threshold, found.note) == ((1.5, 2.0, 30.25, 40.0), 0.35, "a shadow")
    assert before <= found.time <= time.time()


def test_verdicts_are_read_by_run_and_by_id(project: Project) -> None:
    project.edit(add_verdicts, [verdict(run="001-x"), verdict(run="002-y"), verdict(run="001-x")])
    every = read_verdicts(project)
    assert [item.run for item in read_verdicts(project, run="001-x")] == ["001-x", "001-x"]
    assert read_verdicts(project, ids=[every[1].id, 999]) == [every[1]]
    assert read_verdicts(project, run="001-x", ids=[every[1].id]) == []


@pytest.mark.parametrize("kind", list(VerdictKind))
def test_a_verdict_and_the_label_that_it_makes_are_one_step(project: Project, kind: VerdictKind) -> None:
    before = dump(project)
    changes = project.edit(
        lambda project: combine(
            "Accept", [add_boxes(project, [box()]), add_verdicts(project, [verdict(kind)])]
        )
    )
    assert (len(changes.boxes), len(changes.verdicts)) == (1, 1)
    after = dump(project)
    project.undo()
    assert dump(project) == before
    project.redo()
    assert dump(project) == after
    assert project.undo_text == "Accept"


def test_a_verdict_outlives_the_label_that_it_is_about(project: Project) -> None:
    (box_id,) = project.edit(add_boxes, [box()]).boxes
    given = Verdict(
        id=0, image_id=1, run="r", kind=VerdictKind.DELETE, class_id=1, x1=0, y1=0, x2=9, y2=9, box_id=box_id
    )
    project.edit(
        lambda project: combine(
            "Delete label", [delete_boxes(project, [box_id]), add_verdicts(project, [given])]
        )
    )
    assert [item.box_id for item in read_verdicts(project)] == [box_id]


def test_a_verdict_that_is_taken_back_is_gone_until_undo(project: Project) -> None:
    project.edit(add_verdicts, [verdict(), verdict(row=8)])
    first, second = read_verdicts(project)
    project.edit(remove_verdicts, [first.id])
    assert read_verdicts(project) == [second]
    with pytest.raises(ProjectError, match="not in the project any more"):
        remove_verdicts(project, [first.id])
    project.undo()
    assert read_verdicts(project) == [first, second]
