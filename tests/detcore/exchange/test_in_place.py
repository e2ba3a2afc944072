"""Label files that stay the truth for other programs while Reticle edits them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detcore.errors import FormatError, ProjectError
from detcore.exchange.in_place.linked import REFUSED, TAKEN, LinkedFolder
from detcore.exchange.in_place.record import FILE, Record
from detcore.formats.in_place import FileBox, Page, Wanted
from detcore.formats.labelme.in_place import LabelMeFiles
from detcore.formats.voc.in_place import VocFiles
from detcore.formats.yolo.in_place import YoloFiles
from detcore.project import edits
from detcore.project.class_edits import add_class, update_class
from detcore.project.project import Project
from detcore.types import Box, Changes, Status
from tests.detcore.exchange.in_place_folders import (
    HEIGHT,
    WIDTH,
    Foreign,
    Row,
    link,
    make_folder,
    read_voc,
    some_row,
    voc_text,
)

FORMATS = ("voc", "yolo", "labelme")


class Linked:
    """A folder with two images, a project linked with it, and another program."""

    def __init__(self, folder: Path, format_name: str, *, images: int = 2) -> None:
        self.foreign = Foreign(format_name)
        self.images = make_folder(folder, self.foreign, images=images)
        self.project, self.linked = link(folder, self.foreign)
        self.ids = {path: self.project.image_ids_by_path()[path.name] for path in self.images}

    def edit(self, changes: Changes) -> None:
        assert self.linked.write_changes(changes) == []

    def add(self, image: Path, row: Row) -> Changes:
        classes = {item.name: item.id for item in self.project.classes()}
        name, x1, y1, x2, y2 = row
        box = Box(id=0, image_id=self.ids[image], class_id=classes[name], x1=x1, y1=y1, x2=x2, y2=y2)
        return self.project.edit(edits.add_boxes, [box])

    def boxes(self, image: Path) -> list[Box]:
        return self.project.boxes(self.ids[image])

    def rows(self, image: Path) -> Counter[Row]:
        names = {item.id: item.name for item in self.project.classes()}
        return Counter(
            (names[box.class_id], round(box.x1), round(box.y1), round(box.x2), round(box.y2))
            for box in self.boxes(image)
        )

    def file(self, image: Path) -> Path:
        return image.with_suffix(self.foreign.suffix)


@pytest.fixture(params=FORMATS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Linked]:
    linked = Linked(tmp_path / "set", request.param)
    yield linked
    linked.linked.close()
    linked.project.close()


def test_an_edit_is_in_its_file_at_once_and_nowhere_else(world: Linked) -> None:
    first, second = world.images
    untouched = world.file(second).read_bytes()
    world.edit(world.add(first, ("owl", 1, 2, 30, 40)))
    assert world.foreign.rows(first)[-1] == ("owl", 1, 2, 30, 40)
    assert world.file(second).read_bytes() == untouched


def test_a_moved_box_changes_its_own_numbers_alone(world: Linked) -> None:
    image = world.images[0]
    world.foreign.write(image, [("cat", 1, 2, 30, 40), ("dog", 5, 6, 50, 60)])
    world.linked.take([world.ids[image]])
    before = world.file(image).read_bytes()
    box = next(box for box in world.boxes(image) if box.x1 == 5)
    world.edit(world.project.edit(edits.update_boxes, [Box(**{**_fields(box), "x2": 52.0})]))
    after = world.file(image).read_bytes()
    changed = {
        "voc": [(b"<xmax>50</xmax>", b"<xmax>52</xmax>")],
        "yolo": [
            (b"0.21484375 ", b"0.22265625 "),
            (b" 0.35156250 ", b" 0.36718750 "),
        ],  # 57 / 256 and 47 / 128
        "labelme": [(b"50.0", b"52.0")],
    }
    expected = before
    for old, new in changed[world.foreign.format_name]:
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert after == expected != before


def test_an_edit_that_is_taken_back_leaves_every_byte_as_it_was(world: Linked) -> None:
    image = world.images[0]
    before = world.file(image).read_bytes()
    for edit in (
        lambda: world.project.edit(edits.delete_boxes, [box.id for box in world.boxes(image)]),
        lambda: world.add(image, ("owl", 1, 2, 30, 40)),
        lambda: world.project.edit(
            edits.update_boxes, [Box(**{**_fields(world.boxes(image)[0]), "x1": 0.5})]
        ),
    ):
        world.edit(edit())
        assert world.file(image).read_bytes() != before
        taken_back = world.project.undo()
        assert taken_back is not None
        world.edit(taken_back)
        assert world.file(image).read_bytes() == before


def test_a_renamed_class_is_renamed_in_every_file(world: Linked) -> None:
    for image in world.images:
        world.edit(world.add(image, ("cat", 1, 2, 30, 40)))
    cat = next(item for item in world.project.classes() if item.name == "cat")
    renamed = type(cat)(**{**_fields(cat), "name": "wild cat"})
    world.edit(world.project.edit(update_class, renamed))
    for image in world.images:
        names = [row[0] for row in world.foreign.rows(image)]
        assert "wild cat" in names
        assert "cat" not in names


def test_a_first_box_makes_a_label_file_that_the_other_program_reads(world: Linked) -> None:
    image = world.images[0]
    world.file(image).unlink()
    world.linked.take([world.ids[image]])
    assert world.boxes(image) == []
    world.edit(world.add(image, ("dog", 3, 4, 33, 44)))
    assert world.foreign.rows(image) == [("dog", 3, 4, 33, 44)]


def test_what_another_program_changed_is_told_and_taken_as_one_step(world: Linked) -> None:
    image = world.images[0]
    before = world.rows(image)
    rows = world.foreign.rows(image)
    moved = (rows[0][0], rows[0][1], rows[0][2], rows[0][3] - 1, rows[0][4])
    world.foreign.write(image, [moved, *rows[1:], ("owl", 100, 40, 120, 60)])
    (change,) = world.linked.look()
    assert change.image_id == world.ids[image]
    assert [(one.before is None, one.after is None) for one in change.differences] == [
        (False, False),
        (True, False),
    ]
    world.linked.take([change.image_id])
    assert world.rows(image) == Counter(world.foreign.rows(image)) != before
    assert world.linked.look() == []
    world.project.undo()
    assert world.rows(image) == before


def test_nothing_is_written_over_a_foreign_change_until_it_is_settled(world: Linked) -> None:
    image = world.images[0]
    rows = world.foreign.rows(image)
    world.foreign.write(image, [*rows, ("owl", 100, 40, 120, 60)])
    theirs = world.file(image).read_bytes()
    (problem,) = world.linked.write_changes(world.add(image, ("dog", 3, 4, 33, 44)))
    assert "another program" in problem.message
    assert world.file(image).read_bytes() == theirs
    world.linked.take([world.ids[image]])
    both = Counter([*rows, ("owl", 100, 40, 120, 60), ("dog", 3, 4, 33, 44)])
    assert world.rows(image) == both == Counter(world.foreign.rows(image))


def test_a_refused_change_is_kept_aside(world: Linked) -> None:
    image = world.images[0]
    mine = world.file(image).read_bytes()
    world.foreign.write(image, [("owl", 100, 40, 120, 60)])
    theirs = world.file(image).read_bytes()
    (kept,), problems = world.linked.refuse([world.ids[image]])
    assert problems == []
    assert world.file(image).read_bytes() == mine
    assert kept.parent == world.project.folder / REFUSED
    assert kept.read_bytes() == theirs


def test_a_box_that_one_side_removed_and_the_other_moved_stays(world: Linked) -> None:
    image = world.images[0]
    world.foreign.write(image, [("cat", 1, 2, 30, 40), ("dog", 60, 6, 100, 60)])
    world.linked.take([world.ids[image]])
    cat = next(box for box in world.boxes(image) if box.x1 == 1)
    dog = next(box for box in world.boxes(image) if box.x1 == 60)
    world.foreign.write(image, [("cat", 1, 2, 33, 40)])  # moved the cat, removed the dog
    world.linked.write_changes(world.project.edit(edits.delete_boxes, [cat.id]))
    world.linked.write_changes(world.project.edit(edits.update_boxes, [Box(**{**_fields(dog), "x2": 104.0})]))
    world.linked.take([world.ids[image]])
    both = Counter([("cat", 1, 2, 33, 40), ("dog", 60, 6, 104, 60)])
    assert world.rows(image) == both == Counter(world.foreign.rows(image))


def test_edits_that_no_file_has_got_are_written_at_the_next_opening(world: Linked) -> None:
    image = world.images[0]
    world.add(image, ("dog", 3, 4, 33, 44))
    world.linked.close()
    again = LinkedFolder.open(world.project)
    assert again is not None
    assert again.catch_up() == []
    assert Counter(world.foreign.rows(image)) == world.rows(image)
    again.close()


@pytest.mark.parametrize("format_name", FORMATS)
def test_random_edits_of_both_sides_lose_nothing(tmp_path: Path, format_name: str) -> None:
    both_sides(
        Linked(tmp_path / "set", format_name, images=6), steps=int(os.environ.get("IN_PLACE_STEPS", "120"))
    )


def both_sides(world: Linked, *, steps: int) -> None:
    """Edits and foreign changes in any order, against what each image must hold in the end. A side changes only boxes
    that the other has not changed since they agreed."""
    rng = random.Random(0)
    expected = {image: Counter(world.foreign.rows(image)) for image in world.images}
    pending: set[Path] = set()
    for _ in range(steps):
        image = rng.choice(world.images)
        untouched = {other: world.file(other).read_bytes() for other in world.images if other != image}
        act = rng.randrange(6)
        if act == 0 and image not in pending:  # another program moves, removes and adds
            rows = world.foreign.rows(image)
            if rows and rng.random() < 0.5:
                gone = rows.pop(rng.randrange(len(rows)))
                expected[image][gone] -= 1
            new = some_row(rng)
            rows.insert(rng.randrange(len(rows) + 1), new)
            expected[image][new] += 1
            world.foreign.write(image, rows)
            pending.add(image)
        elif act == 1:
            world.linked.take([change.image_id for change in world.linked.look()])
            pending.clear()
            untouched = {}
        elif act == 2 and image not in pending and world.boxes(image):
            box = rng.choice(world.boxes(image))
            names = {item.id: item.name for item in world.project.classes()}
            expected[image][names[box.class_id], int(box.x1), int(box.y1), int(box.x2), int(box.y2)] -= 1
            world.edit(world.project.edit(edits.delete_boxes, [box.id]))
        else:
            row = some_row(rng)
            expected[image][row] += 1
            problems = world.linked.write_changes(world.add(image, row))
            assert bool(problems) == (image in pending)
        for other, content in untouched.items():
            assert world.file(other).read_bytes() == content
    world.linked.take([change.image_id for change in world.linked.look()])
    assert world.linked.look() == []
    for image in world.images:
        assert world.rows(image) == +expected[image] == Counter(world.foreign.rows(image))
    world.linked.close()
    world.project.close()


def test_an_image_that_left_the_project_stops_nothing(world: Linked) -> None:
    first, second = world.images
    before = world.file(first).read_bytes()
    world.edit(world.project.edit(edits.remove_images, [world.ids[first]]))
    assert world.linked.look() == []
    world.edit(world.add(second, ("owl", 1, 2, 30, 40)))
    assert world.foreign.rows(second)[-1] == ("owl", 1, 2, 30, 40)
    assert world.file(first).read_bytes() == before


def test_a_folder_that_is_not_there_takes_no_labels_and_is_not_made_anew(world: Linked) -> None:
    image = world.images[0]
    folder = image.parent
    folder.rename(folder.with_name("elsewhere"))
    assert world.linked.look() == []
    (problem,) = world.linked.write_changes(world.add(image, ("owl", 1, 2, 30, 40)))
    assert "not there" in problem.message
    assert not folder.exists()
    folder.with_name("elsewhere").rename(folder)
    assert world.linked.catch_up() == []
    assert world.foreign.rows(image)[-1] == ("owl", 1, 2, 30, 40)


def test_an_image_that_is_gone_with_its_labels_is_a_problem_and_no_removal(world: Linked) -> None:
    image = world.images[0]
    world.file(image).unlink()
    image.unlink()
    (change,) = world.linked.look()
    assert change.problem is not None
    assert not change.removed


def test_a_box_that_was_taken_and_taken_back_is_kept_aside(world: Linked) -> None:
    image = world.images[0]
    world.foreign.write(image, [*world.foreign.rows(image), ("owl", 100, 40, 120, 60)])
    theirs = world.file(image).read_bytes()
    world.linked.take([world.ids[image]])
    undone = world.project.undo()
    assert undone is not None
    world.edit(undone)
    assert ("owl", 100, 40, 120, 60) not in world.foreign.rows(image)
    (kept,) = (world.project.folder / TAKEN).iterdir()
    assert kept.read_bytes() == theirs


def test_each_side_keeps_what_it_alone_changed_of_a_box(world: Linked) -> None:
    image = world.images[0]
    world.foreign.write(image, [("cat", 1, 2, 30, 40)])
    world.linked.take([world.ids[image]])
    (box,) = world.boxes(image)
    classes = {item.name: item.id for item in world.project.classes()} | {"dog": box.class_id}
    other = next(key for name, key in classes.items() if key != box.class_id)
    names = {item.id: item.name for item in world.project.classes()}
    world.foreign.write(image, [("cat", 1, 2, 34, 40)])
    changed = world.project.edit(edits.update_boxes, [Box(**{**_fields(box), "class_id": other, "y1": 5.0})])
    assert world.linked.write_changes(changed) != []
    world.linked.take([world.ids[image]])
    assert world.rows(image) == Counter([(names[other], 1, 5, 34, 40)]) == Counter(world.foreign.rows(image))


def test_labels_that_came_while_a_take_was_cut_short_do_not_come_twice(
    world: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = world.images[0]
    rows = world.foreign.rows(image)
    world.foreign.write(image, [*rows, ("owl", 100, 40, 120, 60)])
    assert world.linked.write_changes(world.add(image, ("dog", 3, 4, 33, 44))) != []

    def die(_self: Record, _agreements: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Record, "put", die)
        with pytest.raises(KeyboardInterrupt):
            world.linked.take([world.ids[image]])
    world.linked.take([change.image_id for change in world.linked.look()])
    both = Counter([*rows, ("owl", 100, 40, 120, 60), ("dog", 3, 4, 33, 44)])
    assert world.rows(image) == both == Counter(world.foreign.rows(image))


def test_the_label_file_of_two_images_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    foreign = Foreign("voc")
    (image,) = make_folder(folder, foreign, images=1)
    PillowImage.new("RGB", (WIDTH, HEIGHT)).save(image.with_suffix(".bmp"))
    project = Project.create(tmp_path / "p.reticle", image_root=folder, image_paths=["0.png", "0.bmp"])
    linked, problems = LinkedFolder.link(project, "voc", folder)
    assert len(problems) == 2
    assert all("several images" in problem.message for problem in problems)
    linked.close()
    project.close()


def test_rights_of_a_file_stay_and_one_that_may_not_be_written_is_not(world: Linked) -> None:
    image = world.images[0]
    world.file(image).chmod(0o664)
    world.edit(world.add(image, ("owl", 1, 2, 30, 40)))
    assert world.file(image).stat().st_mode & 0o777 == 0o664


def test_a_record_that_is_damaged_is_named(world: Linked) -> None:
    world.linked.close()
    (world.project.folder / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(ProjectError, match="record of the label files"):
        LinkedFolder.open(world.project)


CHILD = """
import random, sys
from pathlib import Path
from detcore.exchange.in_place.linked import LinkedFolder
from detcore.project import edits
from detcore.project.project import Project
from detcore.types import Box
with Project.open(Path(sys.argv[1])) as project:
    linked = LinkedFolder.open(project)
    assert linked is not None
    linked.catch_up()
    rng = random.Random(int(sys.argv[2]))
    images, classes = project.images(), project.classes()
    print("begun", flush=True)
    while True:
        image = rng.choice(images)
        boxes = project.boxes(image.id)
        if len(boxes) > 4:
            changes = project.edit(edits.delete_boxes, [rng.choice(boxes).id])
        else:
            x, y = rng.randrange(100), rng.randrange(40)
            box = Box(id=0, image_id=image.id, class_id=rng.choice(classes).id, x1=x, y1=y, x2=x + 20, y2=y + 20)
            changes = project.edit(edits.add_boxes, [box])
        assert linked.write_changes(changes) == []
"""


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_process_that_is_killed_leaves_files_and_project_in_agreement(
    tmp_path: Path, format_name: str
) -> None:
    world = Linked(tmp_path / "set", format_name, images=3)
    world.linked.close()
    world.project.close()
    rng = random.Random(1)
    for seed in range(int(os.environ.get("IN_PLACE_KILLS", "2"))):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(world.project.folder), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        time.sleep(rng.random() * 0.2)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with Project.open(world.project.folder) as project:
            linked = LinkedFolder.open(project)
            assert linked is not None
            assert linked.look() == []
            assert linked.catch_up() == []
            linked.close()
            names = {item.id: item.name for item in project.classes()}
            for path, image_id in world.ids.items():
                rows = Counter(
                    (names[box.class_id], int(box.x1), int(box.y1), int(box.x2), int(box.y2))
                    for box in project.boxes(image_id)
                )
                assert rows == Counter(world.foreign.rows(path))


def _fields(item: object) -> dict[str, object]:
    return {name: getattr(item, name) for name in type(item).__dataclass_fields__}  # type: ignore[attr-defined]


def test_comments_unknown_elements_and_odd_layout_stay_in_a_voc_file(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    foreign = Foreign("voc")
    (image,) = make_folder(folder, foreign, images=1)
    text = voc_text(image, [("cat", 1, 2, 30, 40), ("dog", 5, 6, 50, 60)])
    text = text.replace("<segmented>0</segmented>", '<!-- by hand -->\r\n  <owner a="1>0"><x/></owner>')
    text = text.replace("<name>dog</name>", "<name>d&#111;g</name><note><![CDATA[<object>]]></note>")
    image.with_suffix(".xml").write_bytes(b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode())
    project, linked = link(folder, foreign)
    cat = next(box for box in project.boxes(project.images()[0].id) if box.x1 == 1)
    before = image.with_suffix(".xml").read_bytes()
    changes = project.edit(edits.update_boxes, [Box(**{**_fields(cat), "y2": 41.0, "difficult": True})])
    assert linked.write_changes(changes) == []
    changed = before.replace(b"<ymax>40</ymax>", b"<ymax>41</ymax>")
    assert image.with_suffix(".xml").read_bytes() == changed.replace(
        b"<difficult>0</difficult>", b"<difficult>1</difficult>", 1
    )
    assert read_voc(image.with_suffix(".xml")) == [("cat", 1, 2, 30, 41), ("dog", 5, 6, 50, 60)]
    linked.close()
    project.close()


def test_a_verified_image_is_marked_in_a_voc_file_as_labelimg_does(tmp_path: Path) -> None:
    world = Linked(tmp_path / "set", "voc")
    image = world.images[0]
    before = world.file(image).read_bytes()
    world.edit(world.project.edit(edits.set_status, [world.ids[image]], Status.VERIFIED))
    assert world.file(image).read_bytes() == before.replace(b"<annotation>", b'<annotation verified="yes">')
    world.edit(world.project.edit(edits.set_status, [world.ids[image]], Status.IN_PROGRESS))
    assert world.file(image).read_bytes() == before
    world.linked.close()
    world.project.close()


def test_a_list_of_names_that_was_renumbered_stops_reading_and_writing(tmp_path: Path) -> None:
    world = Linked(tmp_path / "set", "yolo")
    image = world.images[0]
    before = world.file(image).read_bytes()
    (image.parent / "classes.txt").write_text("dog\ncat\nowl\n")
    (problem,) = world.linked.write_changes(world.add(image, ("cat", 1, 2, 30, 40)))
    assert problem.path == image.parent / "classes.txt"
    assert "renumbered" in problem.message
    assert world.file(image).read_bytes() == before
    world.linked.close()
    world.project.close()


def test_a_new_class_joins_the_end_of_the_list_of_names(tmp_path: Path) -> None:
    world = Linked(tmp_path / "set", "yolo")
    image = world.images[0]
    world.project.edit(add_class, "bat")
    world.edit(world.add(image, ("bat", 1, 2, 30, 40)))
    assert (image.parent / "classes.txt").read_text() == "cat\ndog\nowl\nbat\n"
    assert world.foreign.rows(image)[-1] == ("bat", 1, 2, 30, 40)
    world.linked.close()
    world.project.close()


def test_boxes_at_the_edge_and_beyond_are_left_as_they_are_in_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    foreign = Foreign("voc")
    (image,) = make_folder(folder, foreign, images=1)
    foreign.write(image, [("cat", 1, 2, WIDTH + 9, HEIGHT), ("dog", 200, 6, 250, 60)])
    project, linked = link(folder, foreign)
    (box,) = project.boxes(project.images()[0].id)
    assert box.xyxy == (1, 2, WIDTH, HEIGHT)
    assert linked.write_changes(project.edit(edits.update_boxes, [Box(**{**_fields(box), "x1": 4.0})])) == []
    assert read_voc(image.with_suffix(".xml")) == [("cat", 4, 2, WIDTH + 9, HEIGHT), ("dog", 200, 6, 250, 60)]
    linked.close()
    project.close()


def test_outlines_are_not_moved_in_place_and_the_rest_of_a_labelme_file_stays(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    foreign = Foreign("labelme")
    (image,) = make_folder(folder, foreign, images=1)
    file = image.with_suffix(".json")
    file.write_bytes(
        b'{"shapes": [{"label": "caf\\u00e9", "points": [[30, 40], [1, 2]], "shape_type": "rectangle", "mine": [1, {}]}'
        b', {"label": "owl", "points": [[10, 10], [50, 10], [30, 60.5]], "shape_type": "polygon"}]\r\n'
        b', "imagePath": "0.png", "imageHeight": 64, "imageWidth": 128, "imageData": null}'
    )
    project, linked = link(folder, foreign)
    before = file.read_bytes()
    boxes = {box.x1: box for box in project.boxes(project.images()[0].id)}
    changes = project.edit(edits.update_boxes, [Box(**{**_fields(boxes[1]), "x1": 3.0, "y2": 41.5})])
    assert linked.write_changes(changes) == []
    assert file.read_bytes() == before.replace(b"[[30, 40], [1, 2]]", b"[[30, 41.5], [3, 2]]")
    moved = project.edit(edits.update_boxes, [Box(**{**_fields(boxes[10]), "x1": 12.0})])
    (problem,) = linked.write_changes(moved)
    assert "outline" in problem.message
    undone = project.undo()
    assert undone is not None
    assert linked.write_changes(undone) == []
    changes = project.edit(edits.delete_boxes, [boxes[1].id])
    assert linked.write_changes(changes) == []
    assert [shape["label"] for shape in json.loads(file.read_bytes())["shapes"]] == ["owl"]
    linked.close()
    project.close()


def test_what_labelimg_marks_as_verified_is_told_and_taken(tmp_path: Path) -> None:
    world = Linked(tmp_path / "set", "voc")
    image = world.images[0]
    text = world.file(image).read_text()
    world.file(image).write_text(text.replace("<annotation>", '<annotation verified="yes">'))
    (change,) = world.linked.look()
    assert (change.verified, change.text) == (True, "verified")
    world.linked.take([change.image_id])
    assert world.project.image(change.image_id).status is Status.VERIFIED
    world.linked.close()
    world.project.close()


@pytest.mark.parametrize("format_name", FORMATS)
def test_another_class_leaves_the_edges_of_a_box_that_reaches_out(tmp_path: Path, format_name: str) -> None:
    folder = tmp_path / "set"
    foreign = Foreign(format_name)
    (image,) = make_folder(folder, foreign, images=1)
    foreign.write(image, [("cat", 1, 2, WIDTH + 3, HEIGHT)])
    project, linked = link(folder, foreign)
    (box,) = project.boxes(project.images()[0].id)
    changes = project.edit(
        add_class, "owl" if "owl" not in {item.name for item in project.classes()} else "bat"
    )
    new = next(item for item in project.classes() if item.id != box.class_id)
    changes = project.edit(edits.update_boxes, [Box(**{**_fields(box), "class_id": new.id})])
    assert linked.write_changes(changes) == []
    assert foreign.rows(image) == [(new.name, 1, 2, WIDTH + 3, HEIGHT)]
    linked.close()
    project.close()


def test_a_list_of_names_in_chinese_is_never_damaged(tmp_path: Path) -> None:
    world = Linked(tmp_path / "set", "yolo")
    names = world.images[0].parent / "classes.txt"
    names.write_bytes("猫\n狗\n鸟\n".encode("gb2312"))
    before = names.read_bytes()
    files = YoloFiles(names.parent)
    with pytest.raises(FormatError, match="cannot be added"):
        files.prepare(["é"])
    assert names.read_bytes() == before
    files.prepare(["鱼"])
    assert names.read_bytes() == before + "鱼\n".encode("gb2312")
    world.linked.close()
    world.project.close()


def test_a_mask_of_labelme_is_not_moved_in_place(tmp_path: Path) -> None:
    file, image = tmp_path / "a.json", tmp_path / "a.png"
    shape = '{"label": "cat", "points": [[3, 4], [20, 30]], "shape_type": "mask", "mask": "x"}'
    data = f'{{"shapes": [{shape}], "imagePath": "a.png"}}'.encode()
    page = Page(file=file, image=image, width=WIDTH, height=HEIGHT)
    (box,) = LabelMeFiles(tmp_path).read(data, page).boxes
    assert box is not None
    with pytest.raises(FormatError, match="outline"):
        LabelMeFiles(tmp_path).edited(data, page, Wanted(changed={0: replace(box, x2=25.0)}))


def test_an_annotation_without_any_element_gets_its_first_object(tmp_path: Path) -> None:
    page = Page(file=tmp_path / "a.xml", image=tmp_path / "a.png", width=WIDTH, height=HEIGHT)
    box = FileBox(name="cat", x1=1, y1=2, x2=30, y2=40)
    edited = VocFiles(tmp_path).edited(b'<annotation id="1"/>', page, Wanted(added=[box]))
    assert VocFiles(tmp_path).read(edited, page).boxes == (box,)
