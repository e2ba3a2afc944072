"""Runs that are to repeat exactly do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import torch

from detcore.jobs.events import Event, Validation
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.session import Session
from detcore.training.trainer import Trainer
from detcore.zoo.checkpoint import read_checkpoint
from tests.detcore.training.small import small_detector

MakeRun = Callable[..., RunFolder]
_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@pytest.fixture(autouse=True)
def settings_of_torch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(_WORKSPACE, raising=False)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    os.environ.pop(_WORKSPACE, None)


def train(run: RunFolder) -> dict[str, torch.Tensor]:
    Session(run, attempt=0, emit=lambda _event: None, flags=StopFlags(), group=Group()).train()
    return read_checkpoint(run.last).tensors


def test_two_runs_end_with_weights_equal_to_the_last_bit(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is measured could be another thing the next time
    monkeypatch.setattr("detcore.training.machine._step_seconds", lambda *_step: pytest.fail("measured"))
    monkeypatch.setattr("detcore.training.session.ThreadHook", lambda *_governor: pytest.fail("governed"))
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    torch.set_num_threads(1)  # two on a busy machine wait for each other most of the time
    one, other = (
        train(
            make_run(
                name=name,
                images=5,
                val=1,
                epochs=1,
                batch_size=2,
                image_size=64,
                mosaic=0.5,
                precision="auto",
                threads=None,
                deterministic=True,
            )
        )
        for name in ("001-one", "002-other")
    )
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_they_are_judged_after_each_epoch_whatever_the_clock_says(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the best weights, which are those that are kept, would be of a step that chance has chosen."""
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    heard: list[Event] = []
    run = make_run(
        images=5,
        val=1,
        epochs=3,
        batch_size=2,
        image_size=64,
        validate_every_seconds=1e-6,
        deterministic=True,
    )
    Session(run, attempt=0, emit=heard.append, flags=StopFlags(), group=Group()).train()
    assert [event.step for event in heard if isinstance(event, Validation)] == [2, 4, 6]  # of two images each


@pytest.mark.parametrize("wanted", [True, False])
def test_torch_is_told_to_add_in_the_same_order_or_not(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    told: list[tuple[bool, ...]] = []
    step = Trainer._backward

    def watch(trainer: Trainer, module: torch.nn.Module, batch: object) -> dict[str, float]:
        cudnn = torch.backends.cudnn
        told.append(
            (torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, _WORKSPACE in os.environ)
        )
        return step(trainer, module, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_backward", watch)
    train(make_run(images=3, val=1, epochs=1, image_size=64, deterministic=wanted))
    assert told == [(wanted, wanted, wanted)]
