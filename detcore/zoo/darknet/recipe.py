"""How a `.cfg` says that its network is trained, in the terms of our settings. Free of torch.

A run here is as long as the user says, so what darknet counts in batches out of ``max_batches`` is taken as
shares of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detcore.wording import counted
from detcore.zoo.darknet.cfg import Cfg, Section
from detcore.zoo.darknet.shapes.boxes import HEADS
from detcore.zoo.spec import Recipe

_MOST_ROTATION, _MOST_HUE, _MOST_CHANGE, _MOST_SPREAD = 45.0, 0.5, 1.0, 0.5
_USUAL_BATCH, _USUAL_AT_A_TIME = 64, 8
_RANDOM_COEFFICIENT = 1.4
"""``random=1`` draws sizes from 1/1.4 to 1.4 of the usual one."""
_MIXED = 0.5
"""The share of images that darknet mixes."""
_POLICIES = ("constant", "steps", "step", "poly", "exp", "sigmoid", "sgdr")
_MOST_STEPS = 8


def batch_of(net: Section) -> tuple[int, int]:
    """How many images a step has, for which the rate is meant, and how many of them go through the network at a
    time: ``batch``, and that over ``subdivisions``. ``batch=1`` stands in files that were last used to test, and
    is no rule for training: then the 64 that darknet's networks are trained with."""
    batch = net.whole("batch", 1, low=1)
    if batch == 1:
        return _USUAL_BATCH, _USUAL_AT_A_TIME
    return batch, max(1, batch // net.whole("subdivisions", 1, low=1))


def recipe_of(cfg: Cfg) -> Recipe:
    """The optimiser, the rate and its course.

    Raises:
        ConfigError: the policy is not known, or a number cannot be.
    """
    net = cfg.net
    rate, momentum, decay = (
        net.number(key, usual)
        for key, usual in (("learning_rate", 0.001), ("momentum", 0.9), ("decay", 0.0001))
    )
    if rate <= 0:
        raise net.fault("learning_rate", "more than 0 is expected")
    if not 0 <= momentum < 1:
        raise net.fault("momentum", "a number from 0 up to 1 is expected")
    if decay < 0:
        raise net.fault("decay", "at least 0 is expected")
    course = course_of(net)
    batch, at_a_time = batch_of(net)
    return Recipe(
        learning_rate=rate,
        batch_size=batch,
        largest_batch=max(at_a_time, 16),
        optimiser="adam" if net.flag("adam") else "sgd",
        momentum=momentum,
        weight_decay=decay,
        schedule="expression" if course else "constant",
        expression=course,
    )


def settings_of(cfg: Cfg) -> Mapping[str, Any]:
    """What it says besides, as values of training settings by their names. Colours change as it says and not
    otherwise."""
    net = cfg.net
    batch, at_a_time = batch_of(net)
    heads = [layer for layer in cfg.layers if layer.kind in HEADS]
    spread = max((_spread_of_sizes(head) for head in heads if head.kind != "detection"), default=0.0)
    return {
        "batch_size": at_a_time,
        "accumulate": max(1, batch // at_a_time),
        "warmup_steps": 0,
        "rotation": min(abs(net.number("angle", 0.0)), _MOST_ROTATION),
        "flip_horizontal": net.flag("flip", default=True),
        "scale_jitter": min(2 * max(head.number("jitter", 0.2) for head in heads), _MOST_CHANGE),
        "colour_jitter": False,
        "saturation": _spread(net.number("saturation", 1.0)),
        "brightness": _spread(net.number("exposure", 1.0)),
        "hue": min(abs(net.number("hue", 0.0)), _MOST_HUE),
        "mosaic": _MIXED if net.flag("mosaic") else 0.0,
        "mixup": _MIXED if net.flag("mixup") else 0.0,
        "multi_scale": spread,
    }


def course_of(net: Section) -> str:
    """The rate as an expression of ``t``, the share of the run, and ``step``; "" where it stays as it is.

    For ``burn_in`` batches, though no more than a tenth of the run, it grows with the power of their share (4
    unless ``power`` says otherwise); then it goes as ``policy`` says.

    Raises:
        ConfigError: the policy is not known here, or cannot be.
    """
    course, burn_in = _policy(net), net.whole("burn_in", 0, low=0)
    if not burn_in:
        return "" if course == "1" else course
    share = f"max((step + 1)/{burn_in}, 10*t)"
    return f"{share}**{net.number('power', 4.0):g} if {share} < 1 else {course}"


def _policy(net: Section) -> str:
    policy = net.text("policy", "constant")
    match policy:
        case "constant":
            return "1"
        case "steps":
            return _steps(net)
        case "step":
            every, scale = net.number("step", 1.0), net.number("scale", 1.0)
            if every <= 0 or scale <= 0:
                raise net.fault("step", "a number above 0 is expected, and a scale above 0")
            done = f"{_length(net)}*t"
            return f"{scale:g}**(({done} - {done}%{every:g})/{every:g})"
        case "poly":
            _length(net)
            return f"(1 - t)**{net.number('power', 4.0):g}"
        case "exp":
            return f"{_gamma(net):g}**({_length(net)}*t)"
        case "sigmoid":
            middle = net.number("step", 1.0)
            return f"1/(1 + exp(min(700, {_gamma(net):g}*({_length(net)}*t - {middle:g}))))"
        case "sgdr":
            return _one_cycle(net)
        case "random":
            raise net.fault("policy", "a rate drawn anew at each step is not known here")
        case _:
            raise net.fault("policy", f"known are {', '.join(_POLICIES)}")


def _steps(net: Section) -> str:
    """At each step that has been reached the rate is multiplied by its scale, which may be more than one."""
    length, steps, scales = _length(net), net.numbers("steps"), net.numbers("scales")
    if len(scales) < len(steps):
        raise net.fault("scales", f"{counted(len(steps), 'number is', 'numbers are')} expected, one a step")
    if len(steps) > _MOST_STEPS:
        raise net.fault("steps", f"at most {counted(_MOST_STEPS, 'step')} can be had here")
    if list(steps) != sorted(steps):
        raise net.fault("steps", "numbers that grow are expected")
    factor, course = 1.0, ""
    for at, scale in zip(steps, scales, strict=False):
        if at >= length:
            break
        if at > 0:
            course += f"{factor:.6g} if t < {at / length:.6g} else "
        factor *= scale
    return f"({course}{factor:.6g})" if course else f"{factor:.6g}"


def _one_cycle(net: Section) -> str:
    """Half a cosine down to ``learning_rate_min``. Raises ConfigError for more than one cycle."""
    length, rate = net.number("max_batches", 0.0), net.number("learning_rate", 0.001)
    if net.number("sgdr_cycle", length) < length:
        raise net.fault("sgdr_cycle", "one cycle is known here; leave it away, or let it be max_batches")
    if net.numbers("steps", ()):
        raise net.fault("steps", "they go with policy=steps here")
    low = net.number("learning_rate_min", 0.00001) / rate if rate else 0.0
    return f"{low:.6g} + {(1 - low) / 2:.6g}*(1 + cos(pi*t))"


def _gamma(net: Section) -> float:
    gamma = net.number("gamma", 1.0)
    if gamma <= 0:
        raise net.fault("gamma", "a number above 0 is expected")
    return gamma


def _length(net: Section) -> int:
    """In batches. Raises ConfigError where it is not said, since all that is counted in batches is a share of it."""
    if net.number("max_batches", 0.0) < 1:
        raise net.fault("max_batches", f"it is needed for policy={net.text('policy', 'constant')}")
    return net.whole("max_batches", low=1)


def _spread(factor: float) -> float:
    """Darknet draws a factor from 1 / f to f; ours from 1 − s to 1 + s."""
    return min(max(abs(factor), 1 / max(abs(factor), 1e-3)) - 1, _MOST_CHANGE)


def _spread_of_sizes(head: Section) -> float:
    """How much smaller and larger batches are, at most."""
    chosen = head.number("random", 0.0)
    if not chosen:
        return 0.0
    coefficient = _RANDOM_COEFFICIENT if chosen == 1 else abs(chosen)
    return min(round(max(coefficient, 1 / coefficient) - 1, 4), _MOST_SPREAD)


def told_of_batch(net: Section) -> Sequence[str]:
    """What to say where ``batch`` is no rule for training."""
    if "batch" not in net.values or net.whole("batch", 1, low=1) > 1:
        return ()
    line = net.values["batch"].line
    return (f"line {line}: batch=1 is for tests, so a step has {_USUAL_BATCH} images",)
