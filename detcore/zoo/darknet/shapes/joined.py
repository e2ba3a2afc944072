"""Layers that read others than the one before."""

from __future__ import annotations

from detcore.wording import counted
from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.shapes.shape import Done, Shape

SOURCES = {"route": "layers", "shortcut": "from", "scale_channels": "from", "sam": "from"}
"""Kinds of layers that name others, and the key for it."""
_WEIGHTS = {"none": 0, "per_feature": 1, "per_layer": 1, "per_channel": 2}
_NORMALIZATIONS = ("none", "relu", "avg_relu", "softmax")


def route(section: Section, before: list[Shape]) -> Done:
    groups, part = section.whole("groups", 1, low=1), section.whole("group_id", 0, low=0)
    if part >= groups:
        raise section.fault("group_id", f"it has {counted(groups, 'group')}, counted from 0")
    if any(shape.channels % groups for shape in before):
        raise section.fault("groups", "the channels cannot be divided so")
    if len({(shape.height, shape.width) for shape in before}) > 1:
        raise section.fault("layers", "they are of unlike sizes")
    channels = sum(shape.channels // groups for shape in before)
    return Done(after=Shape(channels=channels, height=before[0].height, width=before[0].width))


def weights_of_shortcut(section: Section, before: list[Shape]) -> tuple[int, int] | None:
    """(inputs, 1 or channels) of the weights of a sum; None where it has none. Raises ConfigError for other kinds
    of weights."""
    kind, norm = section.text("weights_type", "none"), section.text("weights_normalization", "none")
    if kind not in _WEIGHTS:
        raise section.fault("weights_type", f"known are {', '.join(_WEIGHTS)}")
    if norm not in _NORMALIZATIONS:
        raise section.fault("weights_normalization", f"known are {', '.join(_NORMALIZATIONS)}")
    if not _WEIGHTS[kind]:
        return None
    return len(before), before[0].channels if kind == "per_channel" else 1


def shortcut(section: Section, before: list[Shape]) -> Done:
    if any((shape.height, shape.width) != (before[0].height, before[0].width) for shape in before):
        raise section.fault("from", "they are of unlike sizes")
    weights = weights_of_shortcut(section, before)
    return Done(after=before[0], numbers=0 if weights is None else weights[0] * weights[1])


def scale_channels(section: Section, before: list[Shape]) -> Done:
    """The features of another layer times one number a channel, or a place, of the layer before."""
    scales, features = before
    wanted = (
        Shape(channels=1, height=features.height, width=features.width)
        if section.flag("scale_wh")
        else Shape(channels=features.channels, height=1, width=1)
    )
    if scales != wanted:
        raise section.fault("from", f"{features} need {wanted} before this layer, there are {scales}")
    return Done(after=features)


def sam(section: Section, before: list[Shape]) -> Done:
    """The features of two layers times one another."""
    if before[0] != before[1]:
        raise section.fault("from", f"{before[0]} and {before[1]} are of unlike shapes")
    return Done(after=before[0])
