"""Each edit does what it says, says what it touched, and refuses what the project cannot hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detcore.errors import ProjectError
from detcore.project import verdict_rows
from detcore.project.edits import (
    Edit,
    RowChange,
    add_boxes,
    add_class,
    add_images,
    add_rows,
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
    update_images,
)
from detcore.project.project import Project
from detcore.types import Box, Image, ObjectClass, Origin, Status
from tests.detcore.project.store_helpers import box, dump


def test_new_boxes_get_ids_and_times_and_come_back_as_they_were(project: Project) -> None:
    drawn = box(
        difficult=True, origin=Origin.MODEL, run="001-x", score=0.5, extra={"pose": "Links é", "n": [1]}
    )
    changes = project.edit(add_boxes, [drawn, box(2, 2)])
    first, second = project.all_boxes()
    assert first == replace(drawn, id=first.id, created=first.created, updated=first.created)
    assert first.created > 1e9
    assert changes.boxes == {first.id, second.id}
    assert changes.box_images == {1, 2}
    assert not changes.images
    assert not changes.image_list
    assert changes.text == "Add 2 boxes"


def test_an_edit_names_the_new_ids_before_it_is_in(project: Project) -> None:
    edit = add_boxes(project, [box(), box()])
    project.edit(lambda _: edit)
    assert edit.changes[0].ids == tuple(item.id for item in project.boxes(1))


def test_coordinates_are_kept_to_the_last_bit(project: Project) -> None:
    edges = (0.1 + 0.2, 1 / 3, 100.00000000000001, 479.99999999999994)
    drawn = Box(id=0, image_id=1, class_id=1, x1=edges[0], y1=edges[1], x2=edges[2], y2=edges[3])
    project.edit(add_boxes, [drawn])
    assert project.boxes(1)[0].xyxy == edges
    project.undo()
    project.redo()
    assert project.boxes(1)[0].xyxy == edges


def test_numpy_numbers_are_taken(project: Project) -> None:
    drawn = box(np.int64(1), np.int64(2), x1=np.float32(1.5), difficult=np.bool_(True))  # type: ignore[arg-type]
    project.edit(add_boxes, [drawn])
    stored = project.boxes(np.int64(1))  # type: ignore[arg-type]
    assert (stored[0].class_id, stored[0].x1, stored[0].difficult) == (2, 1.5, True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (box(x1=50.0, x2=50.0), "no area"),
        (box(x1=60.0, x2=50.0), "no area"),
        (box(x1=-1.0), "leaves the image"),
        (box(x2=640.5), "leaves the image of width 640"),
        (box(y2=481.0), "leaves the image of height 480"),
        (box(x1=float("nan")), "no place"),
        (box(x2=float("inf")), "no place"),
        (box(99), "image 99 is not in the project"),
        (box(1, 99), "class 99 is not in the project"),
        (box(score=1.5), "between 0 and 1"),
    ],
)
def test_a_box_that_cannot_be_stored_is_refused_with_the_reason(
    project: Project, wrong: Box, words: str
) -> None:
    with pytest.raises(ProjectError, match=words):
        add_boxes(project, [box(), wrong])
    project.edit(add_boxes, [box()])
    if wrong.image_id == 1:
        with pytest.raises(ProjectError, match=words):
            update_boxes(project, [replace(wrong, id=project.boxes(1)[0].id)])


def test_an_edge_that_rounding_put_outside_is_set_on_the_border(project: Project) -> None:
    project.edit(add_boxes, [box(x1=-1e-9, x2=640.0000001)])
    assert project.boxes(1)[0].xyxy == (0.0, 20.0, 640.0, 60.0)


def test_the_class_of_a_box_that_was_imported_too_large_can_be_mended(project: Project) -> None:
    project.edit(add_boxes, [box(2, x2=900.0)])
    project.record_image_sizes({2: (640, 480)})
    stored = project.boxes(2)[0]
    project.edit(update_boxes, [replace(stored, class_id=2)])
    assert project.boxes(2)[0].class_id == 2
    with pytest.raises(ProjectError, match="leaves the image"):
        update_boxes(project, [replace(stored, x2=899.0)])


def test_a_box_that_did_not_change_makes_no_edit(project: Project) -> None:
    project.edit(add_boxes, [box()])
    assert not project.edit(update_boxes, project.boxes(1))
    assert project.undo_text == "Add box"


def test_moving_a_box_marks_when_and_keeps_the_rest(project: Project) -> None:
    project.edit(add_boxes, [box(extra={"pose": "Left"}), box()])
    first, second = project.boxes(1)
    changes = project.edit(update_boxes, [replace(first, x2=99.5), second], text="Move box")
    moved, same = project.boxes(1)
    assert moved == replace(first, x2=99.5, updated=moved.updated)
    assert moved.updated > first.updated
    assert same == second
    assert changes.boxes == {first.id}
    assert project.undo_text == "Move box"


def test_a_mask_area_goes_when_the_box_it_came_with_changes_shape(project: Project) -> None:
    project.edit(add_boxes, [box(extra={"area": 321.5, "keep": 1})])
    assert project.ground_truth().areas.tolist() == [321.5]
    stored = project.boxes(1)[0]
    project.edit(update_boxes, [replace(stored, class_id=2)])
    assert project.ground_truth().areas.tolist() == [321.5]
    project.edit(update_boxes, [replace(project.boxes(1)[0], x2=51.0)])
    assert project.ground_truth().areas.tolist() == [41.0 * 40.0]
    assert project.boxes(1)[0].extra == {"keep": 1}
    project.undo()
    assert project.ground_truth().areas.tolist() == [321.5]


def test_a_box_that_is_gone_cannot_be_changed_or_deleted(project: Project) -> None:
    project.edit(add_boxes, [box()])
    stored = project.boxes(1)[0]
    project.edit(delete_boxes, [stored.id])
    with pytest.raises(ProjectError, match="not in the project any more"):
        update_boxes(project, [replace(stored, x2=70.0)])
    with pytest.raises(ProjectError, match="not in the project any more"):
        delete_boxes(project, [stored.id])


def test_ids_are_not_used_again(project: Project) -> None:
    project.edit(add_boxes, [box(), box()])
    gone = {item.id for item in project.boxes(1)}
    project.edit(delete_boxes, gone)
    folder = project.folder
    project.close()
    with Project.open(folder) as again:
        again.edit(add_boxes, [box()])
        assert again.boxes(1)[0].id > max(gone)


def test_status_and_split_of_images(project: Project) -> None:
    changes = project.edit(set_status, [1, 3], Status.VERIFIED)
    assert changes.images == {1, 3}
    assert not changes.image_list
    project.edit(set_split, {1: "train", 2: "val", 3: "train"})
    project.edit(set_split, {1: None})
    assert [image.status for image in project.images()] == [Status.VERIFIED, Status.UNSEEN, Status.VERIFIED]
    assert [image.split for image in project.images()] == [None, "val", "train"]
    assert not set_split(project, {1: None, 2: "val"})


def test_other_fields_of_images(project: Project) -> None:
    project.edit(update_images, {2: {"group": "scene 1", "extra": {"license": 3}}}, text="Import")
    assert project.image(2).group == "scene 1"
    assert project.image(2).extra == {"license": 3}
    with pytest.raises(ProjectError, match="leaves the image folder"):
        update_images(project, {2: {"path": "../b.jpg"}}, text="Move")


def test_images_that_are_there_already_are_passed_over(project: Project) -> None:
    wanted = [Image(id=0, path=path) for path in ("a.jpg", "new.jpg", "new.jpg")]
    changes = project.edit(add_images, wanted)
    assert changes.image_list
    assert [image.path for image in project.images()] == ["a.jpg", "b.jpg", "sub/c.jpg", "new.jpg"]


def test_removing_an_image_takes_its_boxes_and_verdicts_and_undo_brings_all_back(project: Project) -> None:
    project.edit(add_boxes, [box(), box(2)])
    verdict = (1, "001-x", "ambiguous", 1, 0, 1, 0.0, 0.0, 5.0, 5.0, 0.3, 1.0, "")
    judged = RowChange(table="verdict", columns=verdict_rows.COLUMNS, ids=(1,), before=None, after=(verdict,))
    project.edit(lambda _: Edit(text="Judge", changes=(judged,)))
    before = dump(project)
    changes = project.edit(remove_images, [1])
    assert changes.images == {1}
    assert changes.box_images == {1}
    assert changes.verdicts == {1}
    assert changes.image_list
    assert project.statistics().boxes == 1
    undone = project.undo()
    assert undone is not None
    assert undone.image_list
    assert dump(project) == before


def test_a_size_that_became_known_after_an_import_does_not_stop_undo(project: Project) -> None:
    project.edit(add_images, [Image(id=0, path="late.jpg")])
    added = project.image_ids()[-1]
    project.record_image_sizes({added: (30, 20)})
    assert project.undo()
    assert project.image_ids() == [1, 2, 3]
    project.redo()
    assert project.image(added).path == "late.jpg"


def test_an_import_brings_classes_images_and_boxes_in_one_step(project: Project) -> None:
    class_id, image_id = project.new_ids("class")[0], project.new_ids("image")[0]
    before = dump(project)
    project.edit(
        add_rows,
        text="Import dataset",
        classes=[ObjectClass(id=class_id, name="hen", color="#AABBCC", source_id=17, position=2)],
        images=[Image(id=image_id, path="/elsewhere/x.jpg", width=100, height=90, split="val")],
        boxes=[box(image_id, class_id), box(1, class_id)],
    )
    assert project.classes()[-1].source_id == 17
    assert project.image(image_id).split == "val"
    assert len(project.boxes(image_id)) == len(project.boxes(1)) == 1
    project.undo()
    assert dump(project) == before
    with pytest.raises(ProjectError, match="leaves the image of width 100"):
        add_rows(
            project,
            text="Import",
            images=[Image(id=image_id, path="y.jpg", width=100, height=90)],
            boxes=[box(image_id, x2=101.0)],
        )


def test_several_edits_as_one_step(project: Project) -> None:
    before = dump(project)
    project.edit(
        lambda project: combine(
            "Label and verify", [add_boxes(project, [box()]), set_status(project, [1], Status.VERIFIED)]
        )
    )
    assert project.undo_text == "Label and verify"
    project.undo()
    assert dump(project) == before


def test_classes_get_colours_and_free_keys(project: Project) -> None:
    for number in range(9):
        project.edit(add_class, f"class {number}")
    classes = project.classes()
    assert [item.key for item in classes] == [1, 2, 3, 4, 5, 6, 7, 8, 9, None, None]
    assert len({item.color for item in classes}) == 11
    assert [item.position for item in classes] == list(range(11))


def test_a_key_that_is_asked_for_moves(project: Project) -> None:
    project.edit(add_class, "hen", color="#123456", key=1)
    assert [(item.name, item.key) for item in project.classes()] == [("cat", None), ("dog", 2), ("hen", 1)]
    cat = project.classes()[0]
    project.edit(update_class, replace(cat, key=2))
    assert [(item.name, item.key) for item in project.classes()] == [("cat", 2), ("dog", None), ("hen", 1)]


@pytest.mark.parametrize(
    "name", ["yes", "no", "on", "null", "1", "1.0", "x", "two  spaces", "Löwe 狮子", "a\tb"]
)
def test_any_class_name_comes_back_as_it_was(project: Project, name: str) -> None:
    project.edit(add_class, name)
    assert project.classes()[-1].name == name


@pytest.mark.parametrize("name", ["", "  ", "cat", "broken \ud800"])
def test_a_class_name_that_says_nothing_or_is_taken_is_refused(project: Project, name: str) -> None:
    with pytest.raises(ProjectError):
        add_class(project, name)
    with pytest.raises(ProjectError):
        update_class(project, replace(project.classes()[1], name=name))


def test_a_class_is_renamed_without_its_boxes_being_touched(project: Project) -> None:
    project.edit(add_boxes, [box()])
    stored = project.boxes(1)
    changes = project.edit(update_class, replace(project.classes()[0], name="kitten"))
    assert changes.classes == {1}
    assert not changes.boxes
    assert project.boxes(1) == stored
    assert project.undo_text == "Rename class cat to kitten"


def test_bad_colours_and_keys_are_refused(project: Project) -> None:
    cat = project.classes()[0]
    with pytest.raises(ProjectError, match="not a colour"):
        update_class(project, replace(cat, color="red"))
    with pytest.raises(ProjectError, match="1 to 9"):
        update_class(project, replace(cat, key=10))


def test_merging_classes_moves_boxes_and_undo_parts_them_again(project: Project) -> None:
    project.edit(add_boxes, [box(1, 1), box(2, 2), box(3, 1)])
    before = dump(project)
    changes = project.edit(merge_classes, [1, 2], 2)
    assert [item.name for item in project.classes()] == ["dog"]
    assert {item.class_id for item in project.all_boxes()} == {2}
    assert changes.box_images == {1, 3}
    assert changes.classes == {1}
    project.undo()
    assert dump(project) == before
    assert not merge_classes(project, [2], 2)


def test_a_class_with_boxes_is_deleted_only_on_demand(project: Project) -> None:
    project.edit(add_boxes, [box(1, 1), box(2, 2)])
    before = dump(project)
    with pytest.raises(ProjectError, match="1 box has the class cat"):
        delete_class(project, 1)
    project.edit(delete_class, 1, delete_boxes=True)
    assert project.statistics().classes == {"dog": 1}
    project.undo()
    assert dump(project) == before


def test_classes_are_reordered_and_keep_their_ids(project: Project) -> None:
    project.edit(reorder_classes, [2, 1])
    assert [(item.id, item.name) for item in project.classes()] == [(2, "dog"), (1, "cat")]
    with pytest.raises(ValueError, match="each of them once"):
        reorder_classes(project, [2])


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../escaped", "a\\b", "C:", " ", "a\0b", "a\nb"])
def test_a_split_is_a_plain_name(project: Project, name: str) -> None:
    with pytest.raises(ProjectError, match="split"):
        set_split(project, {1: name})
    with pytest.raises(ProjectError, match="split"):
        add_images(project, [Image(id=0, path="other.jpg", split=name)])
    project.edit(set_split, {1: "night-time 2"})
    assert project.image(1).split == "night-time 2"


def test_an_image_is_in_a_project_once(project: Project) -> None:
    with pytest.raises(ProjectError, match="already"):
        add_rows(project, text="x", images=[Image(id=0, path="a.jpg")])
    with pytest.raises(ProjectError, match="already"):
        add_rows(project, text="x", images=[Image(id=0, path="new.jpg"), Image(id=0, path="new.jpg")])
