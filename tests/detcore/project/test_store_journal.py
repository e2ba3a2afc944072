"""Undo and redo: exact, in any sequence, across images and restarts."""

from __future__ import annotations

import json
import random
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detcore.errors import ProjectDamagedError
from detcore.project.database import EditMismatchError
from detcore.project.edit_blob import pack, unpack
from detcore.project.edits import (
    Edit,
    RowChange,
    add_boxes,
    add_class,
    add_images,
    change_setting,
    combine,
    delete_boxes,
    delete_class,
    merge_classes,
    remove_images,
    reorder_classes,
    set_split,
    set_status,
    update_boxes,
    update_class,
)
from detcore.project.project import Project
from detcore.types import Changes, Image, Status
from tests.detcore.project.store_helpers import box, dump

KINDS = (
    *("add boxes", "move", "flags", "delete boxes", "status", "split", "add image", "remove image"),
    *("add class", "rename", "merge", "delete class", "reorder"),
)


NOTHING = Edit(text="", changes=())


def random_edit(project: Project, kind: str, chance: random.Random) -> Edit:
    """An edit of that kind for what is in the project; nothing where there is nothing to do it to."""
    images, classes, boxes = project.image_ids(), project.classes(), project.all_boxes()
    name = f"name {chance.random()}"
    picked = chance.sample(boxes, min(len(boxes), 3))
    if kind == "add image":
        return add_images(project, [Image(id=0, path=name), Image(id=0, path="twice.jpg")])
    if kind == "add class":
        return add_class(project, name, key=chance.choice([None, 1, 5]))
    if kind in ("add boxes", "status", "split", "remove image") and not images:
        return NOTHING
    if kind == "add boxes" and classes:
        edges = sorted(chance.uniform(0, 400) for _ in range(2))
        return add_boxes(
            project,
            [
                box(
                    chance.choice(images),
                    chance.choice(classes).id,
                    x1=edges[0],
                    x2=edges[1],
                    extra={"n": name},
                )
                for _ in range(chance.randint(1, 4))
            ],
        )
    if kind == "move":
        return update_boxes(project, [replace(item, x2=item.x1 + chance.uniform(1, 100)) for item in picked])
    if kind == "flags":
        return update_boxes(
            project,
            [
                replace(item, crowd=chance.random() < 0.5, class_id=chance.choice(classes).id, extra={})
                for item in picked
            ],
        )
    if kind == "delete boxes":
        return delete_boxes(project, [item.id for item in picked])
    if kind == "status":
        return set_status(project, chance.sample(images, 1), chance.choice(list(Status)))
    if kind == "split":
        return set_split(project, {image: chance.choice([None, "train", "val"]) for image in images})
    if kind == "remove image":
        return remove_images(project, chance.sample(images, 1))
    if not classes:
        return NOTHING
    item = chance.choice(classes)
    if kind == "rename":
        return update_class(project, replace(item, name=name, key=chance.choice([None, 1, 2])))
    if kind == "merge":
        return merge_classes(project, [other.id for other in chance.sample(classes, 1)], item.id)
    if kind == "delete class":
        return delete_class(project, item.id, delete_boxes=True)
    if kind == "reorder":
        return reorder_classes(project, chance.sample([other.id for other in classes], len(classes)))
    return NOTHING


@contextmanager
def small_project() -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "p.reticle"
        with Project.create(folder, image_root=Path(scratch), image_paths=["a", "b", "c"]) as project:
            project.edit(add_class, "cat")
            project.edit(add_class, "dog")
            yield project


def undo_all(project: Project) -> int:
    return sum(1 for _ in iter(project.undo, None))


def redo_all(project: Project) -> int:
    return sum(1 for _ in iter(project.redo, None))


@settings(max_examples=60, deadline=None)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=8, max_size=25), seed=st.integers(0, 2**32))
def test_after_any_edits_undoing_all_gives_the_start_and_redoing_all_the_end(
    kinds: list[str], seed: int
) -> None:
    chance = random.Random(seed)
    with small_project() as project:
        undo_all(project)
        start = dump(project)
        redo_all(project)
        for kind in kinds:
            project.edit(random_edit, kind, chance)
        end = dump(project)
        count = undo_all(project)
        assert dump(project) == start
        assert redo_all(project) == count
        assert dump(project) == end


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from([*KINDS, "undo", "undo", "undo", "redo", "redo"]), min_size=20, max_size=40
    ),
    seed=st.integers(0, 2**32),
)
def test_undo_and_redo_among_edits_walk_through_the_states_that_were(steps: list[str], seed: int) -> None:
    chance = random.Random(seed)
    with small_project() as project:
        undo_all(project)
        redo_all(project)
        past, future = [], []
        for step in steps:
            before = dump(project)
            if step == "undo":
                undone = project.undo()
                if past:
                    future.append(before)
                    assert dump(project) == past.pop()
                elif undone is not None:  # into the edits that made the project
                    project.redo()
            elif step == "redo":
                project.redo()
                if future:
                    past.append(before)
                    assert dump(project) == future.pop()
                else:
                    assert dump(project) == before
            else:
                if project.edit(random_edit, step, chance):
                    past.append(before)
                    future.clear()
                    assert dump(project) != before


@settings(max_examples=40, deadline=None)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=4, max_size=10), seed=st.integers(0, 2**32))
def test_the_inverse_of_the_inverse_is_the_edit_and_the_journal_keeps_it_whole(
    kinds: list[str], seed: int
) -> None:
    chance = random.Random(seed)
    with small_project() as project:
        for kind in kinds:
            edit = random_edit(project, kind, chance)
            assert edit.inverse().inverse() == edit
            assert unpack(edit.text, pack(edit)) == edit
            before = dump(project)
            project.edit(lambda _, edit=edit: edit)
            project.edit(lambda _, edit=edit: edit.inverse())
            assert dump(project) == before


def test_nothing_to_undo_or_redo(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        assert project.undo_text is project.redo_text is None
        assert project.undo() is None
        assert project.redo() is None


def test_undo_and_redo_go_on_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    states = []
    with Project.create(folder, image_root=tmp_path, image_paths=["a", "b"]) as project:
        project.edit(add_class, "cat")
        for image_id in (1, 2, 1):
            states.append(dump(project))
            project.edit(add_boxes, [box(image_id)])
        end = dump(project)
        project.undo()
    for expected in (states[2], states[1]):
        with Project.open(folder) as project:
            assert dump(project) == expected
            assert project.undo_text == project.redo_text == "Add box"
            project.undo()
    with Project.open(folder) as project:
        assert dump(project) == states[0]
        assert redo_all(project) == 3
        assert dump(project) == end


def test_a_new_edit_drops_what_could_have_been_redone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a"]) as project:
        project.edit(add_class, "cat")
        project.edit(add_boxes, [box()], text="First")
        project.undo()
        assert project.redo_text == "First"
        project.edit(add_boxes, [box()], text="Second")
        assert project.redo_text is None
        assert project.redo() is None
        assert project.undo_text == "Second"
        assert undo_all(project) == 2
        assert project.boxes(1) == []
        assert redo_all(project) == 2
        assert len(project.boxes(1)) == 1


def test_an_edit_that_changes_a_row_twice_is_undone_in_reverse(tmp_path: Path) -> None:
    def named(before: str, after: str) -> RowChange:
        return RowChange(table="class", columns=("name",), ids=(1,), before=((before,),), after=((after,),))

    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        project.edit(add_class, "cat")
        twice = Edit(text="Rename", changes=(named("cat", "dog"), named("dog", "hen")))
        project.edit(lambda _: twice)
        assert project.classes()[0].name == "hen"
        project.undo()
        assert project.classes()[0].name == "cat"


def test_an_edit_that_changes_nothing_keeps_what_can_be_redone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a"]) as project:
        project.edit(add_class, "cat")
        project.undo()
        assert project.edit(set_split, {1: None}) == Changes()
        assert project.redo_text == "Add class cat"


def test_settings_are_kept_but_are_no_edits(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path) as project:
        project.set_setting("view", {"image": 3, "zoom": 1.5})
        project.set_setting("view", {"image": 4, "zoom": None})
        assert project.undo_text is None
    with Project.open(folder) as project:
        assert project.get_setting("view") == {"image": 4, "zoom": None}
        assert project.get_setting("other", 5) == 5


def test_a_setting_that_belongs_to_the_labels_is_undone_with_them(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path) as project:
        project.edit(
            lambda project: combine(
                "Import a",
                [
                    add_class(project, "cat"),
                    change_setting(project, "source", {"year": 2007}, text="Import a"),
                ],
            )
        )
        assert project.edit(change_setting, "source", {"year": 2012}, text="Import b")
        assert not project.edit(change_setting, "source", {"year": 2012}, text="Import b")
    with Project.open(folder) as project:
        assert project.undo() == Changes(settings=True, text="Import b")
        assert project.get_setting("source") == {"year": 2007}
        project.undo()
        assert project.get_setting("source") is None
        assert project.undo_text is None
        project.redo()
        assert project.get_setting("source") == {"year": 2007}
        assert [item.name for item in project.classes()] == ["cat"]
        project.redo()
        assert project.get_setting("source") == {"year": 2012}


def test_a_setting_that_is_not_as_an_edit_left_it_stops_the_whole_edit(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        stale = change_setting(project, "source", 1, text="Import")
        project.set_setting("source", 2)
        with pytest.raises(EditMismatchError, match="source"):
            project.edit(lambda project: combine("Import", [add_class(project, "cat"), stale]))
        assert project.classes() == []
        assert project.get_setting("source") == 2


def test_one_edit_alone_is_taken_back_while_it_is_the_latest(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        one = project.edit(add_class, "cat")
        other = project.edit(add_class, "dog")
        assert project.undo(only=one) is None
        assert [item.name for item in project.classes()] == ["cat", "dog"]
        assert project.undo(only=other) is not None
        assert project.undo(only=other) is None
        project.redo()
        project.undo()
        third = project.edit(add_class, "dog")
        assert project.undo(only=other) is None  # another edit in its place
        assert project.undo(only=third) is not None
        assert project.undo(only=one) is not None
        assert project.classes() == []
        assert project.undo(only=Changes()) is None


def test_a_step_of_the_journal_as_versions_up_to_3_wrote_it_can_be_undone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a"]) as project:
        project.edit(add_class, "cat")
        before = dump(project)
        edit = add_boxes(project, [box(extra={"n": 1})])
        project.edit(lambda _: edit)
        after = dump(project)
        rows = [[item.table, item.columns, item.ids, item.before, item.after] for item in edit.changes]
        with project.database.write() as connection:
            blob = zlib.compress(json.dumps(rows).encode())
            connection.execute("UPDATE edit SET changes = ? WHERE id = (SELECT max(id) FROM edit)", (blob,))
        project.undo()
        assert dump(project) == before
        project.redo()
        assert dump(project) == after


def test_a_blob_that_claims_more_numbers_than_it_has_is_damaged() -> None:
    change = RowChange(table="box", columns=("x1",), ids=(1, 2), before=None, after=((1.5,), (2.5,)))
    blob = pack(Edit(text="", changes=(change,)))
    assert unpack("", blob).changes == (change,)
    for end in (len(blob) - 8, len(blob) - 1, 20, 3, 1):
        with pytest.raises(ProjectDamagedError):
            unpack("", blob[:end])
