"""The prediction that follows a training is tried before it begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from detcore.images.tiles import Tiling
from detcore.inference.predictor import Predictor
from detcore.jobs.child.predicting import rehearse
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.zoo.base import Look
from detcore.zoo.checkpoint import Checkpoint, RunState
from detcore.zoo.detectors.reticle import Reticle, build_n
from detcore.zoo.running import OutOfMemoryError
from detcore.zoo.specs.reticle import ReticleOptions

MakeRun = Callable[..., RunFolder]
CPU = torch.device("cpu")


def checkpoint(*, tiling: Tiling | None = None, **config: Any) -> Checkpoint:
    tensors = {f"ema.{name}": value for name, value in build_n(2, 64, ReticleOptions()).state_dict().items()}
    return Checkpoint(
        state=RunState(),
        model="reticle-n",
        class_ids=(11, 12),
        image_size=64,
        config=config,
        tiling=tiling,
        tensors=tensors,
    )


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[int]]:
    """Lets an image or tile take so many seconds, of a clock that stands still otherwise; how many are looked at each
    time."""

    def slow_down(seconds: float) -> list[int]:
        now, looked, look = [0.0], list[int](), Reticle.look

        def slow_look(detector: Reticle, images: Tensor) -> list[Look]:
            now[0] += seconds * len(images)
            looked.append(len(images))
            return look(detector, images)

        monkeypatch.setattr("detcore.inference.predictor.time", SimpleNamespace(monotonic=lambda: now[0]))
        monkeypatch.setattr(Reticle, "look", slow_look)
        return looked

    return slow_down


@pytest.mark.parametrize(
    ("seconds", "minutes", "looked"),
    [
        (0.5, 10.0, [1, 3]),  # after half a second 1.5 are left of two
        (0.1, 10.0, [1, 8]),  # no more than eight are read
        (5.0, 10.0, [1, 1]),
        (0.14, 1.25, [1, 4]),  # a hundredth of 75 seconds is 0.75; 0.61 are left
        (0.5, None, [1, 3]),
    ],
)
def test_after_one_image_as_many_are_looked_at_as_there_is_time_for(
    make_run: MakeRun,
    looks: Callable[[float], list[int]],
    seconds: float,
    minutes: float | None,
    looked: list[int],
) -> None:
    heard = looks(seconds)
    snapshot = Snapshot.load(make_run(images=22, val=4).snapshot)
    config = {"minutes": minutes} if minutes else {"minutes": None, "epochs": 2}
    assert rehearse(checkpoint(**config), CPU, snapshot) == pytest.approx(seconds)
    assert heard == looked


@pytest.mark.parametrize(("seconds", "looked"), [(0.5, [1, 3]), (5.0, [1, 1])])
def test_of_an_image_in_tiles_some_are_looked_at_for_all(
    make_run: MakeRun, looks: Callable[[float], list[int]], seconds: float, looked: list[int]
) -> None:
    """Images of 96 x 64 have three times two tiles of 32."""
    heard = looks(seconds)
    snapshot = Snapshot.load(make_run(images=3, val=1).snapshot)
    tiled = checkpoint(tiling=Tiling(side=32, overlap=0))
    assert rehearse(tiled, CPU, snapshot) == pytest.approx(6 * seconds)
    assert heard == looked


def test_images_that_lie_evenly_are_read_as_far_as_they_can_be(
    make_run: MakeRun, looks: Callable[[float], list[int]]
) -> None:
    """Eight that lie evenly among 22 are three apart."""
    heard = looks(0.01)
    snapshot = Snapshot.load(make_run(images=22, val=4).snapshot)
    for row in (0, 3, 6, 9, 12):
        Path(snapshot.images[row].path).unlink()
    assert rehearse(checkpoint(), CPU, snapshot) == pytest.approx(0.01)
    assert heard == [1, 3]


def test_where_no_image_can_be_read_nothing_is_known(make_run: MakeRun) -> None:
    snapshot = Snapshot.load(make_run(images=3, val=1).snapshot)
    for image in snapshot.images:
        Path(image.path).unlink()
    assert rehearse(checkpoint(), CPU, snapshot) == 0.0


def test_it_draws_no_random_number_of_the_run(make_run: MakeRun) -> None:
    weights, snapshot = checkpoint(), Snapshot.load(make_run(images=3, val=1).snapshot)
    before = torch.get_rng_state()
    assert rehearse(weights, CPU, snapshot) > 0.0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_prediction_that_memory_runs_out_at_ends_no_training(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_arguments: object, **_named: object) -> None:
        raise OutOfMemoryError("memory ran out")

    monkeypatch.setattr(Predictor, "seconds_per_image", run_out)
    snapshot = Snapshot.load(make_run(images=3, val=1).snapshot)
    assert rehearse(checkpoint(), CPU, snapshot) == 0.0
