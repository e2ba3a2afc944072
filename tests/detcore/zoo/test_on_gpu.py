"""On a GPU every detector learns in bf16, and answers what it answers on the processor."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

from detcore.training.optimisers import make_optimiser, orthogonal
from detcore.zoo.base import Detector, Look, Target
from detcore.zoo.building import build_detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.installed import missing_for
from detcore.zoo.running import Compute

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def build(model: str) -> Detector:
    """With the small backbone where there is a choice, of transformers the smallest that it can make."""
    if detectors()[model].family == "transformers":
        return import_module("tests.detcore.zoo.tiny_transformers").tiny_detector(model)
    torch.manual_seed(0)
    choices = {item.name: item.choices for item in detectors()[model].option_list()}
    small = "mobilenet_v3_large"
    options = {"backbone": small} if small in choices.get("backbone", ()) else {}
    return build_detector(model, num_classes=3, image_size=128, options=options)


def pictures() -> torch.Tensor:
    """(4, 3, 128, 128) uint8: squares of eight pixels, which are harder to confuse than noise."""
    squares = torch.randint(
        256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    return squares.repeat_interleave(8, 2).repeat_interleave(8, 3)


def targets(device: torch.device) -> list[Target]:
    boxes = torch.tensor([[8.0, 8.0, 60.0, 60.0], [70.0, 20.0, 120.0, 90.0]], device=device)
    labels = torch.tensor([0, 2], device=device)
    return [
        Target(boxes=boxes[:count], labels=labels[:count], ignore=torch.zeros(0, 4, device=device))
        for count in (2, 1, 0, 2)
    ]


@pytest.mark.parametrize("model", [spec.id for spec in detectors().values() if missing_for(spec) is None])
def test_a_step_in_bf16_has_finite_losses_in_fp32_and_leaves_finite_weights(model: str) -> None:
    compute = Compute(GPU, "bf16")
    detector = compute.place(build(model)).train()
    optimiser = make_optimiser(detector, detectors()[model].recipe, device=GPU)
    before = {name: value.detach().clone() for name, value in detector.named_parameters()}
    with compute.autocast():
        losses = detector.losses(compute.images(pictures()), targets(GPU))
    assert {value.dtype for value in losses.values()} == {torch.float32}
    assert all(bool(torch.isfinite(value)) for value in losses.values()), losses
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    optimiser.step()
    after = dict(detector.named_parameters())
    assert all(bool(torch.isfinite(value).all()) for value in after.values())
    assert any(not torch.equal(value, before[name]) for name, value in after.items())


def test_matrices_are_made_orthogonal_without_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    given = torch.randn(4, 64, 576, generator=torch.Generator().manual_seed(0))
    given[:, 1:] *= 1e-3
    (wanted,), (found,) = orthogonal([given]), orthogonal([given.to(GPU)])
    torch.testing.assert_close(found.cpu(), wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "model",
    [
        spec.id
        for spec in detectors().values()
        if spec.deploy and spec.id != "centernet" and spec.family != "transformers"
    ],
)
def test_the_answers_are_those_of_the_processor(model: str) -> None:
    """In fp32 without TF32, as predictions are made: boxes to 0.02 pixels and 0.01 % of where they lie, scores to 0.00005
    and 0.1 %. That is some twenty times what another order of the sums makes of them on a processor.

    Faster R-CNN, CenterNet and transformers' detectors are left out: which regions the second stage of the first looks at, where
    the second has peaks, and the order of queries are decided between nearly equal scores.
    """
    detector = build(model)
    norms = [layer for layer in detector.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = (
            1.0  # random weights say the same of every place until norms know how large values are
        )
    with torch.no_grad():
        detector.train().losses(Compute(CPU).images(pictures()), targets(CPU))
    detector.eval()
    there = answers(detector, CPU)
    here = answers(detector, GPU)
    for wanted, found in zip(there, here, strict=True):
        torch.testing.assert_close(found["boxes"].cpu(), wanted["boxes"], atol=0.02, rtol=1e-4)
        torch.testing.assert_close(found["scores"].cpu(), wanted["scores"], atol=5e-5, rtol=1e-3)


def answers(detector: Detector, device: torch.device) -> list[Look]:
    compute = Compute(device)
    placed = compute.place(detector)
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return placed.look(compute.images(pictures()))
