"""Layers that tell boxes: how many channels they need before them."""

from __future__ import annotations

from detcore.errors import ConfigError
from detcore.wording import counted
from detcore.zoo.darknet.cfg import Section
from detcore.zoo.darknet.shapes.shape import Done, Shape

HEADS = frozenset({"region", "yolo", "detection"})
"""The kinds of layers that tell boxes."""
BOX_NUMBERS = 5
"""Four of a box, and its objectness."""
_COORDS = 4


def classes_of(section: Section) -> int:
    """How many classes a head tells; darknet's default where it does not say."""
    return section.whole("classes", 1 if section.kind == "detection" else 20, low=1)


def outputs_of_head(section: Section, *, classes: int) -> int:
    """How many channels a head needs before it; of ``detection``, how many outputs."""
    if section.kind == "detection":
        boxes, side = section.whole("num", 1, low=1), section.whole("side", 7, low=1)
        return side * side * (classes + boxes * BOX_NUMBERS)
    if section.kind == "region":
        return section.whole("num", 1, low=1) * (classes + BOX_NUMBERS)
    return len(mask_of(section)) * (classes + BOX_NUMBERS)


def mask_of(section: Section) -> tuple[int, ...]:
    """Which anchors a ``[yolo]`` layer has, by their numbers."""
    total = section.whole("num", 1, low=1)
    mask = section.wholes("mask", range(total), low=0)
    if any(number >= total for number in mask):
        raise section.fault("mask", f"it has {counted(total, 'anchor')}, counted from 0")
    return mask


def head(section: Section, before: list[Shape]) -> Done:
    """What it is given, checked. Raises ConfigError for a head that cannot be."""
    _check_coords(section)
    if section.kind != "detection":
        wanted = 2 * section.whole("num", 1, low=1)
        anchors = section.numbers("anchors")
        if len(anchors) != wanted:
            raise section.fault("anchors", f"{counted(wanted, 'number is', 'numbers are')} expected")
        if any(side <= 0 for side in anchors):
            raise section.fault("anchors", "numbers above 0 are expected")
    classes = classes_of(section)
    needed, given = outputs_of_head(section, classes=classes), before[0]
    has = given.size if section.kind == "detection" else given.channels
    if has != needed:
        word = "output" if section.kind == "detection" else "filters"
        raise ConfigError(
            f"[{section.kind}] with {counted(classes, 'class', 'classes')} needs {counted(needed, 'channel')} before it, and has {has:,}",
            path=section.path,
            line=section.line,
            hint=f"Write {word}={needed} into the layer before it",
        )
    return Done(after=given)


def _check_coords(section: Section) -> None:
    usual = 1 if section.kind == "detection" else _COORDS
    if section.kind != "yolo" and section.whole("coords", usual) != _COORDS:
        raise section.fault("coords", f"boxes have {_COORDS} numbers here; write coords={_COORDS}")
