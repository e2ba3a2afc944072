"""Predicting with the weights of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from detcore.data.samples import Sample
from detcore.errors import ConfigError
from detcore.evaluation.label_answers import ANSWER_FLOOR
from detcore.inference.predictor import Predictor, best_checkpoint
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.runtime import Runtime
from detcore.project.runs import RunFolder
from detcore.zoo.base import Look
from detcore.zoo.checkpoint import Checkpoint, RunState, write_checkpoint
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.running import OutOfMemoryError, Runner

CPU = torch.device("cpu")


def checkpoint(step: int = 1, best_ap: float | None = None) -> Checkpoint:
    torch.manual_seed(step)
    tensors = {f"ema.{name}": value for name, value in Reticle(2).state_dict().items()}
    for name, value in tensors.items():
        if name.endswith("classes.2.bias"):
            value.fill_(-2.0)  # so that an untrained detector finds something
    return Checkpoint(
        state=RunState(step=step, best_ap=best_ap),
        model="reticle-s",
        class_ids=(31, 42),
        image_size=64,
        config={},
        tensors=tensors,
    )


def samples(folder: Path, count: int, width: int = 200, height: int = 100) -> list[Sample]:
    rng = np.random.default_rng(0)
    found: list[Sample] = []
    for number in range(count):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        found.append(
            Sample(
                image_id=number,
                path=str(path),
                boxes=np.zeros((0, 4), np.float32),
                labels=np.zeros(0, np.int64),
                ignore=np.zeros((0, 4), np.float32),
            )
        )
    return found


def fail(error: Exception) -> None:
    raise error


def test_the_best_weights_are_taken_before_the_last(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(ConfigError, match="no weights yet"):
        best_checkpoint(run)
    write_checkpoint(checkpoint(2), run.last)
    assert best_checkpoint(run).state.step == 2
    # weights without a figure were never judged, and so are not the best
    write_checkpoint(checkpoint(1), run.best)
    assert best_checkpoint(run).state.step == 2
    write_checkpoint(checkpoint(1, best_ap=0.4), run.best)
    assert best_checkpoint(run).state.step == 1


def test_weights_that_are_all_damaged_are_named(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.best.write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"best\.safetensors"):
        best_checkpoint(run)


def test_detections_are_in_pixels_of_the_original_with_class_ids(tmp_path: Path) -> None:
    found = Predictor(checkpoint(), CPU).predict(samples(tmp_path, 3), problem=fail)
    assert found is not None
    assert len(found) > 0
    assert set(found.labels.tolist()) <= {31, 42}
    assert float(found.boxes[:, 2].max()) > 64  # beyond the frame that the network saw
    assert (found.boxes[:, 2] <= 200).all()
    assert (found.boxes[:, 3] <= 100).all()
    assert np.bincount(found.image_ids).max() <= 100


def test_the_answers_behind_detections_are_told_in_pixels_of_the_original(tmp_path: Path) -> None:
    heard: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    found = Predictor(checkpoint(), CPU).predict(
        samples(tmp_path, 3),
        problem=fail,
        hear=lambda image_id, boxes, scores: heard.update({image_id: (boxes, scores)}),
    )
    assert found is not None
    assert set(heard) == {0, 1, 2}
    boxes, scores = heard[1]
    assert boxes.shape == (len(scores), 4)
    assert scores.shape[1] == 2
    assert float(scores.max(axis=1).min()) >= ANSWER_FLOOR
    # the best detection is the best answer, cut to the image
    best = int(np.argmax(scores.max(axis=1)))
    own = found.take(found.image_ids == 1)
    assert scores[best].max() == pytest.approx(own.scores.max())
    assert np.clip(boxes[best], 0, [200, 100, 200, 100]) == pytest.approx(
        own.boxes[own.scores.argmax()], abs=0.01
    )


def test_an_image_is_found_the_same_alone_and_among_others(tmp_path: Path) -> None:
    images = samples(tmp_path, 3)
    predictor = Predictor(checkpoint(), CPU)
    together, alone = predictor.predict(images, problem=fail), predictor.predict(images[1:2], problem=fail)
    assert together is not None
    assert alone is not None
    own = together.take(together.image_ids == 1)
    np.testing.assert_allclose(own.scores, alone.scores, atol=1e-5)


def test_no_images_give_no_detections() -> None:
    found = Predictor(checkpoint(), CPU).predict([], problem=fail)
    assert found is not None
    assert len(found) == 0


def test_progress_that_returns_false_ends_it(tmp_path: Path) -> None:
    found = Predictor(checkpoint(), CPU).predict(
        samples(tmp_path, 2), problem=fail, progress=lambda _done, _total: False
    )
    assert found is None


def test_when_memory_runs_out_smaller_batches_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = Runner.__call__

    def call(self: Runner, images: torch.Tensor) -> object:
        sizes.append(len(images))
        if len(images) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return real(self, images)

    monkeypatch.setattr(Runner, "__call__", call)
    found = Predictor(checkpoint(), CPU).predict(samples(tmp_path, 5), problem=fail)
    assert found is not None
    assert sizes[-1] <= 2
    assert set(found.image_ids.tolist()) == set(range(5))


def test_when_one_image_is_too_much_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(_self: Runner, _images: torch.Tensor) -> None:
        raise MemoryError

    monkeypatch.setattr(Runner, "__call__", call)
    with pytest.raises(OutOfMemoryError, match="memory ran out"):
        Predictor(checkpoint(), CPU).predict(samples(tmp_path, 1), problem=fail)


def test_convolutions_are_not_rounded_to_tf32_while_predicting_and_as_before_afterwards(
    tmp_path: Path,
) -> None:
    before, during = torch.backends.cudnn.allow_tf32, list[bool]()

    def progress(_done: int, _total: int) -> bool:
        during.append(torch.backends.cudnn.allow_tf32)
        return True

    Predictor(checkpoint(), CPU).predict(
        samples(tmp_path, 1), problem=lambda error: pytest.fail(str(error)), progress=progress
    )
    assert during == [False]
    assert torch.backends.cudnn.allow_tf32 == before


@pytest.mark.parametrize(
    ("flips", "twice", "views"), [(True, True, 2), (True, False, 1), (False, True, 1)], ids=str
)
def test_a_run_that_looks_twice_sees_mirror_images_too_if_it_has_learnt_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flips: bool, twice: bool, views: int
) -> None:
    config = TrainConfig(augmentation=Augmentation(flip_horizontal=flips), runtime=Runtime(look_twice=twice))
    seen: list[torch.Tensor] = []
    look = Reticle.look

    def watch(detector: Reticle, images: torch.Tensor) -> list[Look]:
        seen.append(images)
        return look(detector, images)

    monkeypatch.setattr(Reticle, "look", watch)
    predictor = Predictor(replace(checkpoint(), config=config.to_dict()), CPU)
    assert predictor.predict(samples(tmp_path, 1), problem=fail) is not None
    assert len(seen) == views
    if views == 2:
        assert torch.equal(seen[1], seen[0].flip(-1))
