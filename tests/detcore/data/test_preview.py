"""Training images as a training with the same settings would learn from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.data.preview import Preview, contact_sheet
from detcore.data.samples import split_samples
from detcore.images.tiles import Tiling
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.learning import Learning
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.training.data_figures import data_figures
from detcore.types import Box, ObjectClass, Status
from tests.columns import ground_truth

PLAIN = replace(Augmentation(), flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)
TILES = TrainConfig(learning=Learning(tiles="400", image_size=192, small_until=0.0), augmentation=PLAIN)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Grey, 700 × 400, with a box of 50 × 25 at the left and one of 50 × 80 at the right."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((400, 700, 3), 90, np.uint8))
    image = SnapshotImage(
        id=1, path=str(tmp_path / "a.png"), width=700, height=400, split="train", status=Status.UNSEEN
    )
    boxes = [
        Box(id=1, image_id=1, class_id=7, x1=10, y1=20, x2=60, y2=45),
        Box(id=2, image_id=1, class_id=7, x1=600, y1=20, x2=650, y2=100),
    ]
    classes = (ObjectClass(id=7, name="a", color="#000000"),)
    return Snapshot(classes=classes, images=(image,), ground_truth=ground_truth(boxes))


def test_the_tiles_that_a_training_would_cut_are_shown(snapshot: Snapshot) -> None:
    preview = Preview(snapshot)
    batch = preview.batch(TILES, number=0, count=2)
    # in common is the longest box, and 8 pixels as they are seen at 192 / 400: 80 + 16.7 + 1. Two tiles, at 0 and 300
    assert batch.tiling == Tiling(side=400, overlap=98)
    assert (batch.total, batch.tiles) == (1, 2)
    assert [item.size for item in batch.images] == [(192, 192), (192, 192)]
    boxes = sorted(item.boxes.round().tolist()[0] for item in batch.images)
    assert boxes == [[5, 10, 29, 22], [144, 10, 168, 48]]  # (600 - 300) × 0.48

    whole = preview.batch(replace(TILES, learning=Learning(tiles="off", image_size=192)), number=0, count=1)
    assert (whole.tiling, whole.tiles) == (None, 0)
    assert len(whole.images[0].boxes) == 2


def test_images_have_the_sizes_of_the_phases_in_turn(snapshot: Snapshot) -> None:
    """Of 320 pixels 65 % are 208, of which the nearest multiple of 32 is 192; 400 / 700 of them are 110, and 183."""
    config = TrainConfig(learning=Learning(tiles="off", image_size=320, small_until=0.3), augmentation=PLAIN)
    batch = Preview(snapshot).batch(config, number=0, count=4)
    assert [item.size for item in batch.images] == [(192, 128), (320, 192)] * 2
    widths = [float(item.boxes[0, 2] - item.boxes[0, 0]) for item in batch.images]
    assert widths == pytest.approx([50 * 192 / 700, 50 * 320 / 700] * 2, abs=0.5)
    full = replace(config, learning=replace(config.learning, small_until=0.0))
    assert {item.size for item in Preview(snapshot).batch(full, number=0, count=4).images} == {(320, 192)}


def test_with_many_sizes_each_image_has_one_of_its_own(snapshot: Snapshot) -> None:
    """Half as much or half as much again of 320 pixels, in steps of 32."""
    learning = Learning(tiles="off", image_size=320, small_until=0.0, multi_scale=0.5)
    batch = Preview(snapshot).batch(TrainConfig(learning=learning, augmentation=PLAIN), number=0, count=40)
    sides = {item.size[0] for item in batch.images}
    assert len(sides) > 6
    assert sides <= set(range(160, 481, 32))


def test_files_are_looked_into_once_for_the_batches_of_one_tiling(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of images with boxes the size is known."""
    empty = replace(snapshot.images[0], id=2, status=Status.VERIFIED)
    looked = list[Path]()

    def look(path: Path) -> tuple[int, int]:
        looked.append(path)
        return 700, 400

    monkeypatch.setattr("detcore.data.tiles.read_size", look)
    preview = Preview(replace(snapshot, images=(*snapshot.images, empty)))
    for number in range(3):
        preview.batch(TILES, number=number, count=2)
    assert len(looked) == 1
    preview.batch(replace(TILES, runtime=replace(TILES.runtime, seed=5)), number=0, count=2)
    assert len(looked) == 2
    larger = replace(TILES, learning=replace(TILES.learning, image_size=256))
    assert [item.size for item in preview.batch(larger, number=0, count=2).images] == [(256, 256)] * 2
    assert len(looked) == 3


def test_files_that_cannot_be_read_are_told_of_tiles_as_well(snapshot: Snapshot) -> None:
    Path(snapshot.images[0].path).unlink()
    batch = Preview(snapshot).batch(TILES, number=0, count=2)
    assert batch.images == ()
    assert len(batch.problems) == 1


def test_boxes_of_a_run_on_tiles_are_measured_in_tiles(snapshot: Snapshot) -> None:
    split = split_samples(snapshot, seed=0)
    whole = data_figures(split, snapshot, image_size=192)
    # 25 × 192 / 700 and 25 × 192 / 400
    assert (whole.small_boxes, whole.tile_side) == (1, 0)
    tiled = data_figures(split, snapshot, image_size=192, tiling=Tiling(side=400, overlap=98))
    assert (tiled.small_boxes, tiled.tile_side) == (0, 400)
    assert tiled.tenth_side == pytest.approx(13.2)  # of 12 and 24


RED, GREEN = (220, 20, 20), (0, 255, 0)
GAP = 8


@pytest.fixture
def red_object(tmp_path: Path) -> Snapshot:
    """A red rectangle on blue, in an image of 320 × 224."""
    pixels = np.full((224, 320, 3), (20, 20, 220), np.uint8)
    pixels[60:140, 90:200] = RED
    cv2.imwrite(str(tmp_path / "red.png"), pixels[:, :, ::-1])
    image = SnapshotImage(
        id=1, path=str(tmp_path / "red.png"), width=320, height=224, split="train", status=Status.UNSEEN
    )
    box = Box(id=1, image_id=1, class_id=7, x1=90, y1=60, x2=200, y2=140)
    classes = (ObjectClass(id=7, name="a", color="#00ff00"),)
    return Snapshot(classes=classes, images=(image,), ground_truth=ground_truth([box]))


def is_red(pixels: np.ndarray) -> np.ndarray:
    """Where red is the most: at a soft edge at least half of it."""
    return (pixels[..., 0] > 120) & (pixels[..., 1] < 90) & (pixels[..., 2] < 120)


def hull(places: np.ndarray) -> list[int]:
    ys, xs = np.nonzero(places)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"flip_horizontal": True, "flip_vertical": True},
        {"quarter_turns": True},
        {"rotation": 30.0},
        {"scale_jitter": 0.5},
        {"crop": 1.0},
        {"zoom_out": 1.0},
    ],
    ids=lambda change: "-".join(change) or "plain",
)
def test_the_boxes_of_the_preview_lie_on_the_pixels_of_the_object(
    red_object: Snapshot, change: dict[str, float]
) -> None:
    config = TrainConfig(
        learning=Learning(image_size=320, small_until=0.0),
        augmentation=replace(PLAIN, close_after=1.0, **change),
    )
    batch = Preview(red_object).batch(config, number=0, count=12)
    seen = [item for item in batch.images if len(item.boxes)]
    assert len(seen) >= 8
    for item in seen:
        np.testing.assert_allclose(item.boxes, [hull(is_red(item.image))], atol=1.0)
        # on the sheet the frame of the box, two pixels wide, is drawn on the edge of the object
        sheet = contact_sheet([item], ["#00ff00"], columns=1)
        tile = sheet[GAP : GAP + item.size[1], GAP : GAP + item.size[0]]
        np.testing.assert_allclose(hull((tile == GREEN).all(axis=2)), item.boxes[0], atol=2.0)


def test_in_a_mosaic_what_the_preview_has_in_a_box_is_the_object(red_object: Snapshot) -> None:
    config = TrainConfig(
        learning=Learning(image_size=320, small_until=0.0), augmentation=replace(PLAIN, mosaic=1.0)
    )
    images = Preview(red_object).batch(config, number=0, count=12).images
    boxes = 0
    for item in images:
        for x1, y1, x2, y2 in item.boxes.round().astype(int).tolist():
            assert is_red(item.image[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1]).all()
            boxes += 1
    assert boxes > 24
