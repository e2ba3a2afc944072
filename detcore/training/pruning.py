"""A smaller detector out of a trained one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detcore.errors import ConfigError
from detcore.zoo.building import build_detector
from detcore.zoo.checkpoint import Checkpoint, RunState
from detcore.zoo.detectors.reticle import Reticle
from detcore.zoo.summary import detector_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Weights that a training can start from, and what the detector costs ``before`` and ``after``: parameters, and
    multiply-adds of a square image."""

    checkpoint: Checkpoint
    before: tuple[int, int]
    after: tuple[int, int]


def prune_checkpoint(checkpoint: Checkpoint, *, keep: float) -> Pruned:
    """Take out the channels with the smallest scales, so that the share ``keep`` of those in hidden layers stays.

    Raises:
        ConfigError: the detector is none whose channels are known.
    """
    detector = build_detector(
        checkpoint.model,
        num_classes=len(checkpoint.class_ids),
        image_size=checkpoint.image_size,
        options=checkpoint.options,
    )
    if not isinstance(detector, Reticle) or not detector.prunable:
        raise ConfigError(
            f"{checkpoint.model} cannot be pruned", hint="Train and prune reticle-n, reticle-s or reticle-m"
        )
    detector.load_state_dict(checkpoint.kept())
    before = _costs(detector, checkpoint.image_size)
    widths = detector.prune(keep)
    weights = {f"weights.{name}": tensor for name, tensor in detector.state_dict().items()}
    options = {**checkpoint.options, "widths": widths}
    smaller = replace(checkpoint, state=RunState(), options=options, tensors=weights)
    return Pruned(checkpoint=smaller, before=before, after=_costs(detector, checkpoint.image_size))


def _costs(detector: Reticle, image_size: int) -> tuple[int, int]:
    layers = detector_costs(detector, frame=(image_size, image_size))
    return detector.parameter_count(), sum(layer.macs for layer in layers)
