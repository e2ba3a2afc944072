"""Layers with weights: convolutions, shared or of each place, and connections of all with all."""

from __future__ import annotations

from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.shapes.shape import Done, Shape, Step, strides

_UNKNOWN = (
    "xnor",
    "binary",
    "bin_output",
    "antialiasing",
    "assisted_excitation",
    "flipped",
    "coordconv",
    "sway",
    "rotate",
    "stretch",
    "stretch_sway",
    "reverse",
    "dot",
)
_LOCAL_SIZES = (1, 3)


def is_normed(section: Section) -> bool:
    """Whether a layer has a batch norm. That over several steps (``cbn``) has the same numbers."""
    return section.flag("batch_normalize") or section.flag("cbn")


def dilation_of(section: Section) -> int:
    """Of a convolution; one of a single place has none."""
    return section.whole("dilation", 1, low=1) if section.whole("size", 1, low=1) > 1 else 1


def padding_of(section: Section) -> int:
    """Of a convolution, on each side."""
    size = section.whole("size", 1, low=1)
    around = size // 2 if section.flag("pad") else section.whole("padding", 0, low=0)
    return around * dilation_of(section)


def convolutional(section: Section, before: list[Shape]) -> Done:
    given = before[0]
    filters, size = section.whole("filters", 1, low=1), section.whole("size", 1, low=1)
    groups = section.whole("groups", 1, low=1)
    for key in _UNKNOWN:
        if section.flag(key):
            raise section.fault(key, "this is not known here")
    if "share_index" in section.values:
        raise section.fault("share_index", "weights that two layers share are not known here")
    if given.channels % groups or filters % groups:
        raise section.fault("groups", f"{given.channels} and {filters} channels cannot be divided so")
    across, down = strides(section)
    reach = dilation_of(section) * (size - 1) + 1
    step = Step(size=reach, across=across, down=down, padding=2 * padding_of(section))
    after = step.over(given, section, channels=filters)
    weights = filters * (given.channels // groups) * size * size
    return Done(after=after, numbers=weights + filters * (4 if is_normed(section) else 1))


def connected(section: Section, before: list[Shape]) -> Done:
    outputs = section.whole("output", 1, low=1)
    weights = outputs * before[0].size
    return Done(
        after=Shape(channels=outputs, height=1, width=1),
        numbers=weights + outputs * (4 if is_normed(section) else 1),
    )


def local(section: Section, before: list[Shape]) -> Done:
    given = before[0]
    filters, size = section.whole("filters", 1, low=1), section.whole("size", 1, low=1)
    stride, padded = section.whole("stride", 1, low=1), section.flag("pad")
    if padded and size not in _LOCAL_SIZES:
        # darknet takes the flag for the number of places and leaves a part of what it makes undefined
        raise section.fault("pad", "in darknet this is right for windows of 1 and 3 alone")
    step = Step(size=size, across=stride, down=stride, padding=size - 1 if padded else 0)
    after = step.over(given, section, channels=filters)
    places = after.height * after.width
    weights = given.channels * filters * size * size * places
    return Done(after=after, numbers=weights + filters * places)
