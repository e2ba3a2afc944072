"""Training in 16 bit: losses are scaled so that gradients neither vanish nor overflow, and a resumed run goes on with
the same scale.

Numbers are those of IEEE 754 half precision (largest 65504, smallest 2⁻²⁴ = 6e-8) and of Micikevicius et al. 2018 and
torch's documentation of its scaler: 65536 to begin with, half after each overflow, twice after 2000 steps without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from detcore.jobs.events import Event, Step
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.failures import TrainingError
from detcore.training.machine import choose_precision
from detcore.training.session import Session
from detcore.training.trainer import Hook, Trainer
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.checkpoint import read_checkpoint, restore_scaler, scaler_tensors
from detcore.zoo.running import Compute
from tests.detcore.training.small import descend, small_batch, small_detector, white_images

CPU = torch.device("cpu")


class Line(Detector):
    """One weight, multiplied with the brightness of an image; the gradient of the loss is ``slope``."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.num_classes = 1
        self.layer = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.layer.weight)
        self.slope = slope

    def losses(self, images: Tensor, targets: list[Target]) -> dict[str, Tensor]:
        answers = self.layer(images.amax(dim=(2, 3))[:, :1])
        return {"class": answers.float().sum() * self.slope}

    def look(self, images: Tensor) -> list[Look]:
        raise NotImplementedError


class Scales(Hook):
    """What the loss is multiplied by, and the weight, after each step."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, float]] = []

    def after_step(self, trainer: Trainer) -> None:
        assert isinstance(trainer.detector, Line)
        self.heard.append((trainer.scaler.get_scale(), float(trainer.detector.layer.weight.detach())))


def run_line(
    slope: float, *, steps: int, scaler: dict[str, Tensor] | None = None
) -> list[tuple[float, float]]:
    """The scales and weights of that many steps of plain descent at rate 1."""
    compute, scales = Compute(CPU, "fp16"), Scales()
    grad_scaler = compute.scaler()
    restore_scaler(grad_scaler, scaler or {})
    stream = SimpleNamespace(batches=white_images)
    descend(Line(slope), stream, hooks=[scales], steps=steps, compute=compute, scaler=grad_scaler)
    return scales.heard


def test_a_step_whose_gradient_overflows_is_left_out_and_halves_the_scale() -> None:
    # 65536 · 1 is more than 65504, 32768 · 1 is not
    assert run_line(1.0, steps=3) == [(32768.0, 0.0), (32768.0, -1.0), (32768.0, -2.0)]


def test_a_gradient_that_is_nothing_in_half_precision_is_learnt_from_all_the_same() -> None:
    slope = 2.0**-26
    assert float(torch.tensor(slope).half()) == 0.0
    # 2⁻²⁶ · 2¹⁶ is 2⁻¹⁰
    assert run_line(slope, steps=1) == [(65536.0, -slope)]


def test_the_scale_doubles_after_two_thousand_steps_without_an_overflow() -> None:
    before = {"scale": torch.tensor(1024.0), "steps": torch.tensor(1998.0)}
    assert [scale for scale, _ in run_line(1.0, steps=2, scaler=before)] == [1024.0, 2048.0]


def test_a_gradient_that_no_scale_mends_ends_the_run() -> None:
    # 16 halvings from 65536 to 1, then the ten steps on end that no run bears
    with pytest.raises(TrainingError, match="gradient of 10 steps on end is not a number at step 25"):
        run_line(1e9, steps=100)


def test_gradients_in_half_precision_are_those_of_full_precision_to_rounding() -> None:
    images, targets = small_batch()
    gradients: list[Tensor] = []
    for compute in (Compute(CPU), Compute(CPU, "fp16")):
        detector, scaler = small_detector().train(), compute.scaler()
        restore_scaler(scaler, {"scale": torch.tensor(1024.0), "steps": torch.tensor(0.0)})
        with compute.autocast():
            losses = detector.losses(images, targets)
        torch.autograd.backward(scaler.scale(torch.stack(list(losses.values())).sum()))
        found = [item.grad.flatten() for item in detector.parameters() if item.grad is not None]
        gradients.append(torch.cat(found) / scaler.get_scale())
    full, half = gradients
    assert bool((half != full).any())
    assert float((half - full).norm() / full.norm()) < 0.05


def train(run: RunFolder, *, stop_at: int | None = None) -> None:
    flags = StopFlags()

    def emit(event: Event) -> None:
        if isinstance(event, Step) and event.step == stop_at:
            flags.stop.set()

    Session(run, attempt=0, emit=emit, flags=flags, group=Group()).train()


def test_a_resumed_run_in_half_precision_ends_as_an_uninterrupted_one(
    make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    monkeypatch.setattr("detcore.training.hooks._MOST_OFTEN", 0.0)
    whole, parts = (
        make_run(name=name, images=5, val=1, epochs=2, batch_size=2, image_size=64, precision="fp16")
        for name in ("001-whole", "002-parts")
    )
    train(whole)
    train(parts, stop_at=2)
    between = read_checkpoint(parts.last)
    assert (between.state.step, between.state.precision) == (2, "fp16")
    assert float(between.part("scaler")["scale"]) < 65536  # so that there is something to go on with
    train(parts)
    one, other = read_checkpoint(whole.last), read_checkpoint(parts.last)
    assert one.tensors.keys() == other.tensors.keys()
    apart = [float((one.tensors[name].double() - other.tensors[name]).abs().max()) for name in one.tensors]
    assert max(apart) <= 1e-6
    assert (one.state.step, one.state.drawn) == (other.state.step, other.state.drawn) == (4, 8)


def test_a_scaler_that_is_off_leaves_nothing_in_checkpoints() -> None:
    assert scaler_tensors(Compute(CPU, "bf16").scaler()) == {}


@pytest.mark.parametrize(("seconds", "chosen"), [(0.8, "fp16"), (0.95, "fp32")])
def test_a_gpu_without_bf16_takes_fp16_where_that_is_faster(
    monkeypatch: pytest.MonkeyPatch, seconds: float, chosen: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda **_how: False)
    monkeypatch.setattr(
        "detcore.training.machine._step_seconds",
        lambda _detector, compute, _size: 1.0 if compute.precision == "fp32" else seconds,
    )
    gpu = torch.device("cuda")
    assert choose_precision(small_detector(), gpu, "auto", size=64) == Compute(gpu, chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(("bf16", "precision"), [(True, "bf16"), (False, "fp32"), (None, None)])
def test_a_checkpoint_from_before_there_was_fp16_keeps_its_precision(
    tmp_path: Path, bf16: bool | None, precision: str | None
) -> None:
    record = {"state": {"bf16": bf16}, "model": "reticle-s", "class_ids": [1], "image_size": 64, "config": {}}
    path = tmp_path / "last.safetensors"
    save_file({"weights.a": torch.zeros(1)}, path, metadata={"reticle": json.dumps(record)})
    assert read_checkpoint(path).state.precision == precision
