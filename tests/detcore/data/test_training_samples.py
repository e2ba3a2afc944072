"""From a snapshot to samples and splits."""

from __future__ import annotations

import numpy as np
import pytest

from detcore.data.samples import Split, class_ids, make_samples, split_samples, why_low_figure, why_no_figure
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.types import Box, ObjectClass, Status
from tests.columns import ground_truth


def image(number: int, split: str | None = "train", status: Status = Status.UNSEEN) -> SnapshotImage:
    return SnapshotImage(id=number, path=f"/x/{number}.png", width=9, height=9, split=split, status=status)


def box(number: int, image_id: int, class_id: int = 7, **flags: bool) -> Box:
    return Box(id=number, image_id=image_id, class_id=class_id, x1=1, y1=2, x2=3 + number, y2=6, **flags)


def snapshot(images: list[SnapshotImage], boxes: list[Box]) -> Snapshot:
    classes = (ObjectClass(id=9, name="b", color="#000000"), ObjectClass(id=7, name="a", color="#000000"))
    return Snapshot(classes=classes, images=tuple(images), ground_truth=ground_truth(boxes))


def test_labels_are_rows_of_the_class_list_and_boxes_stay_with_their_image() -> None:
    shot = snapshot([image(5), image(2)], [box(1, 2), box(2, 5, 9), box(3, 2, 9)])
    first, second = make_samples(shot, shot.images)
    assert class_ids(shot).tolist() == [9, 7]
    assert (first.image_id, first.labels.tolist(), first.boxes.tolist()) == (5, [0], [[1, 2, 5, 6]])
    assert (second.image_id, second.labels.tolist()) == (2, [1, 0])
    assert second.boxes.tolist() == [[1, 2, 4, 6], [1, 2, 6, 6]]


def test_crowds_and_difficult_objects_are_neither_object_nor_background() -> None:
    shot = snapshot([image(1)], [box(1, 1), box(2, 1, crowd=True), box(3, 1, difficult=True)])
    (sample,) = make_samples(shot, shot.images)
    assert len(sample.labels) == 1
    assert sample.ignore.tolist() == [[1, 2, 5, 6], [1, 2, 6, 6]]


def test_boxes_without_area_or_of_unknown_class_are_dropped() -> None:
    flat = Box(id=1, image_id=1, class_id=7, x1=1, y1=1, x2=1, y2=5)
    shot = snapshot([image(1)], [flat, box(2, 1, class_id=8)])
    (sample,) = make_samples(shot, shot.images)
    assert sample.boxes.shape == (0, 4)
    assert sample.labels.shape == (0,)


def test_unverified_images_without_boxes_are_not_learnt_from_and_verified_ones_are() -> None:
    shot = snapshot(
        [image(1), image(2), image(3, status=Status.VERIFIED), image(4, "val")], [box(1, 1), box(2, 4)]
    )
    split = split_samples(shot, seed=0)
    assert [sample.image_id for sample in split.train] == [1, 3]
    assert [sample.image_id for sample in split.val] == [4]
    assert split.note == ""


def test_images_without_a_split_are_trained_on_and_test_images_are_not() -> None:
    images = [image(1, None), image(2, "test"), image(3, "val")]
    split = split_samples(snapshot(images, [box(1, 1), box(2, 2), box(3, 3)]), seed=0)
    assert [sample.image_id for sample in split.train] == [1]


def test_without_a_validation_split_a_seeded_tenth_is_held_out_and_said() -> None:
    images = [image(number) for number in range(1, 31)]
    shot = snapshot(images, [box(number, number) for number in range(1, 31)])
    one, again, other = (split_samples(shot, seed=seed) for seed in (0, 0, 1))
    held = [sample.image_id for sample in one.val]
    assert len(held) == 3
    assert len(one.train) == 27
    assert not set(held) & {sample.image_id for sample in one.train}
    assert held == [sample.image_id for sample in again.val]
    assert held != [sample.image_id for sample in other.val]
    assert "3 of 30" in one.note


def test_one_image_is_judged_by_itself() -> None:
    split = split_samples(snapshot([image(1)], [box(1, 1)]), seed=0)
    assert [sample.image_id for sample in split.train] == [1]
    assert [sample.image_id for sample in split.val] == [1]
    assert "judged by themselves" in split.note


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("images", "boxed"), [(2, 1), (10, 1), (32, 2), (10, 4), (10, 10)])
def test_no_class_loses_its_last_training_image_to_the_hold_out(seed: int, images: int, boxed: int) -> None:
    shot = snapshot(
        [image(number, status=Status.VERIFIED) for number in range(1, images + 1)],
        [box(number, number, 9 if number == 1 else 7) for number in range(1, boxed + 1)],
    )
    split = split_samples(shot, seed=seed)
    learnt = {int(label) for sample in split.train for label in sample.labels}
    assert learnt == ({0} if boxed == 1 else {0, 1})
    judged = [sample for sample in split.val if len(sample.labels)]
    assert judged
    if boxed <= 2:  # one image of each class, and none of them can be spared
        assert split.val == split.train
        assert "too few boxes to hold any out" in split.note
    else:
        assert len(split.train) == images - 1
        assert [sample.labels.tolist() for sample in split.val] == [[1]]


def test_of_few_images_with_boxes_some_are_held_out_and_some_are_not() -> None:
    shot = snapshot(
        [image(number, status=Status.VERIFIED) for number in range(1, 33)], [box(1, 1), box(2, 2)]
    )
    for seed in range(12):
        split = split_samples(shot, seed=seed)
        assert [len(split.train), len(split.val)] == [29, 3]
        assert sum(bool(len(sample.labels)) for sample in split.train) == 1
        assert sum(bool(len(sample.labels)) for sample in split.val) == 1


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        ([box(1, 1), box(2, 2)], ""),
        ([box(1, 1, 9), box(2, 1), box(3, 2)], ""),
        ([box(1, 1)], "none of the validation images has a box that counts"),
        ([box(1, 1), box(2, 2, difficult=True)], "none of the validation images has a box that counts"),
        ([box(1, 1), box(2, 2, 9)], "have boxes of b only, of which there is none to learn from"),
    ],
)
def test_why_the_validation_images_can_give_no_figure(boxes: list[Box], reason: str) -> None:
    images = [image(1), image(2, "val", Status.VERIFIED)]
    found = why_no_figure(split_samples(snapshot(images, boxes), seed=0), ["b", "a"])
    assert found == reason if not reason else reason in found


def test_without_labelled_validation_images_there_is_no_figure() -> None:
    assert "no labelled validation images" in why_no_figure(Split(train=(), val=()), [])


def test_sample_columns_have_the_kinds_that_tensors_need() -> None:
    shot = snapshot([image(1)], [box(1, 1)])
    (sample,) = make_samples(shot, shot.images)
    assert (sample.boxes.dtype, sample.labels.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize(
    ("difficult", "objects", "ignored"), [("ignore", 1, 2), ("learn", 2, 1), ("drop", 1, 1)]
)
def test_difficult_boxes_are_ignored_learnt_or_dropped_and_crowds_always_ignored(
    difficult: str, objects: int, ignored: int
) -> None:
    shot = snapshot([image(1)], [box(1, 1), box(2, 1, crowd=True), box(3, 1, difficult=True)])
    (sample,) = make_samples(shot, shot.images, difficult=difficult)
    assert (len(sample.labels), len(sample.boxes), len(sample.ignore)) == (objects, objects, ignored)


@pytest.mark.parametrize("split", ["val", "train"])
def test_difficult_boxes_that_are_learnt_never_count_in_judging(split: str) -> None:
    images = [image(number, split if number > 20 else "train") for number in range(1, 31)]
    boxes = [box(number, number) for number in range(1, 31)]
    boxes += [box(100 + number, number, difficult=True) for number in range(1, 31)]
    found = split_samples(snapshot(images, boxes), seed=0, difficult="learn")
    assert {len(sample.labels) for sample in found.train} == {2}
    assert {len(sample.labels) for sample in found.val} == {1}
    assert {len(sample.ignore) for sample in found.val} == {1}


def test_images_with_more_than_100_objects_of_a_class_are_said_to_be_beyond_figures() -> None:
    """100 of a class are not too many, nor 101 of two."""
    images = [image(number, "val") for number in (1, 2, 3)]
    boxes = [box(number, 1) for number in range(100)]
    boxes += [box(100 + number, 2, 7 if number < 51 else 9) for number in range(101)]
    judged = make_samples(snapshot(images, boxes), images)
    assert why_low_figure(judged) == ""
    boxes += [box(201 + number, 3) for number in range(101)]
    judged = make_samples(snapshot(images, boxes), images)
    assert why_low_figure(judged).startswith("1 image to judge by has more than 100 objects of one class.")
