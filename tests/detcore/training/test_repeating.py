"""Runs that are to repeat exactly do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import torch

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
    torch.set_num_threads(2)
    one, other = (
        train(
            make_run(
                name=name,
                images=5,
                val=1,
                epochs=2,
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
