"""Every random change leaves boxes on their pixels; what is drawn by default is what it always was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from detcore.data.augmentation.augment import augment
from detcore.data.augmentation.geometry import Pose, crop_window, place, warp
from detcore.data.augmentation.labelled import Labelled, clip, crop, hide, uncover
from detcore.data.augmentation.mixing import cutmix, mixup, mosaic, paste
from detcore.data.augmentation.pixels import add_noise, blur, compress, erase, shift_hsv
from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.draws import Draws
from detcore.data.samples import Sample
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import ImageArray
from tests.detcore.data import first_augmentation as first

PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)
BOX = (10, 8, 30, 40)
EVERYTHING = Augmentation(
    flip_vertical=True,
    quarter_turns=True,
    rotation=20.0,
    crop=0.5,
    zoom_out=0.5,
    hue=0.1,
    saturation=0.5,
    brightness=0.4,
    blur=0.5,
    noise=0.5,
    jpeg=0.5,
    erase=0.5,
    mosaic=0.5,
    mixup=0.5,
    cutmix=0.5,
    copy_paste=0.5,
)


def labelled(
    width: int = 64, height: int = 48, box: tuple[int, int, int, int] = BOX, *, label: int = 0
) -> Labelled:
    """Black, with a white rectangle in its box, which is an area to ignore as well."""
    image = np.zeros((height, width, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    boxes = np.array([box], np.float32)
    return Labelled(image=image, boxes=boxes, labels=np.array([label], np.int64), ignore=boxes.copy())


def seen(image: ImageArray, level: int = 127) -> list[int]:
    """Edges of what is white."""
    ys, xs = np.nonzero(image.min(axis=2) > level)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def noisy(seed: int, width: int = 96, height: int = 64, boxes: int = 3) -> Labelled:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, (width - 30, height - 30), (boxes, 2))
    found = np.concatenate([corners, corners + rng.uniform(6, 30, (boxes, 2))], axis=1).astype(np.float32)
    return Labelled(
        image=rng.integers(0, 256, (height, width, 3), np.uint8),
        boxes=found,
        labels=rng.integers(0, 4, boxes),
        ignore=found[:1],
    )


def assert_same(one: Labelled, other: Labelled) -> None:
    for name in ("image", "boxes", "labels", "ignore"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


@pytest.mark.parametrize(
    "plan",
    [
        Augmentation(),
        Augmentation(flip_horizontal=False, flip_vertical=True),
        Augmentation(scale_jitter=0.0),
        Augmentation(flip_vertical=True, colour_jitter=False),
        PLAIN,
    ],
)
def test_what_there_was_at_first_is_drawn_to_the_bit_as_it_was(plan: Augmentation) -> None:
    for seed in range(40):
        item = noisy(seed, *((96, 64), (61, 80), (64, 64))[seed % 3])
        now = augment(item, plan, np.random.default_rng(seed), width=96, height=96)
        then = first.augment(item, plan, np.random.default_rng(seed), width=96, height=96)
        assert_same(now, then)
        four = (item, noisy(seed + 1), noisy(seed + 2), noisy(seed + 3))
        assert_same(
            mosaic(four, plan, np.random.default_rng(seed)),
            first.mosaic(four, plan, np.random.default_rng(seed)),
        )


def written(folder: Path, items: list[Labelled]) -> list[Sample]:
    samples: list[Sample] = []
    for number, item in enumerate(items):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), item.image[..., ::-1])
        samples.append(
            Sample(image_id=number, path=str(path), boxes=item.boxes, labels=item.labels, ignore=item.ignore)
        )
    return samples


def draws(samples: list[Sample], seed: int = 3, side: int = 96) -> Draws:
    return Draws(
        samples, ImageCache(longer_side=side), seed=seed, problem=lambda error: pytest.fail(str(error))
    )


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_stream_by_default_is_the_one_that_it_was(tmp_path: Path, share: float) -> None:
    items = [noisy(number) for number in range(5)]
    found, plan = draws(written(tmp_path, items)), Augmentation(mosaic=share)
    for number in range(20):
        # as TrainStream._item of then
        rounds, row = divmod(number, 5)
        item = items[int(np.random.default_rng([3, 1, rounds]).permutation(5)[row])]
        rng = np.random.default_rng([3, 2, number])
        if plan.mosaic and rng.random() < plan.mosaic:
            others = (items[int(other)] for other in rng.integers(5, size=3))
            item = first.mosaic((item, *others), plan, rng)
        drawn = found.item(number, plan)
        assert drawn is not None
        assert_same(drawn.labelled, first.augment(item, plan, rng, width=96, height=64))


def test_with_everything_on_an_image_follows_from_seed_and_number_alone(tmp_path: Path) -> None:
    samples = written(tmp_path, [noisy(number) for number in range(5)])
    once, again = draws(samples), draws(samples)
    whole = [once.item(number, EVERYTHING) for number in range(12)]
    for number in (11, 3, 7):
        here, there = whole[number], again.item(number, EVERYTHING)
        assert here is not None
        assert there is not None
        assert_same(here.labelled, there.labelled)
    other = draws(samples, seed=4).item(3, EVERYTHING)
    assert other is not None
    assert whole[3] is not None
    assert not np.array_equal(other.labelled.image, whole[3].labelled.image)


def test_everything_at_once_gives_batches_that_fit_together(tmp_path: Path) -> None:
    samples = written(tmp_path, [noisy(number) for number in range(5)])
    stream = TrainStream(
        samples, ImageCache(longer_side=96), seed=0, problem=lambda error: pytest.fail(str(error))
    )
    batches = stream.batches(start=0, batch_size=4, plan=lambda _number: EVERYTHING, threads=2)
    for batch in islice(batches, 6):
        assert batch.images.dtype == torch.uint8
        for boxes, labels in zip(batch.boxes, batch.labels, strict=True):
            assert len(boxes) == len(labels)
            assert boxes.dtype == torch.float32
            assert labels.dtype == torch.int64
            assert (boxes[:, 2:] > boxes[:, :2]).all()
            assert (boxes >= 0).all()
            assert (boxes <= torch.tensor([96, 64, 96, 64])).all()
    batches.close()


def test_a_change_that_is_switched_on_leaves_the_others_as_they_were() -> None:
    item = noisy(1)
    more = Augmentation(brightness=0.4, blur=1.0, noise=1.0, jpeg=1.0)
    before = augment(item, Augmentation(), np.random.default_rng(5), width=96, height=64)
    after = augment(item, more, np.random.default_rng(5), width=96, height=64)
    np.testing.assert_array_equal(before.boxes, after.boxes)
    assert not np.array_equal(before.image, after.image)


# geometry


@pytest.mark.parametrize(
    ("pose", "box"),
    [
        # by hand: of a frame 64 × 48 the box 10, 8, 30, 40
        (Pose(flip_x=True), [34, 8, 54, 40]),
        (Pose(flip_y=True), [10, 8, 30, 40]),
        (Pose(quarters=1), [8, 10, 40, 30]),
        (Pose(quarters=2), [34, 8, 54, 40]),
        (Pose(quarters=3), [8, 34, 40, 54]),
        (Pose(zoom=2.0), [20, 16, 60, 80]),
        (Pose(flip_x=True, quarters=1), [8, 34, 40, 54]),
    ],
)
def test_exact_turns_put_boxes_and_pixels_where_hand_arithmetic_does(pose: Pose, box: list[int]) -> None:
    item = labelled()
    size = (int(64 * pose.zoom), int(48 * pose.zoom))
    frame = size if pose.quarters % 2 == 0 else size[::-1]
    out = warp(item, place(pose, size=(64, 48), frame=frame, at=None), width=frame[0], height=frame[1])
    assert out.boxes.tolist() == out.ignore.tolist() == [pytest.approx(box, abs=1e-4)]
    assert seen(out.image) == box


def test_flips_and_quarter_turns_copy_pixels_as_numpy_does() -> None:
    item = noisy(2, 64, 48)
    for quarters in range(4):
        pose = Pose(quarters=quarters)
        frame = (64, 48) if quarters % 2 == 0 else (48, 64)
        out = warp(item, place(pose, size=(64, 48), frame=frame, at=None), width=frame[0], height=frame[1])
        np.testing.assert_array_equal(out.image, np.rot90(item.image, -quarters))


@pytest.mark.parametrize("degrees", [-30.0, -7.5, 3.0, 15.0, 45.0])
def test_a_small_turn_puts_boxes_where_torchvision_does(degrees: float) -> None:
    item = labelled(200, 160, (60, 50, 130, 90))
    matrix = place(Pose(degrees=degrees), size=(200, 160), frame=(200, 160), at=None)
    out = warp(item, matrix, width=200, height=160)
    boxes = tv_tensors.BoundingBoxes(
        torch.from_numpy(item.boxes), format=tv_tensors.BoundingBoxFormat.XYXY, canvas_size=(160, 200)
    )
    # torchvision turns against the clock and about the middle
    wanted = functional.rotate_bounding_boxes(
        boxes.as_subclass(torch.Tensor), format=boxes.format, canvas_size=(160, 200), angle=-degrees
    )[0]
    np.testing.assert_allclose(out.boxes, wanted, atol=1e-3)
    np.testing.assert_allclose(out.ignore, wanted, atol=1e-3)
    # the hull of what is white, whose corners are a point each
    np.testing.assert_allclose(seen(out.image), out.boxes[0], atol=1.5)


def test_a_turn_is_about_the_middle_and_a_box_becomes_the_upright_one_about_its_corners() -> None:
    item = labelled(100, 100, (40, 40, 60, 60))
    out = warp(
        item, place(Pose(degrees=45.0), size=(100, 100), frame=(100, 100), at=None), width=100, height=100
    )
    half = 10 * 2**0.5
    assert out.boxes.tolist() == [pytest.approx([50 - half, 50 - half, 50 + half, 50 + half], abs=1e-3)]


@pytest.mark.parametrize("seed", range(25))
def test_boxes_stay_on_their_pixels_whatever_moves_them(seed: int) -> None:
    plan = replace(
        PLAIN,
        flip_horizontal=True,
        flip_vertical=True,
        quarter_turns=True,
        scale_jitter=0.5,
        crop=0.7,
        zoom_out=0.3,
    )
    item = labelled(160, 120, (50, 30, 110, 80))
    out = augment(item, plan, np.random.default_rng(seed), width=160, height=128)
    assert out.image.shape == (128, 160, 3)
    if len(out.boxes):
        np.testing.assert_allclose(out.boxes[0], seen(out.image, 170), atol=1.01)  # grey around is 114
        np.testing.assert_array_equal(out.boxes, out.ignore)


def test_an_image_on_its_side_is_wholly_seen() -> None:
    plan = replace(PLAIN, quarter_turns=True)
    item = labelled(64, 32, (0, 0, 64, 32))
    sides = {
        tuple(augment(item, plan, np.random.default_rng(seed), width=64, height=32).boxes[0].tolist())
        for seed in range(12)
    }
    # upright 64 × 32, on its side 32 / 64 of that: 16 × 32
    assert sides == {(0, 0, 64, 32), (0, 0, 16, 32)}


def test_zooming_out_makes_boxes_up_to_four_times_smaller_and_smooths_before() -> None:
    plan = replace(PLAIN, zoom_out=1.0)
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    box = np.array([[0, 0, 128, 128]], np.float32)
    item = Labelled(image=stripes, boxes=box, labels=np.zeros(1, np.int64), ignore=box[:0])
    widths: list[float] = []
    for seed in range(60):
        out = augment(item, plan, np.random.default_rng(seed), width=128, height=128)
        x1, y1, x2, y2 = out.boxes[0].tolist()
        widths.append(x2 - x1)
        assert x2 - x1 == pytest.approx(y2 - y1, abs=1e-3)
        if x2 - x1 < 128 / 3:
            inside = out.image[int(y1) + 4 : int(y2) - 4, int(x1) + 4 : int(x2) - 4]
            assert np.ptp(inside.mean(axis=2)) < 90  # aliased stripes go from 0 to 255
    assert 32 <= min(widths) < 36
    assert max(widths) <= 128


@given(seed=st.integers(0, 10_000))
def test_a_window_meets_the_rules_of_ssd(seed: int) -> None:
    item = noisy(seed % 50, 96, 64, boxes=seed % 4)
    window = crop_window(item, np.random.default_rng(seed))
    x1, y1, x2, y2 = window
    assert 0 <= x1 < x2 <= 96
    assert 0 <= y1 < y2 <= 64
    assert x2 - x1 >= int(0.3 * 96)
    assert y2 - y1 >= int(0.3 * 64)
    assert 0.5 <= (x2 - x1) / (y2 - y1) <= 2.0
    if len(item.boxes):
        assert len(crop(item, window).boxes)


def test_a_cut_keeps_boxes_of_which_a_quarter_is_inside() -> None:
    item = labelled(64, 48, (10, 8, 30, 40))
    # 20 wide: of it 5 are a quarter
    assert crop(item, (25, 0, 64, 48)).boxes.tolist() == [[0, 8, 5, 40]]
    assert not len(crop(item, (26, 0, 64, 48)).boxes)
    cut = crop(item, (12, 10, 64, 48))
    assert cut.boxes.tolist() == cut.ignore.tolist() == [[0, 0, 18, 30]]
    assert seen(cut.image) == [0, 0, 18, 30]


def test_of_an_area_to_ignore_the_smallest_part_stays() -> None:
    """What little is seen of a difficult object is no background either."""
    item = labelled(100, 40, (0, 0, 40, 40))
    cut = crop(item, (39, 0, 100, 40))
    assert cut.boxes.tolist() == []
    assert cut.ignore.tolist() == [[0, 0, 1, 40]]
    assert crop(item, (40, 0, 100, 40)).ignore.tolist() == []
    hidden = hide(item, (0, 0, 39, 40))
    assert hidden.boxes.tolist() == []
    assert hidden.ignore.tolist() == [[39, 0, 40, 40]]
    assert hide(item, (0, 0, 40, 40)).ignore.tolist() == []


def test_cuts_agree_with_torchvision() -> None:
    item = noisy(4)
    boxes = tv_tensors.BoundingBoxes(
        torch.from_numpy(item.boxes), format=tv_tensors.BoundingBoxFormat.XYXY, canvas_size=(64, 96)
    )
    wanted = v2.functional.crop(boxes, top=5, left=11, height=40, width=60)
    kept, rows = clip(item.boxes, (11, 5, 71, 45))
    np.testing.assert_allclose(
        kept - np.array([11, 5, 11, 5], np.float32), v2.ClampBoundingBoxes()(wanted)[rows], atol=1e-4
    )


# what hides


@pytest.mark.parametrize(
    ("area", "left"),
    [
        ((0, 0, 20, 48), [[20, 8, 30, 40]]),  # the left half, from top to bottom
        ((20, 0, 64, 48), [[10, 8, 20, 40]]),
        ((0, 0, 64, 24), [[10, 24, 30, 40]]),
        ((0, 16, 64, 48), [[10, 8, 30, 16]]),
        ((0, 0, 20, 20), [[10, 8, 30, 40]]),  # a corner: it still reaches as far
        ((15, 0, 25, 48), [[10, 8, 30, 40]]),  # a stripe through its middle
        ((0, 0, 26, 48), []),  # 4 of 20 are less than a quarter
        ((0, 0, 64, 48), []),
        ((31, 0, 64, 48), [[10, 8, 30, 40]]),
        ((0, 41, 64, 48), [[10, 8, 30, 40]]),
    ],
)
def test_what_is_left_of_a_box_that_is_partly_hidden(area: tuple[int, ...], left: list[list[int]]) -> None:
    x1, y1, x2, y2 = area
    assert uncover(np.array([BOX], np.float32), (x1, y1, x2, y2))[0].tolist() == left


@pytest.mark.parametrize("seed", range(20))
def test_an_erased_part_is_gone_from_pixels_and_boxes(seed: int) -> None:
    item = replace(labelled(), image=np.full((48, 64, 3), 7, np.uint8))
    out = erase(item, np.random.default_rng(seed))
    changed = (out.image != 7).any(axis=2)
    assert 0.01 < changed.mean() < 0.45  # 2 to 40 %, in whole pixels
    x1, y1, x2, y2 = BOX
    hidden = changed[y1:y2, x1:x2].mean()
    if abs(hidden - 0.75) > 0.02:
        assert len(out.boxes) == (hidden < 0.75)
    if len(out.boxes):
        ys, xs = np.nonzero(~changed[y1:y2, x1:x2])
        edges = [x1 + xs.min(), y1 + ys.min(), x1 + xs.max() + 1, y1 + ys.max() + 1]
        np.testing.assert_allclose(out.boxes[0], edges, atol=1)  # a random pixel may be a 7


# pixels


def test_hsv_by_hand() -> None:
    red = np.full((2, 2, 3), (200, 0, 0), np.uint8)
    assert shift_hsv(red, hue=1 / 3, saturation=0, value=0)[0, 0].tolist() == [0, 200, 0]
    assert shift_hsv(red, hue=-1 / 3, saturation=0, value=0)[0, 0].tolist() == [0, 0, 200]
    assert shift_hsv(red, hue=0, saturation=-1, value=0)[0, 0].tolist() == [200, 200, 200]
    assert shift_hsv(red, hue=0, saturation=0, value=-0.5)[0, 0].tolist() == [100, 0, 0]
    assert shift_hsv(red, hue=0, saturation=0.5, value=0.5)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("change", [blur, add_noise, compress])
def test_changes_of_pixels_are_small_and_keep_the_shape(
    change: Callable[[ImageArray, np.random.Generator], ImageArray],
) -> None:
    image = cv2.GaussianBlur(noisy(0).image, (0, 0), 3).astype(np.uint8)
    out = change(image, np.random.default_rng(1))
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    difference = np.abs(out.astype(int) - image)
    assert 0 < difference.mean() < 20


def test_noise_has_the_spread_that_is_drawn() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    spreads = [float(add_noise(grey, np.random.default_rng(seed)).std()) for seed in range(20)]
    assert 3 <= min(spreads) < 8
    assert 14 < max(spreads) <= 20.5


def test_a_blur_is_opencvs_gaussian_of_half_a_pixel_to_two() -> None:
    edge = np.zeros((9, 40, 3), np.uint8)
    edge[:, 20:] = 255
    sigmas = np.linspace(0.3, 2.2, 191)  # steps of a hundredth of a pixel
    known = np.stack([cv2.GaussianBlur(edge, (0, 0), sigma)[4, :, 0] for sigma in sigmas]).astype(int)
    found: list[float] = []
    for seed in range(60):
        row = blur(edge, np.random.default_rng(seed))[4, :, 0]
        apart = np.abs(known - row).max(axis=1)
        assert apart.min() <= 1  # level of 255
        found.append(sigmas[apart.argmin()])
    assert 0.49 <= min(found) < 0.6
    assert 1.9 < max(found) <= 2.01


def test_jpeg_is_that_of_opencv_at_a_quality_of_20_to_80() -> None:
    image = noisy(3).image
    known: dict[bytes, int] = {}
    for quality in range(1, 101):
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        known[cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].tobytes()] = quality
    assert len(known) == 100  # each quality leaves something else
    found = [known[compress(image, np.random.default_rng(seed)).tobytes()] for seed in range(200)]
    assert (min(found), max(found)) == (20, 80)


@pytest.mark.parametrize("kind", ["blur", "noise", "jpeg", "erase"])
def test_as_large_a_share_of_images_is_spoilt_as_is_set(kind: str) -> None:
    item = noisy(1, 32, 32)

    def spoilt(share: float, *, images: int) -> int:
        plan = replace(PLAIN, **{kind: share})
        rngs = (np.random.default_rng(seed) for seed in range(images))
        drawn = (augment(item, plan, rng, width=32, height=32) for rng in rngs)
        return sum(not np.array_equal(one.image, item.image) for one in drawn)

    assert spoilt(0.0, images=20) == 0
    assert 32 <= spoilt(0.25, images=200) <= 68  # 50, and three times √(200 · 0.25 · 0.75), which is 6.1
    assert spoilt(1.0, images=20) == 20


def test_jpeg_keeps_red_red() -> None:
    red = np.full((32, 32, 3), (220, 30, 30), np.uint8)
    np.testing.assert_allclose(compress(red, np.random.default_rng(0))[16, 16], (220, 30, 30), atol=12)


# mixing


def test_a_mixup_is_about_the_mean_with_the_boxes_of_both() -> None:
    white = labelled(64, 48, (0, 0, 32, 48), label=1)
    out = mixup(labelled(), white, np.random.default_rng(0))
    assert out.boxes.tolist() == [list(BOX), [0, 0, 32, 48]]
    assert out.labels.tolist() == [0, 1]
    assert len(out.ignore) == 2
    both, one, none = out.image[20, 20, 0], out.image[45, 5, 0], out.image[45, 60, 0]
    assert (int(both), int(none)) == (255, 0)
    assert 90 < one < 165


def test_a_mixup_with_an_image_of_another_shape_cuts_its_boxes() -> None:
    tall = labelled(32, 96, (8, 24, 24, 72), label=1)
    out = mixup(replace(labelled(), image=np.zeros((48, 64, 3), np.uint8)), tall, np.random.default_rng(0))
    assert out.image.shape == (48, 64, 3)
    assert out.boxes.tolist()[1] == [8, 24, 24, 48]


@pytest.mark.parametrize("seed", range(30))
def test_a_cutmix_has_the_boxes_of_what_is_seen_of_each(seed: int) -> None:
    half = labelled(64, 48, (10, 8, 54, 40))
    grey = replace(half, image=half.image // 2, labels=np.array([1]))
    out = cutmix(half, grey, np.random.default_rng(seed))
    for label, level in ((0, 255), (1, 127)):
        ys, xs = np.nonzero(out.image[..., 0] == level)
        boxes = out.boxes[out.labels == label]
        if len(boxes):
            np.testing.assert_allclose(boxes[0], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        else:
            assert len(xs) < 0.25 * 44 * 32 + 1e-9 or np.ptp(xs) < 2 or np.ptp(ys) < 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_a_pasted_object_is_whole_in_its_box_with_a_soft_edge(seed: int, mirrored: bool) -> None:
    source = labelled(64, 48, (10, 8, 26, 32), label=2)
    source = replace(source, image=np.maximum(source.image, 128), ignore=np.zeros((0, 4), np.float32))
    black = replace(labelled(96, 96, (0, 0, 30, 30)), image=np.zeros((96, 96, 3), np.uint8))
    out = paste(black, source, 0, np.random.default_rng(seed), mirrored=mirrored)
    assert out.labels.tolist() == [0, 2]
    x1, y1, x2, y2 = out.boxes[1].astype(int).tolist()
    assert (x2 - x1, y2 - y1) == (16, 24)
    assert (out.image[y1:y2, x1:x2] == 255).all()
    assert seen(out.image, 250) == [x1, y1, x2, y2]
    middle = (y1 + y2) // 2
    fading = out.image[middle, max(x1 - 3, 0) : x1, 0].astype(int)
    assert (np.diff(fading) > 0).all()
    assert fading.max() < 129
    assert black.image.max() == 0  # what the cache holds is not painted on


def test_a_pasted_object_hides_little_of_any_other() -> None:
    source = labelled(64, 48, (10, 8, 26, 32), label=2)
    crowded = labelled(40, 40, (4, 4, 36, 36))
    for seed in range(30):
        out = paste(crowded, source, 0, np.random.default_rng(seed), mirrored=False)
        if len(out.boxes) == 2:
            x1, y1, x2, y2 = out.boxes[1].tolist()
            across, down = min(x2, 36) - max(x1, 4), min(y2, 36) - max(y1, 4)
            assert max(across, 0) * max(down, 0) <= 0.3 * 32 * 32 + 1e-6
    full = labelled(20, 20, (0, 0, 20, 20))
    assert paste(full, source, 0, np.random.default_rng(0), mirrored=False) is full  # no room


def test_what_lies_in_the_surroundings_of_a_pasted_object_brings_its_label() -> None:
    boxes: NDArray[np.float32] = np.array([[10, 8, 26, 32], [12, 10, 20, 20]], np.float32)
    source = replace(labelled(), boxes=boxes, labels=np.array([2, 3]), scores=np.ones(2, np.float32))
    black = replace(labelled(96, 96, (0, 0, 5, 5)), image=np.zeros((96, 96, 3), np.uint8))
    out = paste(black, source, 0, np.random.default_rng(1), mirrored=False)
    assert out.labels.tolist() == [0, 2, 3]
    np.testing.assert_allclose(out.boxes[2] - out.boxes[1][[0, 1, 0, 1]], [2, 2, 10, 12])


def test_rare_classes_are_pasted_first(tmp_path: Path) -> None:
    items = [labelled(96, 64, (10, 8, 30, 40)) for _ in range(9)]
    items.append(labelled(96, 64, (50, 20, 70, 50), label=1))
    for item in items:
        assert len(item.boxes) == 1
    found = draws(written(tmp_path, items))
    plan = replace(PLAIN, copy_paste=1.0)
    labels = [drawn.labelled.labels for n in range(200) if (drawn := found.item(n, plan))]
    pasted = np.bincount(np.concatenate([own[1:] for own in labels]), minlength=2)
    # one image in ten has it, and half of what is pasted is of it
    assert 0.4 < pasted[1] / pasted.sum() < 0.6


def test_mixing_ends_where_it_is_told_to() -> None:
    plan = EVERYTHING.unmixed()
    assert (plan.mosaic, plan.mixup, plan.cutmix, plan.copy_paste) == (0, 0, 0, 0)
    assert replace(plan, mosaic=0.5, mixup=0.5, cutmix=0.5, copy_paste=0.5) == EVERYTHING
    assert Augmentation().close_after == 0.8


@pytest.mark.parametrize("mixing", [{"mixup": 1.0}, {"cutmix": 1.0}])
def test_an_image_is_not_mixed_with_itself(tmp_path: Path, mixing: dict[str, float]) -> None:
    found = draws(written(tmp_path, [noisy(1)]))
    mixed, plain = found.item(0, replace(PLAIN, **mixing)), found.item(0, PLAIN)
    assert mixed is not None
    assert plain is not None
    assert_same(mixed.labelled, plain.labelled)
