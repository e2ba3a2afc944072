"""A large import is one step of the journal, all of it or nothing, and others go on editing while it is written."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from detcore.errors import Cancelled, ProjectError, UnfinishedImportError
from detcore.project import imports
from detcore.project.edits import (
    Edit,
    add_boxes,
    add_class,
    add_images,
    delete_class,
    merge_classes,
    remove_images,
    set_split,
    set_status,
    update_class,
)
from detcore.project.incoming import IncomingBoxes
from detcore.project.project import Project
from detcore.types import Changes, Image, Status
from tests.detcore.project.store_helpers import arriving, box, bring_in, dump, turn_into_version

MANY = 300
OLD = [f"old/{number:03}.jpg" for number in range(MANY)]
NEW = [f"new/{number:03}.jpg" for number in range(MANY)]
LAST = MANY
"""The id of the last of the old images."""

Action = Callable[[Project], Changes | None]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The old images, without sizes, and the classes cat (1) and dog (2); no boxes."""
    with Project.create(tmp_path / "birds.reticle", image_root=tmp_path, image_paths=OLD) as project:
        project.edit(add_class, "cat")
        project.edit(add_class, "dog")
        yield project


class Meanwhile:
    """A progress that does something once, as soon as the import has begun to be carried out."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self.done = False

    def __call__(self, done: int, total: int) -> bool:
        if done > total // 2 and not self.done:
            self.done = True
            assert done < total, "the import is over already"
            self._action()
        return True


def waiting(project: Project) -> int:
    with project.database.read() as connection:
        query = "SELECT (SELECT count(*) FROM incoming) + (SELECT count(*) FROM meta WHERE key = 'import')"
        return connection.execute(query).fetchone()[0]


def undo_all(project: Project) -> int:
    return sum(1 for _ in iter(project.undo, None))


def test_an_import_in_many_slices_is_one_step(project: Project) -> None:
    before = dump(project)
    imported = bring_in(project, arriving([*OLD, *NEW]))
    assert (imported.merged.images, imported.merged.boxes, imported.merged.matched) == (MANY, 4 * MANY, MANY)
    assert imported.changes.boxes == {item.id for item in project.all_boxes()}
    assert imported.changes.images == imported.changes.box_images == set(project.image_ids())
    assert imported.changes.image_list
    assert {item.name for item in project.classes()} == {"cat", "dog", "hen"}
    assert project.statistics().classes == {"cat": 2 * MANY, "dog": 0, "hen": 2 * MANY}
    assert project.image(1).width == 640
    after = dump(project)
    with project.database.read() as connection:
        (parts,) = connection.execute("SELECT count(*) FROM edit_part").fetchone()
    assert parts > 2
    assert project.undo_text == "Import birds"
    assert project.undo(only=imported.changes)
    assert dump(project) == before
    assert project.redo()
    assert dump(project) == after
    assert waiting(project) == 0


def test_while_nobody_waits_to_write_a_transaction_has_several_slices(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def transactions(alone: int) -> int:
        monkeypatch.setattr(imports, "_ALONE", alone)
        steps: list[int] = []
        bring_in(project, arriving(NEW, boxes=8), lambda done, total: bool(steps.append(done)) or True)
        after = dump(project)
        assert len(project.all_boxes()) == 8 * MANY
        assert project.undo()
        assert project.redo()
        assert dump(project) == after
        assert project.undo()
        return len(steps)

    monkeypatch.setattr(imports, "_SLICE_SECONDS", 1e9)  # slices of ten, however long they take
    monkeypatch.setattr(imports, "_FIRST_SLICE", 10)
    monkeypatch.setattr(imports, "_LARGEST_SLICE", 10)
    assert transactions(alone=1) < transactions(alone=1_000) / 2


def test_importing_the_same_again_changes_nothing_and_keeps_what_can_be_redone(project: Project) -> None:
    bring_in(project, arriving(OLD))
    project.edit(set_status, [1], Status.VERIFIED)
    project.undo()
    before = dump(project)
    again = bring_in(project, arriving(OLD))
    assert (again.merged.boxes, again.merged.unchanged) == (0, MANY)
    assert not again.changes
    assert dump(project) == before
    assert (project.undo_text, project.redo_text) == ("Import birds", "Mark as verified")


def test_edits_of_any_kind_go_on_between_the_slices_and_the_journal_stays_true(project: Project) -> None:
    undo_all(project)
    start = dump(project)
    while project.redo():
        pass
    count = 0

    def edit(done: int, total: int) -> bool:
        nonlocal count
        count += 1
        number = 1 + (count * 37) % MANY
        project.edit(set_status, [number], list(Status)[count % 3])
        project.edit(add_boxes, [box(number, 2)])
        project.edit(add_class, f"class {count}")
        project.undo()
        project.record_image_sizes({number: (640, 480)})
        return True

    imported = bring_in(project, arriving([*OLD, *NEW]), edit)
    assert count > 5
    assert imported.merged.boxes == 4 * MANY
    assert len(project.all_boxes()) == 4 * MANY + count
    project.edit(add_class, "end")  # after which nothing can be redone
    end = dump(project)
    steps = undo_all(project)
    assert without_sizes(dump(project)) == without_sizes(start)
    assert sum(1 for _ in iter(project.redo, None)) == steps
    assert dump(project) == end


def without_sizes(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """A size that became known is no edit, and stays."""
    return {**rows, "image": [(*row[:2], *row[4:]) for row in rows["image"]]}


LAST_IMAGE: list[tuple[str, Action]] = [
    ("Draw box", lambda project: project.edit(add_boxes, [box(LAST, 2)], text="Draw box")),
    ("Mark as verified", lambda project: project.edit(set_status, [LAST], Status.VERIFIED)),
    ("Assign splits", lambda project: project.edit(set_split, {LAST: "test"})),
    ("Remove image", lambda project: project.edit(remove_images, [LAST])),
]


@pytest.mark.parametrize(("text", "action"), LAST_IMAGE, ids=[text for text, _ in LAST_IMAGE])
def test_an_edit_of_an_image_that_is_still_to_come_comes_after_the_import(
    project: Project, text: str, action: Action
) -> None:
    start = dump(project)
    seen: list[Changes | None] = []
    meanwhile = Meanwhile(lambda: seen.append(action(project)))
    imported = bring_in(project, arriving(OLD), meanwhile)
    (changes,) = seen
    assert changes is not None
    assert changes.preceded_by is not None
    assert changes.preceded_by.box_images == {LAST}
    assert len(changes.preceded_by.boxes) == 2
    assert 3 in changes.preceded_by.classes  # hen, of which views have not heard
    assert imported.merged.boxes == 2 * MANY
    assert imported.changes.boxes >= changes.preceded_by.boxes
    assert project.undo_text == text
    project.undo()
    assert [item.class_id for item in project.boxes(LAST)] == [1, 3]
    assert (project.image(LAST).split, project.image(LAST).status) == ("train", Status.IN_PROGRESS)
    assert project.undo_text == "Import birds"
    project.undo()
    assert dump(project) == start


def test_an_edit_of_an_image_that_has_come_needs_nothing_first(project: Project) -> None:
    seen: list[Changes] = []
    meanwhile = Meanwhile(lambda: seen.append(project.edit(set_status, [1], Status.VERIFIED)))
    bring_in(project, arriving(OLD), meanwhile)
    assert seen[0].preceded_by is None
    assert project.image(1).status is Status.VERIFIED


def test_an_image_that_is_added_while_the_import_is_to_bring_it_is_there_once(project: Project) -> None:
    start = dump(project)
    images = [Image(id=0, path=NEW[-1]), Image(id=0, path="other.jpg")]
    bring_in(project, arriving(NEW), Meanwhile(lambda: project.edit(add_images, images)))
    paths = [image.path for image in project.images()]
    assert sorted(paths) == sorted({*OLD, *NEW, "other.jpg"})
    project.undo()
    assert sorted(project.image_ids_by_path()) == sorted([*OLD, *NEW])
    project.undo()
    assert dump(project) == start


def test_an_edit_that_would_overtake_much_of_the_import_has_to_wait(project: Project) -> None:
    def edit() -> None:
        before = dump(project)
        with pytest.raises(ProjectError, match=r"“Import birds” is still under way .* Try again"):
            project.edit(set_split, dict.fromkeys(project.image_ids(), "val"))
        assert dump(project) == before

    bring_in(project, arriving(OLD), Meanwhile(edit))
    assert project.edit(set_split, dict.fromkeys(project.image_ids(), "val"))


def test_classes_are_renamed_and_made_while_an_import_brings_boxes_of_them(project: Project) -> None:
    def edit() -> None:
        hen = project.classes()[-1]
        project.edit(update_class, replace(hen, name="chicken"))
        project.edit(add_class, "hen")

    bring_in(project, arriving(OLD), Meanwhile(edit))
    assert project.statistics().classes == {"cat": MANY, "dog": 0, "chicken": MANY, "hen": 0}


@pytest.mark.parametrize(
    "action",
    [
        lambda project: project.edit(delete_class, 3, delete_boxes=True),
        lambda project: project.edit(merge_classes, [1], 2),
    ],
    ids=["delete", "merge"],
)
def test_a_class_does_not_go_while_boxes_of_it_are_still_to_come(project: Project, action: Action) -> None:
    def edit() -> None:
        with pytest.raises(ProjectError, match="still under way and brings boxes of this class"):
            action(project)

    bring_in(project, arriving(OLD), Meanwhile(edit))
    assert project.statistics().classes == {"cat": MANY, "dog": 0, "hen": MANY}
    assert action(project)


def test_a_class_that_an_import_does_not_bring_goes_at_any_time(project: Project) -> None:
    bring_in(project, arriving(OLD), Meanwhile(lambda: project.edit(delete_class, 2)))
    assert [item.name for item in project.classes()] == ["cat", "hen"]


def test_what_an_import_rests_on_cannot_be_undone_while_it_is_under_way(project: Project) -> None:
    def undo() -> None:
        with pytest.raises(ProjectError, match="“Import birds” is still under way and cannot be undone yet"):
            project.undo()

    bring_in(project, arriving(OLD), Meanwhile(undo))
    assert project.undo()
    assert project.all_boxes() == []


def test_a_class_stays_when_its_making_would_be_undone_before_an_import_has_changed_anything(
    project: Project,
) -> None:
    """Such an import has no step yet that would be in the way."""
    images = [
        replace(image, width=None, height=None, status=Status.UNSEEN, split=None, boxes=IncomingBoxes.of([]))
        for image in arriving(OLD)
    ]

    def undo() -> None:
        with pytest.raises(ProjectError, match="still under way and brings boxes of this class"):
            project.undo()

    meanwhile = Meanwhile(undo)
    nothing = Edit(text="", changes=())
    project.bring_in(images, MANY, lambda _: (nothing, [1, 2]), text="Import birds", progress=meanwhile)
    assert meanwhile.done
    assert project.undo_text == "Add class dog"
    assert project.undo()


@pytest.mark.parametrize("after", [0, MANY // 2])
def test_an_import_that_is_cancelled_before_it_is_decided_leaves_nothing(
    project: Project, after: int
) -> None:
    before = dump(project)
    with pytest.raises(Cancelled):
        bring_in(project, arriving(OLD), lambda done, _total: done <= after - 1)
    assert dump(project) == before
    assert waiting(project) == 0
    assert project.undo_text == "Add class dog"


def test_an_import_that_cannot_be_decided_leaves_nothing(project: Project) -> None:
    before = dump(project)
    images = [*arriving(OLD), *arriving(["new.jpg"])]
    bad = replace(images[-1], split="../out")
    with pytest.raises(ProjectError, match="split"):
        bring_in(project, [*images[:-1], bad])
    assert dump(project) == before
    assert waiting(project) == 0


def test_once_it_is_decided_an_import_goes_on_to_its_end(project: Project) -> None:
    assert bring_in(project, arriving(OLD), lambda done, total: done <= total // 2).merged.boxes == 2 * MANY


def test_of_two_imports_the_second_waits_for_the_first(project: Project) -> None:
    def other() -> None:
        with pytest.raises(ProjectError, match="another import is under way"):
            bring_in(project, arriving(NEW))

    bring_in(project, arriving(OLD), Meanwhile(other))
    assert bring_in(project, arriving(NEW)).merged.images == MANY


def test_an_import_whose_project_is_closed_is_finished_when_that_is_opened(project: Project) -> None:
    start = dump(project)
    with pytest.raises(UnfinishedImportError, match="is closed.*when the project is opened next"):
        bring_in(project, arriving([*OLD, *NEW]), Meanwhile(project.close))
    told: list[tuple[int, int]] = []
    with Project.open(project.folder, progress=lambda *progress: not told.append(progress)) as again:
        assert told[-1][0] == told[-1][1] > 0
        assert again.statistics().boxes == 4 * MANY
        assert again.undo_text == "Import birds"
        again.undo()
        assert dump(again) == start


def test_an_import_stopped_by_a_full_disk_goes_on_with_the_next_one(project: Project) -> None:
    def fill() -> None:
        with project.database.read() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(UnfinishedImportError, match="disk is full"):
        bring_in(project, arriving([*OLD, *NEW], boxes=60), Meanwhile(fill))
    with project.database.read() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    project.edit(set_status, [LAST], Status.VERIFIED)
    assert len(project.boxes(LAST)) == 60
    bring_in(project, arriving(["more.jpg"]))
    assert project.statistics().boxes == 2 * MANY * 60 + 2


@pytest.mark.parametrize("alone", [16, 1])
def test_edits_from_another_thread_are_never_stale(
    project: Project, monkeypatch: pytest.MonkeyPatch, alone: int
) -> None:
    monkeypatch.setattr(imports, "_ALONE", alone)  # with 1 a transaction soon has many slices
    """As the window and the pool do it."""
    failed: list[Exception] = []
    stop = threading.Event()

    def edit() -> None:
        number = 0
        try:
            while not stop.is_set() or number < 3:
                number += 1
                image_id = MANY - number % MANY
                project.edit(set_status, [image_id], list(Status)[number % 3])
                made = project.edit(add_class, f"class {number}")
                project.undo(only=made)  # the import may have begun since
                project.record_image_sizes({image_id: (640, 480)})
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        imported = bring_in(project, arriving([*OLD, *NEW]))
    finally:
        stop.set()
        thread.join()
    assert failed == []
    assert imported.merged.boxes == len(project.all_boxes()) == 4 * MANY


def test_the_journal_of_an_older_project_is_undone_and_redone(project: Project) -> None:
    project.edit(add_boxes, [box(1), box(2)])
    project.edit(set_status, [1], Status.VERIFIED)
    end = dump(project)
    project.undo()
    project.close()
    turn_into_version(2, project.folder)
    with Project.open(project.folder, read_only=True) as reader:
        assert reader.redo_text == "Mark as verified"
    with Project.open(project.folder) as again:
        assert again.redo() is not None
        assert dump(again) == end
        assert undo_all(again) == 4
        assert again.all_boxes() == again.classes() == []
        bring_in_cat = arriving(OLD)
        again.redo()
        assert bring_in(again, bring_in_cat).merged.boxes == 2 * MANY


def test_what_an_older_version_has_staged_before_it_was_killed_is_brought_in(project: Project) -> None:
    folder = project.folder
    project.close()
    boxes = [[0, 10.0, 20.0, 50.0, 60.0, False, True, False, True, {"coco": {"id": 7}, "area": 9.5}]]
    content = json.dumps([640, 480, "in_progress", "train", {"coco": {"id": 3}}, boxes])
    with closing(sqlite3.connect(folder / "project.db")) as connection:
        connection.execute("INSERT INTO incoming (path, content) VALUES ('late.jpg', ?)", (content,))
        connection.execute("INSERT INTO meta VALUES ('import', ?)", (json.dumps([None, "Import", [2]]),))
        connection.execute("DROP INDEX box_class")
        connection.execute("PRAGMA user_version = 3")
        connection.commit()
    with Project.open(folder) as opened:
        image = opened.images()[-1]
        (found,) = opened.boxes(image.id)
        assert (image.path, image.extra) == ("late.jpg", {"coco": {"id": 3}})
        assert (found.class_id, found.xyxy) == (2, (10.0, 20.0, 50.0, 60.0))
        assert (found.difficult, found.truncated, found.occluded, found.crowd) == (False, True, False, True)
        assert found.extra == {"coco": {"id": 7}, "area": 9.5}
        assert opened.ground_truth([image.id]).areas.tolist() == [9.5]
        assert opened.undo()
        assert image.id not in opened.image_ids()
