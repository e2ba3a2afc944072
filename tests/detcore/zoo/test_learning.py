"""Every detector of the catalogue learns one image, and is again what it was when its state is put back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from detcore.zoo.base import Detector
from detcore.zoo.catalogue import detectors
from detcore.zoo.checkpoint import Checkpoint, RunState, write_checkpoint
from detcore.zoo.weights import load_weights
from tests.detcore.zoo.test_detectors import LARGE, NAMES, build, target

STEPS, FEW = 20, 4
"""Few for the one that takes as long for a step as all others together."""
RATES = {"faster-rcnn": 1e-4}
"""Those for whom the rate of the others is too high: it draws other proposals as soon as it has learnt."""
BOX = (8.0, 16.0, 40.0, 48.0)
LIKE_RETICLE_N = ("reticle-s", "reticle-m", "reticle-s-pretrained")


def pictures(name: str) -> Tensor:
    """(B, 3, 64, 96): a bright rectangle on black, wider than high, twice where norms learn from it."""
    count = 1 if name == LARGE or detectors()[name].family == "transformers" else 2
    images = torch.zeros(count, 3, 64, 96)
    x1, y1, x2, y2 = map(int, BOX)
    images[:, 0, y1:y2, x1:x2] = 1.0
    return images


def step(detector: Detector, optimiser: torch.optim.Optimizer, images: Tensor, number: int) -> float:
    """The loss before it. What is drawn follows from its number, alike for the first three and the last three."""
    torch.manual_seed(number % 3)
    losses = detector.losses(images, [target(BOX, label=1)] * len(images))
    total = torch.stack(list(losses.values())).sum()
    optimiser.zero_grad()
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
    optimiser.step()
    return float(total.detach())


def optimiser_of(detector: Detector, rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW([item for item in detector.parameters() if item.requires_grad], lr=rate)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LIKE_RETICLE_N])
def test_steps_lower_the_loss_and_the_last_of_them_are_repeated_from_a_state(name: str) -> None:
    steps = FEW if name == LARGE else STEPS
    stop = steps - 2
    ends = min(3, steps // 4)
    images = pictures(name)
    detector = build(name, num_classes=2, size=96).train()
    rate = RATES.get(name, 1e-3)
    optimiser = optimiser_of(detector, rate)
    losses: list[float] = []
    kept: dict[str, Any] = {}
    for number in range(steps):
        if number == stop:
            kept = copy.deepcopy({"detector": detector.state_dict(), "optimiser": optimiser.state_dict()})
        losses.append(step(detector, optimiser, images, number))
    assert sum(losses[-ends:]) < 0.99 * sum(losses[:ends])

    again = build(name, num_classes=2, size=96).train()
    again.load_state_dict(kept["detector"])
    optimiser = optimiser_of(again, rate)
    optimiser.load_state_dict(kept["optimiser"])
    repeated = [step(again, optimiser, images, number) for number in range(stop, steps)]
    assert repeated == pytest.approx(losses[stop:], rel=1e-4)
    with torch.no_grad():
        one, other = (net.eval().detect(images[:1])[0] for net in (detector, again))
    torch.testing.assert_close(one["scores"], other["scores"], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(one["boxes"], other["boxes"], atol=1e-2, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_comes_later_leaves_what_is_known_of_the_others(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint(
        state=RunState(),
        model=name,
        class_ids=(1, 2),
        class_names=("cat", "dog"),
        image_size=96,
        config={},
        tensors={f"weights.{key}": value for key, value in build(name, 2, 96).state_dict().items()},
    )
    write_checkpoint(checkpoint, tmp_path / "w.safetensors")
    later = build(name, 3, 96)
    report = load_weights(later, tmp_path / "w.safetensors", class_names=("cat", "dog", "owl"))
    assert (report.missing, report.mismatched, report.unexpected) == ((), (), ())
    assert (report.known_classes, report.new_classes) == (("cat", "dog"), ("owl",))
