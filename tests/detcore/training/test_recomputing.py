"""Layers whose answers are computed again learn what they would have learnt; only memory is spared."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from detcore.jobs.events import Event, Log
from detcore.jobs.worker_process import StopFlags
from detcore.project.runs import RunFolder
from detcore.training.distributed import Group
from detcore.training.recomputing import recompute_stages
from detcore.training.session import Session
from detcore.zoo.base import Detector
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import read_checkpoint
from detcore.zoo.running import Compute
from tests.detcore.training.small import small_batch, small_detector

MOBILENET = {"backbone": "mobilenet_v3_large", "freeze_norm": False, "regions": 16}
DETECTORS: list[tuple[str, dict[str, Any]]] = [
    ("reticle-n", {}),
    ("reticle-s-pretrained", {}),
    ("ssdlite320", {}),
    ("faster-rcnn", MOBILENET),
]


class Learnt:
    """What a step of a detector gives: its losses, and gradients and buffers by name; ``kept`` are the activations that it
    kept for the gradients, apart from what a stage is given."""

    def __init__(self, detector: Detector) -> None:
        self.kept = 0
        weights = {item.untyped_storage().data_ptr() for item in detector.parameters()}

        def keep(values: Tensor) -> Tensor:
            if values.untyped_storage().data_ptr() not in weights:
                self.kept += values.numel()
            return values

        torch.manual_seed(5)  # of the places that Faster R-CNN draws
        images, targets = small_batch()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
            losses = detector.train().losses(images, targets)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        self.losses = {name: float(loss.detach()) for name, loss in losses.items()}
        self.gradients = {
            name: item.grad for name, item in detector.named_parameters() if item.grad is not None
        }
        self.buffers = dict(detector.named_buffers())


@pytest.mark.parametrize(("model", "options"), DETECTORS)
def test_losses_gradients_and_running_statistics_are_equal(model: str, options: dict[str, Any]) -> None:
    torch.manual_seed(3)
    detector = build_detector(model, num_classes=2, image_size=64, options=options)
    other = copy.deepcopy(detector)
    assert recompute_stages(other)
    plain, again = Learnt(detector), Learnt(other)
    assert again.losses == plain.losses
    assert again.gradients.keys() == plain.gradients.keys()
    for name, gradient in plain.gradients.items():
        assert torch.equal(again.gradients[name], gradient), name
    for name, values in plain.buffers.items():
        assert torch.equal(again.buffers[name], values), name
    norms = [norm for norm in other.modules() if isinstance(norm, nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms if norm.num_batches_tracked is not None} == {1}
    assert again.kept < plain.kept / 2
    assert list(other.state_dict()) == list(detector.state_dict())


def test_a_copy_has_stages_of_its_own() -> None:
    detector = small_detector()
    recompute_stages(detector)
    other = copy.deepcopy(detector).eval()
    images, _ = small_batch()
    before = detector.eval().predict(images).logits
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(detector.predict(images).logits, before)
    assert not other.predict(images).logits.any()


def train(run: RunFolder) -> list[Event]:
    heard: list[Event] = []
    Session(run, attempt=0, emit=heard.append, flags=StopFlags(), group=Group()).train()
    return heard


def test_a_run_that_spares_memory_ends_with_the_same_weights(
    make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    steps: list[bool] = []
    monkeypatch.setattr(
        "detcore.training.recomputing.checkpoint",
        lambda *inputs, **how: (steps.append(True), torch.utils.checkpoint.checkpoint(*inputs, **how))[1],
    )
    plain, spared = (
        make_run(name=name, images=5, val=1, epochs=2, image_size=64, checkpoint_activations=spares)
        for name, spares in (("001-plain", False), ("002-spared", True))
    )
    train(plain)
    assert not steps
    train(spared)
    assert steps
    one, other = (read_checkpoint(run.last).tensors for run in (plain, spared))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_detector_without_stages_says_so(
    make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detcore.training.session.build_detector", lambda *_names, **_sizes: small_detector())
    monkeypatch.setattr("detcore.zoo.detectors.reticle.Reticle.stages", Detector.stages)
    heard = train(make_run(images=3, val=1, epochs=1, image_size=64, checkpoint_activations=True))
    assert any("names no stages" in event.text for event in heard if isinstance(event, Log))


def test_a_stage_in_half_precision_is_computed_again_in_it() -> None:
    images, targets = small_batch()
    found: list[list[Tensor]] = []
    for spares in (False, True):
        detector = small_detector().train()
        if spares:
            recompute_stages(detector)
        with Compute(torch.device("cpu"), "bf16").autocast():
            losses = detector.losses(images, targets)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        found.append([item.grad for item in detector.parameters() if item.grad is not None])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
