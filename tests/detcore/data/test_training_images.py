"""Letterbox, augmentation and batches: boxes stay on their pixels, streams repeat exactly."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detcore.data import cache as cache_module
from detcore.data.augmentation.augment import augment
from detcore.data.augmentation.labelled import Labelled
from detcore.data.augmentation.mixing import mosaic
from detcore.data.batches import TrainStream, detect_batches, stack
from detcore.data.cache import ImageCache
from detcore.data.letterbox import PAD_VALUE, fit_size, pad, resize
from detcore.data.samples import Sample
from detcore.data.sweep import sweep
from detcore.errors import ImageError
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import ImageArray
from detcore.zoo.running import Answers, Seen

PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)


def bright_box(image: ImageArray) -> list[int]:
    """Edges of what is bright."""
    ys, xs = np.nonzero(image.max(axis=2) > 200)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def labelled(width: int = 64, height: int = 48, box: tuple[int, int, int, int] = (10, 8, 30, 40)) -> Labelled:
    image = np.zeros((height, width, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    return Labelled(
        image=image,
        boxes=np.array([box], np.float32),
        labels=np.array([0], np.int64),
        ignore=np.zeros((0, 4), np.float32),
    )


@given(width=st.integers(1, 4000), height=st.integers(1, 4000), side=st.integers(32, 1280))
def test_boxes_come_back_from_the_frame(width: int, height: int, side: int) -> None:
    fit = fit_size(width=width, height=height, longer_side=side)
    assert max(fit.new_width, fit.new_height) == side
    box = np.array([[0.1 * width, 0.2 * height, 0.7 * width, height]])
    there = fit.to_frame(box.astype(np.float32)).astype(np.float64)
    np.testing.assert_allclose(fit.to_original(there), box, rtol=1e-5, atol=1e-4)


def test_boxes_from_the_padding_are_clipped_to_the_image() -> None:
    fit = fit_size(width=640, height=480, longer_side=320)
    back = fit.to_original(np.array([[-4.0, -4.0, 400.0, 400.0]]))
    assert back.tolist() == [[0.0, 0.0, 640.0, 480.0]]


def test_a_resized_image_has_its_box_where_the_fit_says() -> None:
    item = labelled(640, 480, (100, 80, 300, 400))
    fit = fit_size(width=640, height=480, longer_side=320)
    assert bright_box(resize(item.image, fit)) == [50, 40, 150, 200]
    assert fit.to_frame(item.boxes).tolist() == [[50, 40, 150, 200]]


def test_padding_is_grey_and_right_and_below() -> None:
    frame = pad(np.zeros((4, 6, 3), np.uint8), width=8, height=8)
    assert frame[:4, :6].max() == 0
    assert frame[4:].min() == frame[:, 6:].min() == PAD_VALUE


@pytest.mark.parametrize("seed", range(12))
def test_boxes_stay_on_their_pixels_under_flip_zoom_and_shift(seed: int) -> None:
    plan = Augmentation(flip_vertical=True, colour_jitter=False, scale_jitter=0.5)
    out = augment(labelled(), plan, np.random.default_rng(seed), width=64, height=64)
    if len(out.boxes):
        np.testing.assert_allclose(out.boxes[0], bright_box(out.image), atol=1.01)


def test_a_flip_is_exact() -> None:
    plan = Augmentation(scale_jitter=0.0, colour_jitter=False)
    item = labelled()
    seeds = [seed for seed in range(20) if np.random.default_rng(seed).random() < 0.5]
    out = augment(item, plan, np.random.default_rng(seeds[0]), width=64, height=48)
    np.testing.assert_array_equal(out.image, item.image[:, ::-1])
    assert out.boxes.tolist() == [[64 - 30, 8, 64 - 10, 40]]


def test_no_augmentation_changes_nothing() -> None:
    item = labelled()
    out = augment(item, PLAIN, np.random.default_rng(0), width=64, height=48)
    np.testing.assert_array_equal(out.image, item.image)
    np.testing.assert_array_equal(out.boxes, item.boxes)


def test_objects_that_are_mostly_outside_are_dropped() -> None:
    item = labelled(64, 48, (60, 40, 64, 48))
    plan = Augmentation(flip_horizontal=False, colour_jitter=False, scale_jitter=0.9)
    for seed in range(30):
        out = augment(item, plan, np.random.default_rng(seed), width=64, height=48)
        assert len(out.boxes) == len(out.labels)
        assert (out.boxes >= 0).all()
        assert (out.boxes <= [64, 48, 64, 48]).all()
        assert (out.boxes[:, 2:] > out.boxes[:, :2]).all()


def test_colour_leaves_boxes_and_shape_alone_and_moves_the_colours_a_little() -> None:
    item = replace(labelled(), image=np.full((48, 64, 3), (90, 120, 150), np.uint8))
    plan = Augmentation(flip_horizontal=False, scale_jitter=0.0)
    out = augment(item, plan, np.random.default_rng(1), width=64, height=48)
    assert out.image.dtype == np.uint8
    moved = out.image[0, 0].astype(int) - item.image[0, 0]
    assert 0 < abs(moved).max() < 90
    np.testing.assert_array_equal(out.boxes, item.boxes)


def test_a_mosaic_has_the_boxes_of_all_four_on_their_pixels() -> None:
    items = (labelled(), labelled(), labelled(), labelled())
    out = mosaic(items, Augmentation(), np.random.default_rng(3))
    assert out.image.shape == (48, 64, 3)
    assert len(out.boxes) == len(out.labels) > 1
    for x1, y1, x2, y2 in out.boxes.round().astype(int):
        assert out.image[y1:y2, x1:x2].mean() > 200


def test_the_images_of_a_mosaic_are_flipped_only_as_the_plan_says() -> None:
    half = np.zeros((48, 64, 3), np.uint8)
    half[:, :32] = 255
    item = replace(labelled(), image=half)
    plan = replace(PLAIN, mosaic=1.0)
    for seed in range(20):
        out = mosaic((item, item, item, item), plan, np.random.default_rng(seed)).image
        # unflipped, left of each cross is never darker than right of it
        left, right = out[:, :20].astype(float).mean(), out[:, -20:].astype(float).mean()
        assert left >= right
    flipped = [
        mosaic((item,) * 4, replace(plan, flip_horizontal=True), np.random.default_rng(seed)).image
        for seed in range(20)
    ]
    assert any(image[:, :20].astype(float).mean() < image[:, -20:].astype(float).mean() for image in flipped)


def write(folder: Path, number: int, width: int = 64, height: int = 48) -> Sample:
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), np.full((height, width, 3), number, np.uint8))
    return Sample(
        image_id=number,
        path=str(path),
        boxes=np.array([[4, 4, 20, 20]], np.float32),
        labels=np.array([0], np.int64),
        ignore=np.zeros((0, 4), np.float32),
    )


def take(
    stream: TrainStream, *, start: int, batch_size: int, count: int
) -> list[tuple[list[str], bytes, int]]:
    batches = stream.batches(start=start, batch_size=batch_size, plan=lambda _number: Augmentation())
    found = [
        (batch.paths, batch.images.contiguous().numpy().tobytes(), batch.drawn)
        for batch in islice(batches, count)
    ]
    batches.close()
    return found


def stream(samples: list[Sample], **options: int) -> TrainStream:
    return TrainStream(
        samples, ImageCache(longer_side=64), seed=0, problem=lambda error: pytest.fail(str(error)), **options
    )


def test_a_pass_draws_every_image_once_and_passes_differ(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(8)]
    drawn = [path for paths, _, _ in take(stream(samples), start=0, batch_size=4, count=4) for path in paths]
    every = {sample.path for sample in samples}
    assert set(drawn[:8]) == set(drawn[8:]) == every
    assert drawn[:8] != drawn[8:]


def test_a_stream_goes_on_exactly_where_another_stopped(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(5)]
    whole = take(stream(samples), start=0, batch_size=4, count=4)
    rest = take(stream(samples), start=whole[1][2], batch_size=4, count=2)
    assert rest == whole[2:]


def test_two_processes_share_the_images_of_one(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(6)]
    ((whole, _, _),) = take(stream(samples), start=0, batch_size=4, count=1)
    parts = [
        take(stream(samples, rank=rank, world_size=2), start=0, batch_size=2, count=1)[0] for rank in (0, 1)
    ]
    assert parts[0][0] == whole[0::2]
    assert parts[1][0] == whole[1::2]
    assert parts[0][2] == parts[1][2] == 4


def test_a_broken_file_is_told_once_and_left_out(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(3)]
    Path(samples[1].path).write_bytes(b"no image")
    told: list[ImageError] = []
    broken = TrainStream(samples, ImageCache(longer_side=64), seed=0, problem=told.append)
    batches = take(broken, start=0, batch_size=3, count=4)
    assert [len(paths) for paths, _, _ in batches] == [2, 2, 2, 2]
    assert [error.path for error in told] == [samples[1].path]


def test_a_broken_partner_of_a_mosaic_does_not_cost_the_good_image(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(3)]
    Path(samples[1].path).write_bytes(b"no image")
    told: list[ImageError] = []
    broken = TrainStream(samples, ImageCache(longer_side=64), seed=0, problem=told.append)
    batches = broken.batches(start=0, batch_size=3, plan=lambda _number: Augmentation(mosaic=1.0))
    assert [len(batch.paths) for batch in islice(batches, 6)] == [2] * 6
    batches.close()
    assert [error.path for error in told] == [samples[1].path]


def test_images_too_few_for_a_batch_wait_for_the_next(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(2)]
    Path(samples[1].path).write_bytes(b"no image")
    told: list[ImageError] = []
    half = TrainStream(samples, ImageCache(longer_side=64), seed=0, problem=told.append, smallest_batch=2)
    batches = half.batches(start=0, batch_size=2, plan=lambda _number: Augmentation())
    found = [(len(batch.paths), batch.drawn) for batch in islice(batches, 3)]
    batches.close()
    assert found == [(2, 4), (2, 8), (2, 12)]


def test_caches_of_several_processes_share_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    samples = [write(tmp_path, number) for number in range(4)]
    image_bytes = 64 * 48 * 3

    class Memory:
        available = 4 * 4 * image_bytes  # a quarter of it holds the four images

    monkeypatch.setattr("detcore.data.cache.psutil.virtual_memory", Memory)
    for processes, held in ((1, 4), (2, 2)):
        cache = ImageCache(longer_side=64, processes=processes)
        first = [cache.get(sample.path)[0] for sample in samples]
        again = [cache.get(sample.path)[0] for sample in samples]
        assert sum(a is b for a, b in zip(first, again, strict=True)) == held


def test_images_of_unlike_size_share_a_frame(tmp_path: Path) -> None:
    tall, wide = np.zeros((96, 40, 3), np.uint8), np.zeros((50, 70, 3), np.uint8)
    frames = stack([tall, wide])
    assert tuple(frames.shape) == (2, 3, 96, 96)
    assert int(frames[0, 0, 0, 40]) == PAD_VALUE
    assert int(frames[1, 0, 49, 69]) == 0


def test_the_cache_keeps_what_fits_and_reads_the_rest_again(tmp_path: Path) -> None:
    samples = [write(tmp_path, number) for number in range(2)]
    cache = ImageCache(longer_side=64, budget=64 * 48 * 3)
    first, _ = cache.get(samples[0].path)
    again, _ = cache.get(samples[0].path)
    assert first is again
    other, _ = cache.get(samples[1].path)
    other_again, _ = cache.get(samples[1].path)
    assert other is not other_again


def waiting_in(function: Callable[..., object]) -> int:
    """How many threads wait for another one within it."""

    def calls(frame: FrameType | None) -> list[CodeType]:
        return [] if frame is None else [frame.f_code, *calls(frame.f_back)]

    stacks = [calls(frame) for frame in sys._current_frames().values()]
    return sum(stack[0].co_name == "wait" and function.__code__ in stack for stack in stacks)


def test_what_several_threads_ask_for_at_once_is_decoded_once_and_nothing_else_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = write(tmp_path, 0), write(tmp_path, 1)
    go_on, decoded = threading.Event(), list[str]()
    read = cache_module.read_image

    def decode(path: Path) -> ImageArray:
        decoded.append(str(path))
        if str(path) == slow.path:
            assert go_on.wait(30)
        return read(path)

    monkeypatch.setattr(cache_module, "read_image", decode)
    cache = ImageCache(longer_side=64)
    with ThreadPoolExecutor(3) as executor:
        asking = [executor.submit(cache.get, slow.path) for _ in range(3)]
        end = time.monotonic() + 30
        while waiting_in(ImageCache.get) < 3 and time.monotonic() < end:
            time.sleep(0.001)
        waiting = waiting_in(ImageCache.get)
        cache.get(quick.path)
        go_on.set()
        images = [future.result(30)[0] for future in asking]
    assert waiting == 3
    assert decoded == [slow.path, quick.path]
    assert all(np.array_equal(image, read(Path(slow.path))) for image in images)


def test_a_file_that_could_not_be_read_is_tried_again_by_who_asks_later(tmp_path: Path) -> None:
    sample = write(tmp_path, 0)
    whole = Path(sample.path).read_bytes()
    Path(sample.path).write_bytes(b"no image")
    cache = ImageCache(longer_side=64)
    for _ in range(2):
        with pytest.raises(ImageError):
            cache.get(sample.path)
    Path(sample.path).write_bytes(whole)
    assert cache.get(sample.path)[0].shape == (48, 64, 3)


def test_a_sweep_gives_boxes_of_the_original_and_class_ids(tmp_path: Path) -> None:
    samples = [write(tmp_path, number, 128, 96) for number in range(3)]
    Path(samples[1].path).unlink()
    told: list[ImageError] = []
    seen: list[tuple[int, int]] = []

    def detect(images: object) -> list[Seen]:
        said = Answers(np.array([[4.0, 8.0, 8.0, 16.0]]), np.array([[0.1, 0.2]]))
        return [Seen(np.array([[8.0, 8.0, 32.0, 40.0]]), np.array([1]), np.array([0.5]), said)] * len(images)

    heard: list[tuple[int, list[list[float]], list[list[float]]]] = []

    found = sweep(
        detect,
        samples,
        ImageCache(longer_side=64),
        class_ids=np.array([11, 12]),
        batch_size=2,
        problem=told.append,
        progress=lambda done, total: seen.append((done, total)) is None,
        hear=lambda image_id, boxes, scores: heard.append((image_id, boxes.tolist(), scores.tolist())),
    )
    assert found is not None
    assert found.image_ids.tolist() == [0, 2]
    # what is said about the image is in its own pixels, too
    assert heard == [(number, [[8.0, 16.0, 16.0, 32.0]], [[0.1, 0.2]]) for number in (0, 2)]
    assert found.labels.tolist() == [12, 12]
    assert found.boxes.tolist() == [[16.0, 16.0, 64.0, 80.0]] * 2
    assert [error.path for error in told] == [samples[1].path]
    assert seen == [(2, 3), (3, 3)]


def test_a_sweep_can_be_ended_early(tmp_path: Path) -> None:
    found = sweep(
        lambda images: [Seen(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))] * len(images),
        [write(tmp_path, number) for number in range(4)],
        ImageCache(longer_side=64),
        class_ids=np.array([1]),
        batch_size=1,
        problem=lambda error: pytest.fail(str(error)),
        progress=lambda done, _total: done < 2,
    )
    assert found is None


def test_a_batch_of_broken_files_alone_is_empty(tmp_path: Path) -> None:
    sample = write(tmp_path, 1)
    Path(sample.path).unlink()
    told: list[ImageError] = []
    (batch,) = detect_batches([sample], ImageCache(longer_side=64), batch_size=4, problem=told.append)
    assert batch.samples == []
    assert batch.done == 1
    assert len(told) == 1
