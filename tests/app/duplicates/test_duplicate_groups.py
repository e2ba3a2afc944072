"""Groups of images that look the same are kept up with edits, at the price of what was edited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.duplicates.duplicate_groups import GroupsNow
from detcore.curation.duplicates import DuplicatePair, Duplicates
from detcore.project.edits import Edit, add_boxes, add_class, remove_images, set_split
from detcore.project.project import Project
from detcore.types import Box, Image

COUNT = 60
"""Images: 1 to 3 are one group, the others are pairs of neighbours from 4 and 5 on, the last one is alone."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    names = [f"{number:02}.jpg" for number in range(1, COUNT + 1)]
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=names) as project:
        project.edit(add_class, "thing")
        yield project


@pytest.fixture
def now(project: Project) -> GroupsNow:
    images = project.images()
    pairs = [pair(images[0], images[1], 0.99), pair(images[1], images[2], 0.96)]
    groups = [tuple(images[:3])]
    for place in range(3, COUNT - 1, 2):
        pairs.append(pair(images[place], images[place + 1], 0.95))
        groups.append((images[place], images[place + 1]))
    return GroupsNow(Duplicates(pairs=tuple(pairs), groups=tuple(groups), problems=(), images=COUNT), project)


def pair(first: Image, second: Image, correlation: float) -> DuplicatePair:
    return DuplicatePair(first=first, second=second, bits=0, correlation=correlation)


def boxes_on(project: Project, image_id: int, count: int = 1) -> Edit:
    box = Box(id=0, image_id=image_id, class_id=1, x1=1, y1=1, x2=9, y2=9)
    return add_boxes(project, [box] * count)


def shown(now: GroupsNow) -> list[list[str]]:
    return [[twin.text for twin in group.twins] for group in now.groups()]


@pytest.fixture
def asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Which images were asked for, and how many boxes of which image."""
    asked: list[list[int]] = []
    images, box_count = project.images, project.box_count

    def watched_images(ids: Sequence[int] | None = None) -> list[Image]:
        asked.append(list(ids or ()))
        return images(ids)

    def watched_count(image_id: int | None = None) -> int:
        asked.append([image_id or 0])
        return box_count(image_id)

    monkeypatch.setattr(project, "images", watched_images)
    monkeypatch.setattr(project, "box_count", watched_count)
    return asked


def test_all_boxes_are_counted_at_once(project: Project, now: GroupsNow, asked: list[list[int]]) -> None:
    project.edit(boxes_on, 2, count=4)
    assert shown(now)[0] == ["no split, 0 boxes", "no split, 4 boxes", "no split, 0 boxes"]
    assert len(now.groups()) == 1 + (COUNT - 4) // 2
    assert asked == [list(range(1, COUNT))]


def test_after_an_edit_of_a_box_its_image_alone_is_read(
    project: Project, now: GroupsNow, asked: list[list[int]]
) -> None:
    before = now.groups()
    asked.clear()
    assert now.follow(project.edit(boxes_on, 5))
    after = now.groups()
    assert [twin.text for twin in after[1].twins] == ["no split, 0 boxes", "no split, 1 box"]
    assert asked == [[5], [5]]
    assert all(one is other for one, other in zip(before[2:], after[2:], strict=True))
    asked.clear()
    assert now.groups() == after
    assert asked == []


def test_an_image_without_a_twin_is_of_no_concern(
    project: Project, now: GroupsNow, asked: list[list[int]]
) -> None:
    before = now.groups()
    asked.clear()
    assert not now.follow(project.edit(boxes_on, COUNT))
    assert now.groups() == before
    assert asked == []


def test_edits_that_nobody_looked_at_are_made_up_for_together(project: Project, now: GroupsNow) -> None:
    before = shown(now)
    now.follow(project.edit(set_split, {1: "train"}))
    now.follow(project.edit(remove_images, [3]))
    now.follow(project.edit(boxes_on, 2))
    group = now.groups()[0]
    assert [twin.text for twin in group.twins] == ["train, 0 boxes", "no split, 1 box"]
    assert group.likeness == (0.99, 0.99)
    for _ in range(3):
        changes = project.undo()
        assert changes is not None
        now.follow(changes)
    assert shown(now) == before
    assert now.groups()[0].likeness == (0.96, 0.99)


def test_of_three_that_hang_together_by_the_one_that_left_none_is_shown(
    project: Project, now: GroupsNow
) -> None:
    count = len(now.groups())
    now.follow(project.edit(remove_images, [2]))
    assert len(now.groups()) == count - 1
    changes = project.undo()
    assert changes is not None
    now.follow(changes)
    assert [twin.image.id for twin in now.groups()[0].twins] == [1, 2, 3]


def test_images_that_were_moved_are_looked_for_where_they_are_now(
    project: Project, now: GroupsNow, tmp_path: Path
) -> None:
    assert now.groups()[0].twins[0].path == tmp_path / "01.jpg"
    project.set_image_root(tmp_path / "elsewhere")
    assert now.groups()[0].twins[0].path == tmp_path / "elsewhere" / "01.jpg"
