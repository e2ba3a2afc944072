"""What a teacher has found becomes objects that are more or less sure; never in images that judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.curation.lesson import Lesson
from detcore.data.augmentation.augment import augment
from detcore.data.augmentation.labelled import Labelled, hide
from detcore.data.augmentation.mixing import cutmix, mixup, mosaic, paste
from detcore.data.cache import ImageCache
from detcore.data.samples import Sample, make_samples
from detcore.data.teaching import taught
from detcore.data.tiles import cut_samples
from detcore.errors import ConfigError
from detcore.images.tiles import Tiling
from detcore.jobs.config import TrainConfig
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.training.distributed import Group
from detcore.training.run_data import RunData
from detcore.training.telling import Telling
from detcore.types import Box, Detections, ObjectClass, Status
from tests.columns import ground_truth
from tests.detcore.data.test_augmentation import EVERYTHING, noisy

LABEL = (10.0, 10.0, 30.0, 30.0)
CROWD = (60.0, 60.0, 90.0, 90.0)
CLASSES = tuple(ObjectClass(id=number, name=f"{number}", color="#000000") for number in (7, 3))
FOUND: list[tuple[int, int, tuple[float, float, float, float], float]] = [
    (1, 7, (11.0, 10.0, 31.0, 30.0), 0.95),  # the label
    (1, 3, (40.0, 10.0, 60.0, 30.0), 0.4),
    (1, 7, (41.0, 10.0, 61.0, 30.0), 0.3),  # the same object, taken for another class
    (1, 7, (70.0, 70.0, 80.0, 80.0), 0.9),  # in the crowd
    (1, 7, (40.0, 60.0, 50.0, 70.0), 0.09),  # hardly believed by the teacher itself
    (1, 9, (10.0, 60.0, 30.0, 80.0), 0.9),  # of a class that the project does not have any more
    (2, 7, (10.0, 10.0, 30.0, 30.0), 0.8),
    (2, 3, (50.0, 50.0, 70.0, 70.0), 0.2),
    (4, 7, (10.0, 10.0, 30.0, 30.0), 0.8),
    (5, 7, (10.0, 10.0, 30.0, 30.0), 0.8),
]


def snapshot() -> Snapshot:
    """A labelled image, two without labels, one held out with labels and one without; one that the teacher did not see."""
    splits = ("train", "train", None, "val", "test", "train")
    images = tuple(
        SnapshotImage(id=n, path=f"{n}.png", width=96, height=96, split=split, status=Status.UNSEEN)
        for n, split in enumerate(splits, start=1)
    )
    boxes = [
        Box(
            id=row,
            image_id=image,
            class_id=7,
            x1=box[0],
            y1=box[1],
            x2=box[2],
            y2=box[3],
            crowd=box is CROWD,
        )
        for row, (image, box) in enumerate([(1, LABEL), (1, CROWD), (4, LABEL)], start=1)
    ]
    return Snapshot(classes=CLASSES, images=images, ground_truth=ground_truth(boxes))


def lesson() -> Lesson:
    image_ids, labels, boxes, scores = zip(*FOUND, strict=True)
    found = Detections(
        image_ids=np.array(image_ids), labels=np.array(labels), boxes=np.array(boxes), scores=np.array(scores)
    )
    return Lesson(detections=found, looked_at=np.array([1, 2, 3, 4, 5]))


def learnt(*, weighs: bool) -> dict[int, Sample]:
    frozen = snapshot()
    samples = taught(make_samples(frozen, frozen.training_images), frozen, lesson(), weighs=weighs)
    return {sample.image_id: sample for sample in samples}


def test_a_student_that_weighs_learns_what_the_teacher_adds_to_labels_and_finds_elsewhere_with_its_scores() -> (
    None
):
    samples = learnt(weighs=True)
    assert list(samples) == [1, 2, 3]  # those held out teach nothing, nor does what was not looked at
    labelled, bare, empty = samples.values()
    np.testing.assert_array_equal(labelled.boxes, [LABEL, FOUND[1][2]])
    assert labelled.labels.tolist() == [0, 1]
    np.testing.assert_allclose(labelled.scores, [1.0, 0.4])
    np.testing.assert_array_equal(labelled.ignore, [CROWD])
    np.testing.assert_array_equal(bare.boxes, [FOUND[6][2], FOUND[7][2]])
    assert bare.labels.tolist() == [0, 1]
    np.testing.assert_allclose(bare.scores, [0.8, 0.2])
    assert (bare.path, bare.frame, len(empty.boxes)) == ("2.png", (96, 96), 0)


def test_to_a_student_that_cannot_weigh_what_is_sure_is_a_label_and_what_is_not_counts_for_nothing() -> None:
    labelled, bare, empty = learnt(weighs=False).values()
    np.testing.assert_array_equal(labelled.boxes, [LABEL])
    np.testing.assert_array_equal(bare.boxes, [FOUND[6][2]])
    np.testing.assert_array_equal(bare.scores, [1.0])
    np.testing.assert_array_equal(bare.ignore, [FOUND[7][2]])
    assert len(empty.boxes) == 0


def test_images_that_are_held_out_for_want_of_a_validation_split_are_not_taught_on() -> None:
    frozen = snapshot()
    images = tuple(
        SnapshotImage(id=n, path=f"{n}.png", width=96, height=96, split=None, status=Status.UNSEEN)
        for n in range(1, 21)
    )
    boxes = [Box(id=n, image_id=n, class_id=7, x1=10, y1=10, x2=30, y2=30) for n in range(1, 13)]
    frozen = Snapshot(classes=CLASSES, images=images, ground_truth=ground_truth(boxes))
    everywhere = Lesson(
        detections=Detections(
            image_ids=np.arange(1, 21),
            labels=np.full(20, 3),
            boxes=np.tile([50.0, 50.0, 70.0, 70.0], (20, 1)),
            scores=np.full(20, 0.7),
        ),
        looked_at=np.arange(1, 21),
    )
    telling = Telling(lambda _event: None, Group(), ())
    data = RunData(frozen, TrainConfig(), None, telling, lesson=everywhere)
    judged = {sample.image_id for sample in data.split.val}
    assert judged
    assert {sample.image_id for sample in data.learnt} == set(range(1, 21)) - judged
    assert all(sample.scores[-1] == np.float32(0.7) for sample in data.learnt)
    assert all((sample.scores == 1).all() for sample in data.split.val)


def scored(seed: int) -> Labelled:
    """Objects whose score tells their class."""
    item = noisy(seed, boxes=5)
    return Labelled(
        image=item.image,
        boxes=item.boxes,
        labels=item.labels,
        ignore=item.ignore,
        scores=(item.labels / 8).astype(np.float32),
    )


def test_scores_stay_with_their_objects_whatever_is_done_to_an_image() -> None:
    left = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        item, other = scored(seed), scored(seed + 1)
        done = [
            augment(item, EVERYTHING, rng, width=96, height=96),
            mosaic((item, other, item, other), EVERYTHING, rng),
            mixup(item, other, rng),
            cutmix(item, other, rng),
            paste(item, other, 0, rng, mirrored=True),
            hide(item, (0.0, 0.0, 50.0, 40.0)),
        ]
        for one in done:
            np.testing.assert_array_equal(one.scores, one.labels / 8)
            left += len(one.scores)
    assert left > 100


def test_an_object_in_a_tile_is_as_sure_as_in_its_image(tmp_path: Path) -> None:
    whole = Sample(
        image_id=1,
        path=str(tmp_path / "a.png"),
        boxes=np.array([[10, 10, 30, 30], [210, 10, 230, 30]], np.float32),
        labels=np.array([0, 1]),
        ignore=np.zeros((0, 4), np.float32),
        frame=(256, 128),
        scores=np.array([0.25, 0.5], np.float32),
    )
    cache = ImageCache(longer_side=128, tiling=Tiling(side=128, overlap=16))
    tiles = cut_samples([whole], cache, problem=lambda error: pytest.fail(str(error)))
    assert len(tiles) > 1
    for row in range(len(tiles)):
        np.testing.assert_array_equal(tiles[row].scores, (tiles[row].labels + 1) / 4)


def test_a_lesson_is_read_as_it_was_written_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lesson.npz"
    lesson().save(path)
    again = Lesson.load(path)
    np.testing.assert_array_equal(again.detections.scores, lesson().detections.scores)
    np.testing.assert_array_equal(again.looked_at, [1, 2, 3, 4, 5])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ConfigError, match="what the run is taught cannot be read"):
        Lesson.load(path)


def test_a_score_for_each_object_or_none_at_all() -> None:
    with pytest.raises(ValueError, match="1 score for 2 objects"):
        Sample(
            image_id=1,
            path="",
            boxes=np.zeros((2, 4), np.float32),
            labels=np.zeros(2, np.int64),
            ignore=np.zeros((0, 4), np.float32),
            scores=np.ones(1, np.float32),
        )
