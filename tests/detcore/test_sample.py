"""The generated sample: what it shows, what is known about it, and that a seed fixes it."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from detcore.boxes import iou
from detcore.errors import Cancelled, ProjectError, ReticleError
from detcore.images.decoding import read_image, read_size
from detcore.sample import (
    PROJECT_NAME,
    ErrorKind,
    SampleBox,
    SampleTruth,
    create_sample_project,
    generate_sample,
)
from detcore.sample.scene import paint_scene
from detcore.sample.spoil import spoil_labels
from detcore.types import Status

CLASSES = ("coin", "button", "nut", "leaf", "bolt", "key")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleTruth]:
    folder = tmp_path_factory.mktemp("sample")
    return folder, generate_sample(folder, images=20, seed=3, width=320, height=240)


@pytest.fixture(scope="module")
def many() -> tuple[SampleBox, ...]:
    """A picture's worth of objects, many times over: enough to count errors in."""
    rng = np.random.default_rng(5)
    boxes: list[SampleBox] = []
    for _ in range(30):
        x, y, side = rng.uniform(0, 600), rng.uniform(0, 440), rng.uniform(20, 38)
        name = CLASSES[int(rng.integers(len(CLASSES)))]
        boxes.append(SampleBox(class_name=name, xyxy=(float(x), float(y), float(x + side), float(y + side))))
    return tuple(boxes)


def digest(folder: Path, truth: SampleTruth) -> str:
    """A hash of all pixels and labels."""
    total = hashlib.sha256(repr(truth).encode())
    for image in truth.images:
        total.update(read_image(folder / image.file).tobytes())
    return total.hexdigest()


def test_a_seed_fixes_pixels_and_labels(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        truth = generate_sample(tmp_path / name, images=3, seed=seed, width=160, height=120)
        digests.append(digest(tmp_path / name, truth))
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_more_images_leave_the_first_as_they_were(tmp_path: Path) -> None:
    few = generate_sample(tmp_path / "few", images=2, seed=1, width=160, height=120)
    more = generate_sample(tmp_path / "more", images=4, seed=1, width=160, height=120)
    assert few.images == more.images[:2]


def test_the_files_are_images_of_the_stated_size(sample: tuple[Path, SampleTruth]) -> None:
    folder, truth = sample
    assert len(truth.images) == 20
    for image in truth.images:
        assert read_size(folder / image.file) == (image.width, image.height) == (320, 240)


def test_truth_json_gives_back_the_truth(sample: tuple[Path, SampleTruth]) -> None:
    folder, truth = sample
    assert SampleTruth.load(folder / "truth.json") == truth


def test_every_object_and_label_lies_in_its_image(sample: tuple[Path, SampleTruth]) -> None:
    _, truth = sample
    for image in truth.images:
        assert image.objects
        for box in (*image.objects, *image.labels):
            x1, y1, x2, y2 = box.xyxy
            assert 0 <= x1 < x2 <= image.width
            assert 0 <= y1 < y2 <= image.height
            assert box.class_name in truth.classes


def test_classes_differ_in_frequency_and_objects_in_size(sample: tuple[Path, SampleTruth]) -> None:
    _, truth = sample
    boxes = [box for image in truth.images for box in image.objects]
    counts = Counter(box.class_name for box in boxes)
    assert tuple(truth.classes) == CLASSES
    assert counts["coin"] > 1.5 * counts["key"] > 0
    sides = [max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in (box.xyxy for box in boxes)]
    assert max(sides) > 4 * min(sides)


def test_some_objects_overlap_and_some_are_cut_by_the_edge(sample: tuple[Path, SampleTruth]) -> None:
    _, truth = sample
    overlapping = 0
    for image in truth.images:
        boxes = np.array([box.xyxy for box in image.objects])
        pairs = iou(boxes, boxes)
        np.fill_diagonal(pairs, 0)
        overlapping += int((pairs.max(axis=1) > 0.02).sum())
        assert pairs.max() <= 0.36
    assert overlapping > 10
    assert any(box.truncated for image in truth.images for box in image.objects)


def test_an_object_is_where_its_box_says() -> None:
    """The box of a drawn disc is that of its pixels, whatever its place between two pixels."""
    from detcore.sample.objects import draw_coin
    from detcore.sample.relief import Canvas

    for offset in (0.0, 0.3, 0.75):
        canvas = Canvas(radius=20.0, angle=1.0, offset=(offset, 0.5))
        sprite = draw_coin(canvas, np.random.default_rng(1))
        middle = canvas.side / 2 + np.array([offset, 0.5])
        expected = [middle[0] - 20, middle[1] - 20, middle[0] + 20, middle[1] + 20]
        assert np.abs(np.array(sprite.box) - expected).max() <= 0.26
        columns = np.flatnonzero(sprite.alpha.max(axis=0) > 0.5)
        assert columns[0] == pytest.approx(sprite.box[0], abs=0.75)
        assert columns[-1] + 1 == pytest.approx(sprite.box[2], abs=0.75)


def test_the_last_tenth_is_not_labelled_yet(sample: tuple[Path, SampleTruth]) -> None:
    _, truth = sample
    assert [image.verified for image in truth.images] == [True] * 18 + [False] * 2
    assert all(image.labels == () and image.objects for image in truth.images[18:])


def test_labels_are_the_objects_with_the_listed_errors_and_no_others(
    sample: tuple[Path, SampleTruth],
) -> None:
    _, truth = sample
    for image in truth.images[:18]:
        expected = list(image.objects)
        for error in image.errors:
            if error.correct is not None and error.kind is not ErrorKind.DUPLICATE:
                expected.remove(error.correct)
            if error.given is not None:
                expected.append(error.given)
        assert Counter(image.labels) == Counter(expected)


def test_errors_come_as_often_as_announced(many: tuple[SampleBox, ...]) -> None:
    counts: Counter[ErrorKind] = Counter()
    for seed in range(200):
        _, errors = spoil_labels(np.random.default_rng(seed), many, width=640, height=480)
        counts.update(error.kind for error in errors)
    total = 200 * len(many)
    announced = {
        ErrorKind.MISSING: 0.05,
        ErrorKind.WRONG_CLASS: 0.03,
        ErrorKind.SHIFTED: 0.03,
        ErrorKind.SPURIOUS: 0.02,
        ErrorKind.DUPLICATE: 0.01,
    }
    for kind, rate in announced.items():
        # Four standard deviations of a binomial count.
        assert abs(counts[kind] - rate * total) < 4 * (rate * total) ** 0.5 + 1


def test_each_error_is_what_its_name_says(many: tuple[SampleBox, ...]) -> None:
    seen: set[ErrorKind] = set()
    for seed in range(20):
        _, errors = spoil_labels(np.random.default_rng(seed), many, width=640, height=480)
        for error in errors:
            seen.add(error.kind)
            if error.given is None or error.correct is None:
                continue
            overlap = iou(np.array([error.given.xyxy]), np.array([error.correct.xyxy]))[0, 0]
            if error.kind is ErrorKind.SHIFTED:
                assert 0.05 < overlap < 0.5
            elif error.kind is ErrorKind.DUPLICATE:
                assert overlap > 0.7
            else:
                assert error.kind is ErrorKind.WRONG_CLASS
                assert error.given.xyxy == error.correct.xyxy
                assert error.given.class_name != error.correct.class_name
    assert seen == set(ErrorKind)


def test_a_spurious_label_lies_on_nothing(many: tuple[SampleBox, ...]) -> None:
    objects = np.array([box.xyxy for box in many])
    for seed in range(20):
        _, errors = spoil_labels(np.random.default_rng(seed), many, width=640, height=480)
        for error in errors:
            if error.kind is ErrorKind.SPURIOUS:
                assert error.given is not None
                assert iou(np.array([error.given.xyxy]), objects).max() < 0.05


def test_pictures_scale_with_their_size() -> None:
    small, boxes = paint_scene(np.random.default_rng(4), width=320, height=240)
    assert small.shape == (240, 320, 3)
    assert small.dtype == np.uint8
    assert all(box.xyxy[2] - box.xyxy[0] < 110 for box in boxes)


def test_progress_is_told_and_may_stop_the_work(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []

    def stop_at_two(done: int, total: int) -> bool:
        calls.append((done, total))
        return done < 2

    with pytest.raises(Cancelled):
        generate_sample(tmp_path, images=5, seed=1, width=160, height=120, progress=stop_at_two)
    assert calls == [(0, 5), (1, 5), (2, 5)]
    assert not (tmp_path / "truth.json").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(ProjectError, match="images"):
        generate_sample(tmp_path, images=1, seed=1, width=160, height=120)


def test_the_sample_project_holds_images_labels_splits_and_statuses(tmp_path: Path) -> None:
    with create_sample_project(tmp_path, images=40, seed=3) as project:
        truth = SampleTruth.load(tmp_path / "truth.json")
        images = project.images()
        assert project.folder == tmp_path / PROJECT_NAME
        assert [project.image_path(image) for image in images] == [tmp_path / i.file for i in truth.images]
        assert [(item.name, item.key) for item in project.classes()] == list(
            zip(CLASSES, range(1, 7), strict=True)
        )
        assert Counter(image.status for image in images) == {Status.VERIFIED: 36, Status.UNSEEN: 4}
        splits = Counter(image.split for image in images)
        # 36 labelled images in 70, 15 and 15 parts of a hundred: 25.2, 5.4 and 5.4.
        assert splits[None] == 4
        assert splits["train"] in (25, 26)
        assert splits["val"] in (5, 6)
        assert splits["test"] in (5, 6)
        names = {item.id: item.name for item in project.classes()}
        for image, known in zip(images, truth.images, strict=True):
            stored = Counter(
                (names[box.class_id], box.xyxy, box.truncated) for box in project.boxes(image.id)
            )
            assert stored == Counter((box.class_name, box.xyxy, box.truncated) for box in known.labels)


def test_a_sample_is_not_made_over_another(tmp_path: Path) -> None:
    create_sample_project(tmp_path, images=1, seed=1).close()
    before = (tmp_path / "truth.json").read_bytes()
    with pytest.raises(ProjectError, match="already"):
        create_sample_project(tmp_path, images=2, seed=2)
    assert (tmp_path / "truth.json").read_bytes() == before


@pytest.mark.parametrize("name", ["images/001.jpg", "images/other.png", "truth.json"])
def test_a_sample_is_not_made_over_files_of_others(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(b"theirs")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ProjectError, match="already"):
        create_sample_project(tmp_path, images=1, seed=1)
    assert theirs.read_bytes() == b"theirs"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_sample_that_was_cancelled_leaves_nothing_and_can_be_made_again(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        create_sample_project(tmp_path, images=3, seed=1, progress=lambda done, _total: done < 2)
    assert list(tmp_path.iterdir()) == []
    create_sample_project(tmp_path, images=1, seed=1).close()
    assert (tmp_path / "images/001.jpg").is_file()


def test_a_sample_in_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ReticleError, match="file"):
        create_sample_project(tmp_path / "file", images=1, seed=1)
