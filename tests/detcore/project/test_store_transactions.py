"""An edit is made for the rows that it finds when it is in, or nothing of it is."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from detcore.errors import ProjectError
from detcore.project.database import EditMismatchError
from detcore.project.edits import Edit, add_boxes, combine, set_status, update_boxes
from detcore.project.project import Project
from detcore.types import Status
from tests.detcore.project.store_helpers import box, dump


def test_no_other_edit_comes_between_what_an_edit_reads_and_its_commit(project: Project) -> None:
    other = threading.Thread(target=lambda: project.edit(set_status, [1], Status.VERIFIED))

    def label(project: Project) -> Edit:
        before = project.image(1).status
        other.start()
        other.join(timeout=0.2)  # it would be through by now if it could be
        assert project.image(1).status is before
        return combine(
            "Draw box", [add_boxes(project, [box()]), set_status(project, [1], Status.IN_PROGRESS)]
        )

    project.edit(label)
    other.join()
    assert project.image(1).status is Status.VERIFIED
    project.undo()
    assert project.image(1).status is Status.IN_PROGRESS
    project.undo()
    assert (project.image(1).status, project.boxes(1)) == (Status.UNSEEN, [])


def test_an_edit_that_cannot_be_made_writes_nothing_and_stops_no_other(project: Project) -> None:
    before = dump(project)
    with pytest.raises(ProjectError, match="class 99"):
        project.edit(add_boxes, [box(), box(1, 99)])
    assert dump(project) == before
    assert project.edit(add_boxes, [box()])


def test_an_edit_for_another_state_is_a_bug_and_writes_nothing(project: Project) -> None:
    project.edit(add_boxes, [box(), box()])
    first, second = project.boxes(1)
    stale = combine(
        "Two at once",
        [
            update_boxes(project, [replace(second, x2=70.0)]),
            update_boxes(project, [replace(first, x2=70.0)]),
        ],
    )
    project.edit(update_boxes, [replace(first, x2=80.0)])
    before = dump(project)
    with pytest.raises(EditMismatchError, match="Two at once"):
        project.edit(lambda _: stale)
    assert dump(project) == before
    assert project.undo_text == "Change box"


def test_rows_that_break_the_rules_of_the_tables_are_a_bug_and_write_nothing(project: Project) -> None:
    good = add_boxes(project, [box()]).changes[0]
    assert good.after is not None
    before = dump(project)
    upside_down = replace(good, after=((1, 1, 50.0, 20.0, 10.0, *good.after[0][5:]),))
    no_image = replace(good, after=((77, *good.after[0][1:]),))
    unknown = replace(good, columns=("evil", *good.columns[1:]))
    for change in (upside_down, no_image, unknown):
        with pytest.raises(EditMismatchError):
            project.edit(lambda _, change=change: Edit(text="Break", changes=(change,)))
    assert dump(project) == before
