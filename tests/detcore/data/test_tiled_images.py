"""Learning from tiles, and finding on whole images what lies in them."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from torch import Tensor

from detcore.data.batches import TrainStream
from detcore.data.cache import ImageCache
from detcore.data.passes import TilePasses
from detcore.data.samples import Sample
from detcore.data.sweep import sweep
from detcore.data.tile_merging import TileSeen, merge
from detcore.data.tiles import cut_samples
from detcore.errors import ImageError
from detcore.evaluation.coco import evaluate_coco
from detcore.images.tiles import Tile, Tiling
from detcore.jobs.settings.augmentation import Augmentation
from detcore.types import Box
from detcore.zoo.running import Answers, Seen
from tests.columns import ground_truth

PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)
COLOURS = ((250, 40, 40), (40, 250, 40))


def fail(error: ImageError) -> None:
    pytest.fail(str(error))


def paint(
    path: Path, width: int, height: int, squares: list[tuple[int, int, int, int]], number: int = 1
) -> Sample:
    """An image with filled squares, whose classes take turns."""
    image = np.zeros((height, width, 3), np.uint8)
    for row, (x1, y1, x2, y2) in enumerate(squares):
        image[y1:y2, x1:x2] = COLOURS[row % 2]
    cv2.imwrite(str(path), image[:, :, ::-1])
    return Sample(
        image_id=number,
        path=str(path),
        boxes=np.array(squares, np.float32).reshape(-1, 4),
        labels=np.arange(len(squares), dtype=np.int64) % 2,
        ignore=np.zeros((0, 4), np.float32),
        frame=(width, height),
    )


def see_squares(images: Tensor) -> list[Seen]:
    """A detector that sees each filled square, whole or cut, exactly; a cut one is as sure of itself."""
    looks: list[Seen] = []
    for image in images.numpy().transpose(0, 2, 3, 1):
        boxes: list[list[float]] = []
        labels: list[int] = []
        for label, colour in enumerate(COLOURS):
            mask = (np.abs(image.astype(int) - np.array(colour)) < 60).all(axis=2).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
            for x, y, width, height, _ in stats[1:].tolist():
                boxes.append([x, y, x + width, y + height])
                labels.append(label)
        looks.append(
            Seen(
                np.array(boxes, np.float64).reshape(-1, 4),
                np.array(labels, np.int64),
                np.full(len(boxes), 0.9),
            )
        )
    return looks


def test_a_box_is_an_object_where_half_of_it_is_seen_and_an_ignored_area_elsewhere(tmp_path: Path) -> None:
    # tiles of 400 that share 100: 0 to 400 and 300 to 700
    sample = paint(
        tmp_path / "a.png",
        700,
        400,
        [(10, 20, 60, 80), (380, 0, 440, 40), (270, 100, 330, 140), (500, 300, 520, 320)],
    )
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    left, right = cut_samples([sample], cache, problem=fail)
    # a third of the second is in the left tile, half of the third in the right one
    assert left.boxes.tolist() == [[10, 20, 60, 80], [270, 100, 330, 140]]
    assert left.labels.tolist() == [0, 0]
    assert left.ignore.tolist() == [[380, 0, 400, 40]]
    assert right.boxes.tolist() == [[380, 0, 440, 40], [300, 100, 330, 140], [500, 300, 520, 320]]
    assert right.labels.tolist() == [1, 0, 1]
    assert right.ignore.tolist() == []


def test_what_is_ignored_in_the_image_is_so_in_its_tiles(tmp_path: Path) -> None:
    sample = paint(tmp_path / "a.png", 700, 400, [(10, 20, 60, 80), (600, 0, 640, 40)])
    crowd = Sample(
        image_id=1,
        path=sample.path,
        boxes=sample.boxes,
        labels=sample.labels,
        ignore=np.array([[390, 50, 490, 60]], np.float32),
        frame=sample.frame,
    )
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    left, right = cut_samples([crowd], cache, problem=fail)
    assert left.ignore.tolist() == [[390, 50, 400, 60]]
    assert right.ignore.tolist() == [[390, 50, 490, 60]]


def test_each_pass_has_tiles_without_objects_of_its_own_no_more_than_those_with_one(tmp_path: Path) -> None:
    """Nine tiles of 400 in 1000 x 1000, of which the first holds the object."""
    sample = paint(tmp_path / "a.png", 1000, 1000, [(10, 10, 60, 60)])
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    tiles = cut_samples([sample], cache, problem=fail)
    assert [len(tile.labels) for tile in tiles] == [1] + [0] * 8
    passes = TilePasses(tiles, None)
    assert passes.length == 2
    rng = np.random.default_rng(0)
    drawn = [sorted(passes.rows(rng).tolist()) for _ in range(200)]
    assert {rows[0] for rows in drawn} == {0}
    assert {rows[1] for rows in drawn} == set(range(1, 9))


def test_tiles_that_weigh_more_are_drawn_more_often(tmp_path: Path) -> None:
    """Of eight without objects one weighs four: it is in 4 / 11 of all passes, and each other one in 1 / 11. The one with
    an object weighs two, and is there twice. 1 · (4 + 7) / 8 without objects are two."""
    sample = paint(tmp_path / "a.png", 1000, 1000, [(10, 10, 60, 60)])
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    tiles = cut_samples([sample], cache, problem=fail)
    passes = TilePasses(tiles, np.array([2.0, 4.0] + [1.0] * 7))
    assert passes.length == 4
    assert passes.text() == (
        "1 tile has objects and 8 have none. In each pass the former are drawn 2 times in all and the latter 2 times."
    )
    rng = np.random.default_rng(0)
    counts = np.bincount(np.concatenate([passes.rows(rng) for _ in range(2000)]), minlength=9) / 2000
    np.testing.assert_allclose(counts, [2.0, 8 / 11] + [2 / 11] * 7, atol=0.04)


def test_with_few_tiles_without_objects_all_are_in_every_pass(tmp_path: Path) -> None:
    """Four tiles of 400 in 700 x 700, three with an object."""
    sample = paint(tmp_path / "a.png", 700, 700, [(10, 10, 60, 60), (620, 10, 660, 60), (10, 620, 60, 660)])
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    passes = TilePasses(cut_samples([sample], cache, problem=fail), None)
    assert sorted(passes.rows(np.random.default_rng(0)).tolist()) == [0, 1, 2, 3]


def test_tiles_without_objects_are_made_when_they_are_drawn(tmp_path: Path) -> None:
    """Of two images in two tiles each the first has an object at the right, and there an area to ignore reaches over."""
    with_object = replace(
        paint(tmp_path / "a.png", 700, 400, [(600, 20, 660, 80)], 5),
        ignore=np.array([[390, 50, 490, 60]], np.float32),
    )
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    tiles = cut_samples([paint(tmp_path / "b.png", 700, 400, [], 3), with_object], cache, problem=fail)
    assert [len(tile.labels) for tile in tiles.with_objects] == [1]
    assert tiles.image_ids.tolist() == [5, 3, 3, 5]
    assert tiles.places().tolist() == [
        [300, 0, 700, 400],
        [0, 0, 400, 400],
        [300, 0, 700, 400],
        [0, 0, 400, 400],
    ]
    drawn = [(tile.image_id, tile.tile.left if tile.tile else -1, tile.ignore.tolist()) for tile in tiles]
    assert drawn == [(5, 300, [[390, 50, 490, 60]]), (3, 0, []), (3, 300, []), (5, 0, [[390, 50, 400, 60]])]
    assert tiles[3] is not tiles[3]


def test_files_without_a_known_size_are_asked_for_it(tmp_path: Path) -> None:
    nothing = np.zeros((0, 4), np.float32)
    labels = np.zeros(0, np.int64)
    unknown = paint(tmp_path / "a.png", 700, 400, [])
    unknown = Sample(image_id=1, path=unknown.path, boxes=nothing, labels=labels, ignore=nothing)
    gone = Sample(image_id=2, path=str(tmp_path / "b.png"), boxes=nothing, labels=labels, ignore=nothing)
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    told: list[ImageError] = []
    tiles = cut_samples([unknown, gone], cache, problem=told.append)
    assert [tile.frame for tile in tiles] == [(700, 400)] * 2
    assert [error.path for error in told] == [gone.path]
    with pytest.raises(ImageError, match="not found"):
        cut_samples([gone], cache, problem=told.append)


def test_a_training_ends_once_no_file_of_a_pass_can_be_read(tmp_path: Path) -> None:
    """One image with an object and forty without, in two tiles each: a pass has one tile of each kind, and four batches are
    in the making at most when its last one is asked for."""
    samples = [paint(tmp_path / "a.png", 700, 400, [(10, 20, 60, 80)], 1)]
    samples += [paint(tmp_path / f"{number}.png", 700, 400, [], number) for number in range(2, 42)]
    for sample in samples:
        Path(sample.path).unlink()
    cache = ImageCache(longer_side=400, tiling=Tiling(side=400, overlap=100))
    told: list[ImageError] = []
    stream = TrainStream(cut_samples(samples, cache, problem=fail), cache, seed=1, problem=told.append)
    assert stream.pass_length == 2
    with pytest.raises(ImageError, match="none of the training images"):
        next(stream.batches(start=0, batch_size=1, plan=lambda _number: PLAIN))
    assert len(told) <= 5


def drawn(
    stream: TrainStream, count: int, start: int = 0, threads: int = 1
) -> list[tuple[str, bytes, list[float]]]:
    batches = stream.batches(start=start, batch_size=1, plan=lambda _number: PLAIN, threads=threads)
    found = [
        (batch.paths[0], batch.images.contiguous().numpy().tobytes(), batch.boxes[0].flatten().tolist())
        for batch in islice(batches, count)
    ]
    batches.close()
    return found


@pytest.mark.parametrize("side", [800, 400, 200])
def test_boxes_of_drawn_tiles_lie_on_what_is_painted(tmp_path: Path, side: int) -> None:
    squares = [(40 * row, 36 * row + 4, 40 * row + 24, 36 * row + 24) for row in range(20)]
    sample = paint(tmp_path / "a.png", 900, 760, squares)
    cache = ImageCache(longer_side=320, tiling=Tiling(side=side, overlap=64))
    tiles = cut_samples([sample], cache, problem=fail)
    stream = TrainStream(tiles, cache, seed=0, problem=fail)
    batches = stream.batches(start=0, batch_size=1, plan=lambda _number: PLAIN)
    boxes = 0
    for batch in islice(batches, len(tiles)):
        (image,) = batch.images.numpy().transpose(0, 2, 3, 1)
        assert image.shape[:2] == (320, 320)
        for x1, y1, x2, y2 in batch.boxes[0].tolist():
            inner = image[round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1].max(axis=2)
            assert inner.min() > 200
            boxes += 1
        bright = (image.max(axis=2) > 130).sum()
        of_boxes = sum((box[2] - box[0]) * (box[3] - box[1]) for box in batch.boxes[0].tolist())
        of_ignored = sum((box[2] - box[0]) * (box[3] - box[1]) for box in batch.ignore[0].tolist())
        assert bright == pytest.approx(of_boxes + of_ignored, rel=0.12, abs=40)
    batches.close()
    assert boxes >= 20


def test_a_stream_of_tiles_goes_on_where_another_stopped_whatever_the_memory(tmp_path: Path) -> None:
    samples = [
        paint(tmp_path / f"{number}.png", 300, 300, [(10, 10, 60, 60), (200, 200, 240, 240)], number)
        for number in range(1, 5)
    ]
    tiling = Tiling(side=160, overlap=60)

    def stream(budget: int) -> TrainStream:
        cache = ImageCache(longer_side=160, tiling=tiling, budget=budget)
        return TrainStream(cut_samples(samples, cache, problem=fail), cache, seed=0, problem=fail)

    whole = drawn(stream(1 << 30), 40)
    assert drawn(stream(0), 15, start=25, threads=3) == whole[25:]
    length = stream(0).pass_length
    every = {item[1:2] for item in whole[:length]}
    assert len(every) > 4
    assert sorted(item[1] for item in whole[:length]) == sorted(
        item[1] for item in drawn(stream(0), length, start=length)
    )


def test_the_tiles_of_an_image_are_drawn_near_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.data.passes._GROUP_PIXELS", 2 * 300 * 300)
    samples = [
        paint(tmp_path / f"{number}.png", 300, 300, [(10, 10, 60, 60), (200, 200, 240, 240)], number)
        for number in range(1, 9)
    ]
    cache = ImageCache(longer_side=160, tiling=Tiling(side=160, overlap=60), budget=0)
    read: list[str] = []
    tiles = cut_samples(samples, cache, problem=fail)
    stream = TrainStream(tiles, cache, seed=0, problem=fail)
    read = [path for path, _, _ in drawn(stream, stream.pass_length)]
    spans = [len(read) - read[::-1].index(path) - read.index(path) for path in set(read)]
    assert (
        max(spans) <= len(read) // 2
    )  # of two groups of four it would be a half, of groups of two or three less
    assert sum(a != b for a, b in zip(read, read[1:], strict=False)) > 8  # and images take turns


def test_a_cache_of_large_images_lets_go_what_was_not_asked_for_the_longest(tmp_path: Path) -> None:
    samples = [paint(tmp_path / f"{number}.png", 100, 100, [], number) for number in range(3)]
    cache = ImageCache(longer_side=50, tiling=Tiling(side=50, overlap=0), budget=2 * 100 * 100 * 3)
    first, second = (cache.get(sample.path)[0] for sample in samples[:2])
    assert cache.get(samples[0].path)[0] is first
    cache.get(samples[2].path)
    assert cache.get(samples[0].path)[0] is first
    assert cache.get(samples[1].path)[0] is not second


def seam_scene() -> list[tuple[int, int, int, int]]:
    """Squares at and about each border and corner of tiles of 640 that share 100 in 2500 × 2100."""
    xs = sorted({edge for tile in COVER for edge in (tile.left, tile.right)})
    ys = sorted({edge for tile in COVER for edge in (tile.top, tile.bottom)})
    squares: list[tuple[int, int, int, int]] = []
    rng = np.random.default_rng(1)
    for x in xs:
        for y in ys:
            side = int(rng.integers(12, 80))
            dx, dy = (int(value) for value in rng.integers(0, side + 1, 2))
            squares.append((x - dx, y - dy, x - dx + side, y - dy + side))
    for number in range(300):
        side = int(rng.integers(10, 80))
        x, y = int(rng.integers(0, 2500 - side)), int(rng.integers(0, 2100 - side))
        squares.append((x, y, x + side, y + side))
        for tile in COVER[:: number % 7 + 1]:
            squares.append((tile.right - side, y, tile.right, y + side))
    kept: list[tuple[int, int, int, int]] = []
    for x1, y1, x2, y2 in squares:
        inside = x1 >= 0 and y1 >= 0 and x2 <= 2500 and y2 <= 2100
        apart = all(x1 > b[2] + 2 or x2 < b[0] - 2 or y1 > b[3] + 2 or y2 < b[1] - 2 for b in kept)
        if inside and apart and len(kept) < 190:  # COCO looks at no more than 100 of a class
            kept.append((x1, y1, x2, y2))
    return kept


TILING = Tiling(side=640, overlap=100)
COVER = TILING.cover(width=2500, height=2100, image_size=640)


def test_every_object_of_a_large_image_is_found_exactly_once(tmp_path: Path) -> None:
    squares = seam_scene()
    assert len(squares) > 150
    cut = sum(
        any(tile.left < x1 < tile.right < x2 and tile.top < y2 and y1 < tile.bottom for tile in COVER)
        for x1, y1, x2, y2 in squares
    )
    assert cut > 15
    corners = sum(
        any(x1 < tile.right < x2 and y1 < tile.bottom < y2 for tile in COVER) for x1, y1, x2, y2 in squares
    )
    assert corners > 5
    sample = paint(tmp_path / "large.png", 2500, 2100, squares, 7)
    seen: list[tuple[int, int]] = []
    found = sweep(
        see_squares,
        [sample],
        ImageCache(longer_side=640, tiling=TILING, budget=0),
        class_ids=np.array([11, 12]),
        batch_size=4,
        problem=fail,
        progress=lambda done, total: seen.append((done, total)) is None,
    )
    assert found is not None
    assert sorted(map(tuple, found.boxes.tolist())) == sorted(squares)
    assert seen == [(0, 1)] * 4 + [(1, 1)]  # 20 tiles, four at a time
    gt = ground_truth(
        [
            Box(id=row + 1, image_id=7, class_id=11 + row % 2, x1=x1, y1=y1, x2=x2, y2=y2)
            for row, (x1, y1, x2, y2) in enumerate(squares)
        ]
    )
    result = evaluate_coco(gt, found, [7], [11, 12])
    assert result.stats["AP"] == 1.0


def test_objects_are_found_once_at_another_scale_and_in_images_of_any_size(tmp_path: Path) -> None:
    tiling = Tiling(side=320, overlap=130)  # seen at 640, twice as large
    rng = np.random.default_rng(3)
    samples: list[Sample] = []
    for number, (width, height) in enumerate([(2100, 333), (300, 200), (321, 700)], start=1):
        squares: list[tuple[int, int, int, int]] = []
        for _ in range(40):
            side = int(rng.integers(20, 110))
            x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
            if all(
                x > b[2] + 6 or x + side < b[0] - 6 or y > b[3] + 6 or y + side < b[1] - 6 for b in squares
            ):
                squares.append((x, y, x + side, y + side))
        samples.append(paint(tmp_path / f"{number}.png", width, height, squares, number))
    found = sweep(
        see_squares,
        samples,
        ImageCache(longer_side=640, tiling=tiling, budget=0),
        class_ids=np.array([0, 1]),
        batch_size=3,
        problem=fail,
    )
    assert found is not None
    for sample in samples:
        own = found.boxes[found.image_ids == sample.image_id]
        assert len(own) == len(sample.boxes)
        gaps = np.abs(own[:, None] - sample.boxes[None]).max(axis=2)
        assert (gaps.min(axis=0) < 1.0).all()


LEFT = Tile(left=0, top=0, right=200, bottom=200, shared=(0, 0, 50, 0))
RIGHT = Tile(left=150, top=0, right=350, bottom=200, shared=(50, 0, 0, 0))


def seen(boxes: list[list[float]], scores: list[float], labels: list[int] | None = None) -> Seen:
    return Seen(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(labels or [0] * len(boxes), np.int64),
        np.array(scores, np.float64),
    )


def merged(left: Seen, right: Seen) -> list[tuple[list[float], float]]:
    found = merge([TileSeen(tile=LEFT, seen=left), TileSeen(tile=RIGHT, seen=right)])
    return list(zip(found.boxes.tolist(), found.scores.tolist(), strict=True))


def test_a_cut_object_is_left_to_the_tile_that_has_it_whole_however_sure_the_other_is() -> None:
    left, right = seen([[180, 10, 200, 40]], [0.9]), seen([[30, 10, 60, 40]], [0.5])
    assert merged(left, right) == [([180, 10, 210, 40], 0.5)]


def test_what_ends_at_the_border_of_the_image_is_not_cut() -> None:
    left = seen([[0, 0, 20, 20], [50, 170, 80, 200]], [0.9, 0.8])
    assert merged(left, seen([], [])) == [([0, 0, 20, 20], 0.9), ([50, 170, 80, 200], 0.8)]


def test_what_is_longer_than_tiles_share_stays_in_its_parts() -> None:
    left, right = seen([[100, 10, 200, 40]], [0.9]), seen([[0, 10, 90, 40]], [0.8])
    assert merged(left, right) == [([100, 10, 200, 40], 0.9), ([150, 10, 240, 40], 0.8)]


def test_of_what_two_tiles_see_whole_the_better_stays_by_class() -> None:
    # 160 to 180 in the image, in both; the second of another class
    left = seen([[160, 10, 180, 40], [160, 10, 180, 40]], [0.6, 0.3], [0, 1])
    right = seen([[11, 10, 31, 40]], [0.7], [0])
    assert merged(left, right) == [([161, 10, 181, 40], 0.7), ([160, 10, 180, 40], 0.3)]


def test_what_one_tile_sees_twice_is_the_affair_of_the_detector() -> None:
    left = seen([[10, 10, 30, 40], [12, 10, 32, 40]], [0.6, 0.5])
    assert len(merged(left, seen([], []))) == 2


def test_the_best_thousand_of_an_image_stay() -> None:
    rows = [[float(x), float(y), x + 1.0, y + 1.0] for x in range(4, 34) for y in range(4, 64)]
    scores = np.linspace(0.1, 0.9, len(rows)).tolist()
    found = merged(seen(rows, scores), seen([], []))
    assert len(found) == 1000
    assert found[0][1] == pytest.approx(0.9)
    assert found[-1][1] == pytest.approx(sorted(scores)[-1000])


def test_answers_of_tiles_are_those_of_the_image_but_for_the_cut_ones(tmp_path: Path) -> None:
    sample = paint(tmp_path / "a.png", 350, 200, [(160, 10, 180, 40)], 5)

    def detect(images: Tensor) -> list[Seen]:
        said = Answers(np.array([[10.0, 10, 30, 40], [190, 50, 200, 60]]), np.array([[0.1], [0.4]]))
        return [Seen(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0), said)] * len(images)

    heard: list[tuple[int, list[list[float]], list[list[float]]]] = []
    sweep(
        detect,
        [sample],
        ImageCache(longer_side=200, tiling=Tiling(side=200, overlap=50), budget=0),
        class_ids=np.array([3]),
        batch_size=8,
        problem=fail,
        hear=lambda image_id, boxes, scores: heard.append((image_id, boxes.tolist(), scores.tolist())),
    )
    assert heard == [(5, [[10, 10, 30, 40], [160, 10, 180, 40], [340, 50, 350, 60]], [[0.1], [0.1], [0.4]])]


def test_a_sweep_over_tiles_can_be_ended_within_an_image(tmp_path: Path) -> None:
    sample = paint(tmp_path / "a.png", 1000, 1000, [])
    looked: list[int] = []

    def detect(images: Tensor) -> list[Seen]:
        looked.append(len(images))
        return see_squares(images)

    found = sweep(
        detect,
        [sample],
        ImageCache(longer_side=200, tiling=Tiling(side=200, overlap=50), budget=0),
        class_ids=np.array([3]),
        batch_size=4,
        problem=fail,
        progress=lambda _done, _total: len(looked) < 2,
    )
    assert found is None
    assert looked == [4, 4]


def test_a_broken_large_image_is_told_and_the_others_are_found(tmp_path: Path) -> None:
    good = paint(tmp_path / "a.png", 1000, 300, [(100, 100, 130, 130)], 1)
    broken = paint(tmp_path / "b.png", 1000, 300, [], 2)
    Path(broken.path).write_bytes(b"no image")
    told: list[ImageError] = []
    found = sweep(
        see_squares,
        [broken, good],
        ImageCache(longer_side=200, tiling=Tiling(side=200, overlap=50), budget=0),
        class_ids=np.array([3, 4]),
        batch_size=4,
        problem=told.append,
    )
    assert found is not None
    assert found.image_ids.tolist() == [1]
    assert [error.path for error in told] == [broken.path]
