"""How a `.cfg` says that its network is trained, in the terms of our settings. Free of torch.

A run here is as long as the user says, so what darknet counts in batches out of ``max_batches`` is taken as shares of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detcore.zoo.darknet.cfg import Cfg
from detcore.zoo.spec import Recipe

_MOST_ROTATION, _MOST_HUE, _MOST_CHANGE = 45.0, 0.5, 1.0
_SIZES_OF_RANDOM = 0.4
"""``random=1`` draws sizes from 1/1.4 to 1.4 of the usual one."""


def recipe_of(cfg: Cfg) -> Recipe:
    """The optimiser, the rate and its course, and how many images go through the network at a time: ``batch`` over ``subdivisions``.

    Raises:
        ConfigError: the policy is not known.
    """
    net = cfg.net
    policy = net.text("policy", "constant")
    schedules = {
        "constant": "constant",
        "steps": "steps",
        "step": "steps",
        "poly": "linear",
        "sgdr": "cosine",
    }
    if policy not in schedules:
        raise net.fault("policy", f"known are {', '.join(schedules)}")
    at_a_time = max(1, net.whole("batch", 1, low=1) // net.whole("subdivisions", 1, low=1))
    return Recipe(
        learning_rate=net.number("learning_rate", 0.001),
        batch_size=at_a_time,
        largest_batch=max(at_a_time, 16),
        optimiser="adamw" if net.flag("adam") else "sgd",
        momentum=net.number("momentum", 0.9),
        weight_decay=net.number("decay", 0.0005),
        schedule=schedules[policy],  # type: ignore[arg-type]
    )


def settings_of(cfg: Cfg) -> Mapping[str, Any]:
    """What it says besides, as values of training settings by their names."""
    net = cfg.net
    length = net.number("max_batches", 0.0)
    settings: dict[str, Any] = {
        "accumulate": net.whole("subdivisions", 1, low=1),
        "warmup_steps": net.whole("burn_in", 0, low=0),
        "rotation": min(abs(net.number("angle", 0.0)), _MOST_ROTATION),
        "saturation": _spread(net.number("saturation", 1.0)),
        "brightness": _spread(net.number("exposure", 1.0)),
        "hue": min(abs(net.number("hue", 0.0)), _MOST_HUE),
        "mosaic": 0.5 if net.flag("mosaic") else 0.0,
        "multi_scale": _SIZES_OF_RANDOM if any(layer.flag("random") for layer in _heads(cfg)) else 0.0,
    }
    if net.text("policy", "constant") == "steps" and length:
        settings["milestones"] = ", ".join(
            f"{min(at / length, 1.0):.3g}" for at in net.numbers("steps", ()) if at > 0
        )
        scales = net.numbers("scales", ())
        if scales:
            settings["rate_drop"] = min(max(scales[-1], 0.01), 1.0)
    return settings


def _spread(factor: float) -> float:
    """Darknet draws a factor from 1 / f to f; ours from 1 − s to 1 + s."""
    return min(max(abs(factor), 1 / max(abs(factor), 1e-3)) - 1, _MOST_CHANGE)


def _heads(cfg: Cfg) -> list[Any]:
    return [layer for layer in cfg.layers if layer.kind in ("yolo", "region", "detection")]
