"""What only a GPU shows: short precisions learn, and its memory is back after every end."""

from __future__ import annotations

import copy
import gc
import math
from collections.abc import Callable

import pytest
import torch

from detcore.errors import ReticleError
from detcore.jobs.events import EndReason, Event, Log, Step
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.machine import dummy_batch, go_through
from detcore.training.recomputing import recompute_stages
from detcore.training.session import Session
from detcore.training.trainer import Trainer
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.running import Compute, OutOfMemoryError

MakeRun = Callable[..., RunFolder]
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def train(run: RunFolder, *, stop_at: int | None = None) -> tuple[EndReason | None, list[Event]]:
    """How the run ended, ``None`` where it failed."""
    heard: list[Event] = []
    flags = StopFlags()

    def emit(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Step) and event.step == stop_at:
            flags.stop.set()

    try:
        return Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train().reason, heard
    except ReticleError:
        return None, heard


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_in_each_precision_learns_finite_weights(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr("detcore.training.hooks._MOST_OFTEN", 0.0)
    run = make_run(images=15, val=3, device="cuda", precision=precision, epochs=8)
    reason, heard = train(run)
    steps = [event for event in heard if isinstance(event, Step)]
    assert reason is EndReason.COMPLETED
    assert len(steps) == 24
    assert all(math.isfinite(value) for event in steps for value in event.losses.values())
    kept = read_checkpoint(run.last)
    assert (kept.state.device_type, kept.state.precision) == ("cuda", precision)
    assert all(bool(values.isfinite().all()) for values in kept.part("weights").values())
    losses = [sum(event.losses.values()) for event in steps]
    assert sum(losses[-6:]) < sum(losses[:6])


def held() -> int:
    """Bytes on the GPU that something still refers to."""
    gc.collect()
    torch.cuda.synchronize()
    return torch.cuda.memory_allocated()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("end", ["completed", "stopped", "failed", "out of memory"])
def test_the_memory_is_back_after_every_end(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, precision: str, end: str
) -> None:
    monkeypatch.setattr("detcore.training.hooks._MOST_OFTEN", 0.0)
    settings = {"device": "cuda", "precision": precision, "epochs": 2}
    train(make_run(name="001-first", **settings))  # cuBLAS keeps its workspace from then on
    before = held()
    if end in ("failed", "out of memory"):
        fault = torch.OutOfMemoryError("CUDA out of memory") if end != "failed" else ReticleError("a fault")

        def fail(_trainer: Trainer, _norm: float, _paths: list[str]) -> None:
            assert torch.cuda.memory_allocated() > before
            raise fault

        monkeypatch.setattr(Trainer, "_apply", fail)
    reason, _ = train(make_run(name="002-second", **settings), stop_at=2 if end == "stopped" else None)
    expected = {"completed": EndReason.COMPLETED, "stopped": EndReason.STOPPED}
    assert reason is expected.get(end)
    if end in ("failed", "out of memory"):
        fault.__traceback__ = None  # the test's own exception holds the frames that raised it
    assert held() == before


def test_sparing_memory_lowers_the_peak() -> None:
    compute = Compute(torch.device("cuda"), "bf16")
    detector = compute.place(build_detector("reticle-s", num_classes=3, image_size=640))
    spared = copy.deepcopy(detector)
    recompute_stages(spared)
    images, targets = dummy_batch(3, batch_size=8, size=640, objects=4, compute=compute)
    peaks: list[int] = []
    for each in (detector, spared):
        go_through(each, compute, images, targets)  # the first time cuDNN and cuBLAS take what they keep
        each.zero_grad(set_to_none=True)
        begin = held()
        torch.cuda.reset_peak_memory_stats()
        go_through(each, compute, images, targets)
        peaks.append(torch.cuda.max_memory_allocated() - begin)
        each.zero_grad(set_to_none=True)
    assert peaks[1] < 0.7 * peaks[0]


@pytest.mark.filterwarnings("ignore")
def test_a_run_is_compiled_and_learns(make_run: MakeRun) -> None:
    run = make_run(device="cuda", precision="bf16", compile=True, multi_scale=0.5)
    reason, heard = train(run)
    assert reason is EndReason.COMPLETED
    told = [event.text for event in heard if isinstance(event, Log)]
    assert any("is compiled" in text for text in told), told
    assert all(bool(values.isfinite().all()) for values in read_checkpoint(run.last).part("weights").values())


def test_memory_that_runs_out_is_told_as_such(make_run: MakeRun) -> None:
    run = make_run(device="cuda", image_size=96, batch_size=4)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-5)
    try:
        with pytest.raises(OutOfMemoryError):
            Session(run, attempt=0, emit=lambda _event: None, flags=StopFlags(), group=Group()).train()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
