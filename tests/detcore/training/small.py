"""Detectors that learn in no time, and a training without anything beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch.amp.grad_scaler import GradScaler

from detcore.data.batches import TrainStream
from detcore.jobs.config import TrainConfig
from detcore.jobs.settings.augmentation import Augmentation
from detcore.jobs.settings.learning import Learning
from detcore.jobs.worker_process import StopFlags
from detcore.training.distributed import Group
from detcore.training.freezing import Freezing
from detcore.training.load import Load
from detcore.training.telling import Telling
from detcore.training.trainer import Hook, Trainer
from detcore.zoo.base import Detector, Target
from detcore.zoo.checkpoint import RunState
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.parts.backbones.trunks import SplitTrunk
from detcore.zoo.running import Compute

PLAIN = Augmentation(flip_horizontal=False, scale_jitter=0.0, colour_jitter=False)


def small_detector() -> Reticle:
    """The same one each time, of two classes."""
    torch.manual_seed(3)
    return Reticle(2, backbone=SplitTrunk((4, 8, 8, 16, 16)), neck_width=16)


def small_batch(*, side: int = 64, count: int = 2) -> tuple[torch.Tensor, list[Target]]:
    """Images of noise, each with an object of the second class."""
    images = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[8.0, 8.0, 40.0, 48.0]])
    target = Target(boxes=boxes, labels=torch.tensor([1]), ignore=torch.zeros(0, 4))
    return images, [target] * count


def descend(
    detector: Detector,
    stream: object,
    *,
    hooks: Sequence[Hook],
    steps: int = 1,
    rate: float = 1.0,
    batch: int = 1,
    accumulate: int = 1,
    longest: float = 1e9,
    cut: bool = True,
    compute: Compute | None = None,
    scaler: GradScaler | None = None,
) -> None:
    """So many steps of plain descent at a constant rate over what looks like a ``TrainStream``."""
    compute = compute or Compute(torch.device("cpu"))
    learning = Learning(minutes=None, epochs=steps, warmup_steps=0, max_gradient_norm=longest)
    more: dict[str, Any] = {"schedule": "constant", "clip_gradient": cut}
    Trainer(
        detector=detector,
        optimiser=torch.optim.SGD([{"params": list(detector.parameters()), "share": 1.0}], lr=rate),
        scaler=scaler or compute.scaler(),
        freezing=Freezing(detector, {}),
        stream=cast("TrainStream", stream),
        compute=compute,
        config=TrainConfig(learning=learning, augmentation=PLAIN).with_settings(more),
        load=Load(batch_size=batch, accumulate=accumulate, image_size=64),
        learning_rate=rate,
        images=batch * accumulate,
        state=RunState(full_from=0),
        hooks=hooks,
        flags=StopFlags(),
        group=Group(),
        telling=Telling(lambda _event: None, Group(), ()),
    ).run()


def white_images(**_how: Any) -> Iterator[SimpleNamespace]:
    """White images of which each counts as a pass."""
    drawn = 0
    while True:
        drawn += 1
        yield SimpleNamespace(
            images=torch.full((1, 3, 2, 2), 255, dtype=torch.uint8),
            boxes=[torch.zeros(0, 4)],
            labels=[torch.zeros(0, dtype=torch.int64)],
            scores=[torch.zeros(0)],
            ignore=[torch.zeros(0, 4)],
            paths=["a.png"],
            image_ids=[1],
            drawn=drawn,
        )
