"""Layers that gather, spread or move places, and have no weights."""

from __future__ import annotations

from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.shapes.shape import Done, Shape, Step, strides


def pool_step(section: Section) -> Step:
    """How a pooling goes over features. Of what is put around them the left has half, rounded down."""
    across, down = strides(section)
    size = section.whole("size", section.whole("stride", 1, low=1), low=1)
    return Step(size=size, across=across, down=down, padding=section.whole("padding", size - 1, low=0))


def pooled(section: Section, before: list[Shape]) -> Done:
    """Of the largest of a window, or of the mean of it."""
    for key in ("maxpool_depth", "antialiasing", "maxpool_zero_nonmax"):
        if section.flag(key):
            raise section.fault(key, "this is not known here")
    step = pool_step(section)
    if step.padding >= 2 * step.size:
        raise section.fault("padding", "windows would lie outside of the features")
    return Done(after=step.over(before[0], section, channels=before[0].channels))


def avgpool(_section: Section, before: list[Shape]) -> Done:
    return Done(after=Shape(channels=before[0].channels, height=1, width=1))


def upsample(section: Section, before: list[Shape]) -> Done:
    stride = section.whole("stride", 2, low=1)
    given = before[0]
    return Done(
        after=Shape(channels=given.channels, height=given.height * stride, width=given.width * stride)
    )


def reorg(section: Section, before: list[Shape]) -> Done:
    stride, given = section.whole("stride", 1, low=1), before[0]
    for key in ("reverse", "extra", "flatten"):
        if section.flag(key):
            raise section.fault(key, "this is not known here")
    if given.height % stride or given.width % stride or given.channels % (stride * stride):
        raise section.fault("stride", f"{given} cannot be divided so")
    return Done(
        after=Shape(
            channels=given.channels * stride * stride,
            height=given.height // stride,
            width=given.width // stride,
        )
    )


def same(_section: Section, before: list[Shape]) -> Done:
    """Of layers that keep the shape."""
    return Done(after=before[0])
