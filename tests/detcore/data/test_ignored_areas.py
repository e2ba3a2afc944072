"""Areas to ignore are painted over for a detector that cannot leave them out of its losses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.data.augmentation.labelled import Labelled, paint_ignored
from detcore.data.batches import TrainBatch, TrainStream
from detcore.data.cache import ImageCache
from detcore.data.preview import Preview
from detcore.data.samples import split_samples
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.learning import Learning
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.training.distributed import Group
from detcore.training.run_data import RunData
from detcore.training.telling import Telling
from detcore.types import Box, ImageArray, ObjectClass, Status
from detcore.zoo.spec import InputRule
from tests.columns import ground_truth

GREY = [114, 114, 114]
EVERYTHING = Augmentation(
    flip_vertical=True, rotation=20.0, zoom_out=0.5, blur=0.5, jpeg=0.5, erase=0.5, mosaic=0.5, mixup=0.5
)
PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(rows, np.float32).reshape(-1, 4)


def item(
    *, labelled: tuple[tuple[float, float, float, float], ...], ignore: tuple[float, float, float, float]
) -> Labelled:
    """Of 12 × 8 pixels, each of its own colour."""
    image = np.arange(12 * 8 * 3, dtype=np.int64).reshape(8, 12, 3) % 100
    return Labelled(
        image=image.astype(np.uint8),
        boxes=boxes(*labelled),
        labels=np.zeros(len(labelled), np.int64),
        ignore=boxes(ignore),
    )


def test_all_pixels_that_an_area_touches_are_grey_but_for_those_that_a_box_touches() -> None:
    before = item(labelled=((5.5, 3, 9, 7),), ignore=(2, 1, 7.5, 4.25))
    kept = before.image.copy()
    after = paint_ignored(before)
    wanted = kept.copy()
    wanted[1:5, 2:8] = GREY  # rows 1 to 4, columns 2 to 7
    wanted[3:7, 5:9] = kept[3:7, 5:9]
    np.testing.assert_array_equal(after.image, wanted)
    assert np.count_nonzero((after.image == GREY).all(axis=2)) == 4 * 6 - 2 * 3
    np.testing.assert_array_equal(before.image, kept)  # which other draws share
    np.testing.assert_array_equal(after.boxes, before.boxes)
    np.testing.assert_array_equal(after.ignore, before.ignore)


def test_an_area_that_reaches_over_the_edge_is_grey_up_to_it() -> None:
    after = paint_ignored(item(labelled=(), ignore=(-3, 6, 20, 11)))
    assert (after.image[6:] == GREY).all()
    assert (after.image[:6] != GREY).any(axis=2).all()


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Six images of noise, of 96 × 64, each with a box and an area to ignore that overlap: a difficult box, and in every
    other image a crowd."""
    rng = np.random.default_rng(0)
    images: list[SnapshotImage] = []
    found: list[Box] = []
    for number in range(1, 7):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), rng.integers(0, 100, (64, 96, 3), np.uint8))
        images.append(
            SnapshotImage(
                id=number, path=str(path), width=96, height=64, split="train", status=Status.VERIFIED
            )
        )
        crowd = number % 2 == 0
        found += [
            Box(id=2 * number, image_id=number, class_id=7, x1=10, y1=8, x2=40, y2=40),
            Box(
                id=2 * number + 1,
                image_id=number,
                class_id=7,
                x1=30,
                y1=16,
                x2=80,
                y2=56,
                difficult=not crowd,
                crowd=crowd,
            ),
        ]
    classes = (ObjectClass(id=7, name="a", color="#000000"),)
    return Snapshot(classes=classes, images=tuple(images), ground_truth=ground_truth(found))


def config(detector: str, augmentation: Augmentation) -> TrainConfig:
    """Images of one size throughout."""
    learning = Learning(image_size=96, tiles="off", small_until=0.0)
    return TrainConfig(detector=detector, learning=learning, augmentation=augmentation)


def first_batch(snapshot: Snapshot, chosen: TrainConfig, *, rule: InputRule | None = None) -> TrainBatch:
    """Six images as a training gets them, in their own shape unless the ``rule`` stretches them."""
    data = RunData(snapshot, chosen, None, Telling(lambda _event: None, Group(), ()))
    cache = ImageCache(longer_side=96, rule=rule)
    stream = data.stream(data.split.train, cache, emphasis=Path("none.json"), group=Group())
    return next(stream.batches(start=0, batch_size=6, plan=lambda _number: chosen.augmentation))


def pictures(batch: TrainBatch) -> list[ImageArray]:
    return [image.permute(1, 2, 0).numpy() for image in batch.images]


def test_a_training_of_such_a_detector_sees_grey_there_and_its_boxes_as_they_are(snapshot: Snapshot) -> None:
    painted, seen = (
        pictures(first_batch(snapshot, config(name, PLAIN))) for name in ("ssdlite320", "reticle-n")
    )
    for image, whole in zip(painted, seen, strict=True):
        wanted = whole.copy()
        wanted[16:56, 30:80] = GREY
        wanted[8:40, 10:40] = whole[8:40, 10:40]
        np.testing.assert_array_equal(image, wanted)
        assert (whole[:64] != GREY).any(axis=2).all()  # below is the padding of the frame


@pytest.mark.parametrize("plan", [PLAIN, Augmentation(), EVERYTHING])
def test_a_detector_that_leaves_areas_out_of_its_losses_sees_all_of_the_image(
    snapshot: Snapshot, plan: Augmentation
) -> None:
    chosen = config("reticle-n", plan)
    stream = TrainStream(
        split_samples(snapshot, seed=chosen.runtime.seed).train,
        ImageCache(longer_side=96),
        seed=chosen.runtime.seed,
        problem=lambda error: pytest.fail(str(error)),
    )
    plain = next(stream.batches(start=0, batch_size=6, plan=lambda _number: plan))
    batch = first_batch(snapshot, chosen)
    assert batch.images.equal(plain.images)
    for ours, theirs in zip(batch.ignore, plain.ignore, strict=True):
        assert ours.equal(theirs)


@pytest.mark.parametrize("detector", ["ssdlite320", "reticle-n"])
@pytest.mark.parametrize("plan", [PLAIN, Augmentation(), EVERYTHING])
def test_the_preview_shows_what_a_training_gets(
    snapshot: Snapshot, detector: str, plan: Augmentation
) -> None:
    chosen = config(detector, plan)
    batch = Preview(snapshot).batch(chosen, number=0, count=6)
    assert batch.painted == (detector == "ssdlite320")
    learnt_from = first_batch(snapshot, chosen, rule=chosen.spec.input)
    for shown, learnt in zip(batch.images, pictures(learnt_from), strict=True):
        np.testing.assert_array_equal(shown.image, learnt)


def test_what_is_painted_over_is_plain_whatever_else_is_changed(snapshot: Snapshot) -> None:
    plan = replace(EVERYTHING, noise=1.0)
    for shown in Preview(snapshot).batch(config("ssdlite320", plan), number=0, count=6).images:
        ys, xs = np.mgrid[: shown.size[1], : shown.size[0]]
        hidden = np.zeros(ys.shape, np.bool_)
        for x1, y1, x2, y2 in shown.ignore:
            hidden |= (xs + 1 > x1) & (xs < x2) & (ys + 1 > y1) & (ys < y2)
        for x1, y1, x2, y2 in shown.boxes:
            hidden &= ~((xs + 1 > x1) & (xs < x2) & (ys + 1 > y1) & (ys < y2))
        assert (shown.image[hidden] == 114).all()
