"""Whole runs that look at tiles: they learn, go on, and predict as they learnt."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from detcore.curation.emphasis import Emphasis, ErrorPlaces, ImageErrors
from detcore.data.samples import make_samples
from detcore.errors import ConfigError
from detcore.evaluation.label_answers import AnswerRecorder
from detcore.images.tiles import Tiling
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.jobs import events
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import EndReason, Event
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot, SnapshotImage
from detcore.training.distributed import Group
from detcore.training.session import Session, TrainingResult
from detcore.types import Box, ObjectClass, Status
from detcore.zoo.checkpoint import read_checkpoint, write_checkpoint
from tests.columns import ground_truth

WIDTH, HEIGHT = 300, 220


def make_large(folder: Path, **settings: object) -> RunFolder:
    """Three images of 300 × 220 with squares of 12 pixels, to be seen at 64."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(2)
    images: list[SnapshotImage] = []
    boxes: list[Box] = []
    for number in range(1, 4):
        image = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        for _ in range(6):
            x, y = int(rng.integers(0, WIDTH - 12)), int(rng.integers(0, HEIGHT - 12))
            image[y : y + 12, x : x + 12] = (220, 60, 60)
            boxes.append(
                Box(id=len(boxes) + 1, image_id=number, class_id=11, x1=x, y1=y, x2=x + 12, y2=y + 12)
            )
        path = folder / "images" / f"{number}.png"
        cv2.imwrite(str(path), image[:, :, ::-1])
        images.append(
            SnapshotImage(
                id=number,
                path=str(path),
                width=WIDTH,
                height=HEIGHT,
                split="val" if number > 2 else "train",
                status=Status.VERIFIED,
            )
        )
    run = RunFolder(folder)
    Snapshot(
        classes=(ObjectClass(id=11, name="square", color="#ff0000"),),
        images=tuple(images),
        ground_truth=ground_truth(boxes),
    ).save(run.snapshot)
    values = {
        "minutes": None,
        "epochs": 1,
        "device": "cpu",
        "image_size": 64,
        "batch_size": 8,
        "precision": "fp32",
        "threads": 1,
    }
    run.config.write_text(TrainConfig.from_dict({**values, **settings}).to_json(), encoding="utf-8")
    return run


def train(
    run: RunFolder, on_event: Callable[[Event, StopFlags], None] | None = None
) -> tuple[TrainingResult, list[Event]]:
    heard: list[Event] = []
    flags = StopFlags()

    def emit(event: Event) -> None:
        heard.append(event)
        if on_event is not None:
            on_event(event, flags)

    return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train(), heard


def said(heard: list[Event]) -> str:
    return " ".join(event.text for event in heard if isinstance(event, events.Log))


# Twice as large, 12 would be 24 long and tiles of 32, whose half does not hold 12, twice 4 / 2 and one. In tiles of 64
# twice 4 are 8.
CHOSEN = Tiling(side=64, overlap=21)


def test_a_run_on_large_images_of_small_things_takes_tiles_and_says_so(tmp_path: Path) -> None:
    run = make_large(tmp_path / "run")
    result, heard = train(run)
    assert result.reason is EndReason.COMPLETED
    text = said(heard)
    assert "tiles of 64 pixels, 21 of them in common" in text
    assert "12 pixels long for the detector there; in whole images it would be 3" in text
    # 2 images of 7 × 5 tiles; each with objects has one without beside it
    told = re.search(
        r"(\d+) tiles have objects and (\d+) have none. .* drawn (\d+) times in all and .* (\d+) times", text
    )
    assert told is not None
    objects, without, *drawn = map(int, told.groups())
    assert objects + without == 2 * 35
    assert drawn == [objects, objects]
    assert 2 * objects <= result.state.drawn < 2 * objects + 8
    assert read_checkpoint(run.last).tiling == CHOSEN
    validations = [event for event in heard if isinstance(event, events.Validation)]
    assert validations
    assert not any(np.isnan(event.metrics["AP"]) for event in validations)


def test_a_run_with_and_without_tiles_warns_of_images_with_more_objects_than_figures_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image that it is judged by has six squares."""
    run = make_large(tmp_path / "run", tiles="off")
    assert "objects of one class" not in said(train(run)[1])
    monkeypatch.setattr("detcore.data.samples.MAX_DETECTIONS", (1, 5))
    run = make_large(tmp_path / "crowded", tiles="off")
    assert "1 image to judge by has more than 5 objects of one class" in said(train(run)[1])
    run = make_large(tmp_path / "tiles")
    assert "1 image to judge by has more than 5 objects of one class" in said(train(run)[1])


def test_a_run_with_tiles_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, parts = (make_large(tmp_path / name, epochs=2) for name in ("whole", "parts"))
    train(whole)

    def stop_early(event: Event, flags: StopFlags) -> None:
        if isinstance(event, events.Step):
            flags.stop.set()

    stopped, _ = train(parts, stop_early)
    assert stopped.reason is EndReason.STOPPED
    resumed, _ = train(parts)
    assert 0 < stopped.state.step < resumed.state.step
    one, other = read_checkpoint(whole.last).tensors, read_checkpoint(parts.last).tensors
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name[:6] == "weight")


def test_a_run_goes_on_with_the_tiles_that_it_began_with(tmp_path: Path) -> None:
    run = make_large(tmp_path / "run", tiles="off")
    _, heard = train(run, lambda event, flags: flags.stop.set() if isinstance(event, events.Step) else None)
    assert "tiles" not in said(heard)
    assert read_checkpoint(run.last).tiling is None
    run.config.write_text(run.config.read_text().replace('"off"', '"auto"'))
    _, heard = train(run)
    assert "tiles" not in said(heard)


def test_the_weights_of_a_run_with_tiles_predict_in_tiles(tmp_path: Path) -> None:
    run = make_large(tmp_path / "run", tiles="128")
    train(run)
    snapshot = Snapshot.load(run.snapshot)
    checkpoint = best_checkpoint(run)
    assert checkpoint.tiling is not None
    assert checkpoint.tiling.side == 128
    for name, value in checkpoint.tensors.items():
        if name.endswith("classes.2.bias"):
            value.fill_(-2.0)  # so that a detector of few steps finds something
    predictor = Predictor(checkpoint, torch.device("cpu"))
    frames: list[tuple[int, ...]] = []
    look = predictor.detector.look
    predictor.detector.look = lambda images: (frames.append(tuple(images.shape)), look(images))[1]  # type: ignore[method-assign]
    samples = make_samples(snapshot, snapshot.images[:2])
    recorder = AnswerRecorder(snapshot.ground_truth, image_ids=[1, 2], class_ids=predictor.class_ids)
    counts: list[tuple[int, int]] = []
    found = predictor.predict(
        samples,
        problem=lambda error: pytest.fail(str(error)),
        progress=lambda done, total: counts.append((done, total)) is None,
        hear=recorder.hear,
    )
    assert found is not None
    assert {shape[2:] for shape in frames} == {(64, 64)}
    # they share 12, twice 4 at half size and one: 29. 300 less 29, by 99, are 3; 220 less 29, by 99, are 2
    assert sum(shape[0] for shape in frames) == 2 * 3 * 2
    assert counts[-1] == (2, 2)
    assert found.boxes[:, 2].max() > WIDTH - 60  # boxes lie all over the image
    answers = recorder.answers()
    assert len(answers) == 24  # each label at its own place and at that of the other image
    assert set(answers.image_ids.tolist()) == {1, 2}


def test_errors_make_the_tiles_that_they_are_in_come_more_often(tmp_path: Path) -> None:
    """One false alarm of a pixel at the corner of an image: of its 35 tiles it is in one."""
    run = make_large(tmp_path / "run", hard_negatives=1.0)
    Emphasis(
        run="000-before",
        threshold=0.5,
        iou_threshold=0.5,
        images={2: ImageErrors(false_positives=1, misses=0)},
        places={2: ErrorPlaces(false_positives=((0.0, 0.0, 1.0, 1.0),), misses=())},
    ).save(run.emphasis)
    _, heard = train(run)
    assert "1 of 70 tiles drawn more often" in said(heard)
    assert "without objects, which take turns, come sooner" in said(heard)


def test_errors_of_which_nobody_knows_where_they_are_make_all_tiles_of_their_image_come_more_often(
    tmp_path: Path,
) -> None:
    run = make_large(tmp_path / "run", oversample=3.0)
    errors = {2: ImageErrors(false_positives=0, misses=5)}
    Emphasis(run="000-before", threshold=0.5, iou_threshold=0.5, images=errors).save(run.emphasis)
    _, heard = train(run)
    assert "35 of 70 tiles drawn more often" in said(heard)


def test_a_checkpoint_with_tiles_that_make_no_sense_is_no_checkpoint(tmp_path: Path) -> None:
    run = make_large(tmp_path / "run", tiles="128")
    train(run)
    checkpoint = read_checkpoint(run.last)
    object.__setattr__(checkpoint.tiling, "overlap", 100)
    write_checkpoint(checkpoint, run.last)
    with pytest.raises(ConfigError, match="not a whole checkpoint"):
        read_checkpoint(run.last)
