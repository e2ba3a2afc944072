"""The prediction that follows a training is tried before it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
import torch

from detcore.data.samples import Sample
from detcore.inference.predictor import Predictor
from detcore.jobs.child.predicting import rehearse
from detcore.project.runs import RunFolder
from detcore.project.snapshot import Snapshot
from detcore.zoo.checkpoint import Checkpoint, RunState
from detcore.zoo.detectors.reticle import build_n
from detcore.zoo.running import OutOfMemoryError
from detcore.zoo.spec import NoOptions

MakeRun = Callable[..., RunFolder]
CPU = torch.device("cpu")


def checkpoint() -> Checkpoint:
    tensors = {f"ema.{name}": value for name, value in build_n(2, 64, NoOptions()).state_dict().items()}
    return Checkpoint(
        state=RunState(), model="reticle-n", class_ids=(11, 12), image_size=64, config={}, tensors=tensors
    )


def test_some_images_are_looked_at_for_two_seconds_after_one_that_does_not_count(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five seconds for the very first image and half a second for each other: the fourth one ends it."""
    now, looked = [0.0], list[list[int]]()

    def predict(
        _predictor: Predictor,
        samples: Sequence[Sample],
        *,
        progress: Callable[[int, int], bool],
        **_named: object,
    ) -> None:
        looked.append([])
        for done, sample in enumerate(samples, start=1):
            now[0] += 0.5 if len(looked) > 1 else 5.0
            looked[-1].append(sample.image_id)
            if not progress(done, len(samples)):
                return

    monkeypatch.setattr("detcore.jobs.child.predicting.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Predictor, "predict", predict)
    snapshot = Snapshot.load(make_run(images=22, val=4).snapshot)
    assert rehearse(checkpoint(), CPU, snapshot, go_on=lambda: True) == 0.5
    assert looked == [[1], [1, 4, 7, 10]]  # eight that lie evenly among 22 are three apart


def test_it_draws_no_random_number_of_the_run(make_run: MakeRun) -> None:
    weights, snapshot = checkpoint(), Snapshot.load(make_run(images=3, val=1).snapshot)
    before = torch.get_rng_state()
    assert rehearse(weights, CPU, snapshot, go_on=lambda: True) > 0.0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_prediction_that_memory_runs_out_at_ends_no_training(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(*_arguments: object, **_named: object) -> None:
        raise OutOfMemoryError("memory ran out")

    monkeypatch.setattr(Predictor, "predict", predict)
    snapshot = Snapshot.load(make_run(images=3, val=1).snapshot)
    assert rehearse(checkpoint(), CPU, snapshot, go_on=lambda: True) == 0.0
