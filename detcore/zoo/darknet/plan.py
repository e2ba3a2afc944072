"""What the layers of a `.cfg` do to the shape of an image, checked before anything is built. Free of torch.

The rules are those of darknet's parser (Redmon 2013–2018; Bochkovskiy's fork for groups, several shortcuts and
`scale_x_y`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detcore.errors import ConfigError
from detcore.zoo.darknet.cfg import Cfg, Section

IMAGE = -1
"""Stands for the image among the inputs of a layer."""
_SHORT_NAMES = {"conv": "convolutional", "conn": "connected", "max": "maxpool", "avg": "avgpool"}
_BOX_NUMBERS = 5
_MOST_SIDE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of the features of one image."""

    channels: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.channels * self.height * self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One section: which layers it reads (by index, ``IMAGE``), the shape of the first of them and its own, how many numbers it
    has in a `.weights` file, and its multiply-adds an image."""

    index: int
    section: Section
    inputs: tuple[int, ...]
    before: Shape
    after: Shape
    numbers: int = 0
    macs: int = 0

    @property
    def kind(self) -> str:
        """In darknet's long name."""
        return long_name(self.section.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole network."""

    cfg: Cfg
    image: Shape
    layers: tuple[Layer, ...]

    @property
    def heads(self) -> tuple[Layer, ...]:
        """The layers that tell boxes."""
        return tuple(layer for layer in self.layers if layer.kind in HEADS)

    @property
    def classes(self) -> int:
        """How many classes it tells."""
        return self.heads[0].section.whole("classes", 20)

    @property
    def numbers(self) -> int:
        """How many numbers its `.weights` file has: those that learn, and the means and variances."""
        return sum(layer.numbers for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def stride(self) -> int:
        """Sides of images must be multiples of this; of a network with a fixed size, that size."""
        if any(layer.kind in ("connected", "local") for layer in self.layers):
            return self.image.width
        return max(max(1, self.image.width // layer.after.width) for layer in self.layers)


def make_plan(cfg: Cfg, *, width: int | None = None, height: int | None = None) -> Plan:
    """The layers of a network for an image of its own size, or of another.

    Raises:
        ConfigError: a layer is not known, or does not fit to those before it; it says which line.
    """
    image = Shape(
        channels=cfg.net.whole("channels", 3, low=1),
        height=height or cfg.net.whole("height", 416, low=1),
        width=width or cfg.net.whole("width", 416, low=1),
    )
    if image.channels != 3:
        raise cfg.net.fault("channels", "images have three channels here")
    if max(image.width, image.height) > _MOST_SIDE:
        raise cfg.net.fault("width", f"images have at most {_MOST_SIDE} pixels a side here")
    layers: list[Layer] = []
    for index, section in enumerate(cfg.layers):
        kind = long_name(section.kind)
        if kind not in _RULES:
            raise ConfigError(
                f"layers of the kind [{section.kind}] are not known here",
                path=section.path,
                line=section.line,
                hint=f"Known are {', '.join(sorted(_RULES))}",
            )
        inputs = _inputs(section, index)
        shapes = [image if source == IMAGE else layers[source].after for source in inputs]
        layer = _RULES[kind](section, shapes)
        layers.append(
            Layer(
                index=index,
                section=section,
                inputs=inputs,
                before=shapes[0],
                after=layer.after,
                numbers=layer.numbers,
                macs=layer.macs,
            )
        )
    plan = Plan(cfg=cfg, image=image, layers=tuple(layers))
    if not plan.heads:
        raise ConfigError(
            "it tells no boxes",
            path=cfg.path,
            line=cfg.net.line,
            hint=f"A detector ends with {' or '.join(sorted(HEADS))}",
        )
    counts = {head.section.whole("classes", 20, low=1) for head in plan.heads}
    if len(counts) > 1:
        raise plan.heads[-1].section.fault("classes", "all of them must tell the same number of classes")
    return plan


def long_name(kind: str) -> str:
    """Darknet's long name of a kind of layer."""
    return _SHORT_NAMES.get(kind, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    after: Shape
    numbers: int = 0
    macs: int = 0


_Rule = Callable[[Section, list[Shape]], _Done]


def _inputs(section: Section, index: int) -> tuple[int, ...]:
    key = {"route": "layers", "shortcut": "from"}.get(section.kind)
    if key is None:
        return (index - 1,)
    sources = tuple(index + source if source < 0 else source for source in section.wholes(key))
    if not sources or any(not 0 <= source < index for source in sources):
        raise section.fault(key, f"there are {index} layers before this one")
    return (index - 1, *sources) if section.kind == "shortcut" else sources


def padding_of(section: Section) -> int:
    """Of a convolution, on each side."""
    size = section.whole("size", 1, low=1)
    return size // 2 if section.flag("pad") else section.whole("padding", 0, low=0)


def _convolutional(section: Section, before: list[Shape]) -> _Done:
    given = before[0]
    filters, size = section.whole("filters", 1, low=1), section.whole("size", 1, low=1)
    stride, groups = section.whole("stride", 1, low=1), section.whole("groups", 1, low=1)
    for key in ("xnor", "binary", "antialiasing", "assisted_excitation", "share_index"):
        if section.flag(key):
            raise section.fault(key, "this is not known here")
    if given.channels % groups or filters % groups:
        raise section.fault("groups", f"{given.channels} and {filters} channels cannot be divided so")
    dilation, padding = section.whole("dilation", 1, low=1), padding_of(section)
    reach = dilation * (size - 1) + 1
    height = (given.height + 2 * padding * dilation - reach) // stride + 1
    width = (given.width + 2 * padding * dilation - reach) // stride + 1
    if min(height, width) < 1:
        raise section.fault("size", f"the features have {given.width}×{given.height} places only")
    weights = filters * (given.channels // groups) * size * size
    normed = section.flag("batch_normalize")
    return _Done(
        after=Shape(channels=filters, height=height, width=width),
        numbers=weights + filters * (4 if normed else 1),
        macs=weights * height * width,
    )


def _connected(section: Section, before: list[Shape]) -> _Done:
    outputs = section.whole("output", 1, low=1)
    weights = outputs * before[0].size
    normed = section.flag("batch_normalize")
    return _Done(
        after=Shape(channels=outputs, height=1, width=1),
        numbers=weights + outputs * (4 if normed else 1),
        macs=weights,
    )


def _local(section: Section, before: list[Shape]) -> _Done:
    given = before[0]
    filters, size = section.whole("filters", 1, low=1), section.whole("size", 1, low=1)
    stride, pad = section.whole("stride", 1, low=1), section.whole("pad", 0, low=0)
    # with padding darknet does not look at the kernel's size here
    height, width = ((side - (1 if pad else size)) // stride + 1 for side in (given.height, given.width))
    places = height * width
    weights = given.channels * filters * size * size * places
    return _Done(
        after=Shape(channels=filters, height=height, width=width),
        numbers=weights + filters * places,
        macs=weights,
    )


def pool_padding(section: Section) -> int:
    """Of a max pooling: left and right together; the left has half of it, rounded down."""
    stride = section.whole("stride", 1, low=1)
    return section.whole("padding", section.whole("size", stride, low=1) - 1, low=0)


def _maxpool(section: Section, before: list[Shape]) -> _Done:
    given = before[0]
    stride = section.whole("stride", 1, low=1)
    size, padding = section.whole("size", stride, low=1), pool_padding(section)
    height, width = ((side + padding - size) // stride + 1 for side in (given.height, given.width))
    return _Done(after=Shape(channels=given.channels, height=height, width=width))


def _avgpool(_section: Section, before: list[Shape]) -> _Done:
    return _Done(after=Shape(channels=before[0].channels, height=1, width=1))


def _route(section: Section, before: list[Shape]) -> _Done:
    groups, part = section.whole("groups", 1, low=1), section.whole("group_id", 0, low=0)
    if part >= groups:
        raise section.fault("group_id", f"there are {groups} groups, counted from 0")
    if any(shape.channels % groups for shape in before):
        raise section.fault("groups", "the channels cannot be divided so")
    if len({(shape.height, shape.width) for shape in before}) > 1:
        raise section.fault("layers", "they are of unlike sizes")
    channels = sum(shape.channels // groups for shape in before)
    return _Done(after=Shape(channels=channels, height=before[0].height, width=before[0].width))


def _shortcut(section: Section, before: list[Shape]) -> _Done:
    if any((shape.height, shape.width) != (before[0].height, before[0].width) for shape in before):
        raise section.fault("from", "they are of unlike sizes")
    if section.text("weights_type", "none") != "none":
        raise section.fault("weights_type", "this is not known here")
    return _Done(after=before[0])


def _upsample(section: Section, before: list[Shape]) -> _Done:
    stride = section.whole("stride", 2, low=1)
    given = before[0]
    return _Done(
        after=Shape(channels=given.channels, height=given.height * stride, width=given.width * stride)
    )


def _reorg(section: Section, before: list[Shape]) -> _Done:
    stride, given = section.whole("stride", 1, low=1), before[0]
    if section.flag("reverse") or section.flag("extra"):
        raise section.fault("reverse", "this is not known here")
    if given.height % stride or given.width % stride or given.channels % (stride * stride):
        raise section.fault("stride", f"{given.channels}×{given.height}×{given.width} cannot be divided so")
    return _Done(
        after=Shape(
            channels=given.channels * stride * stride,
            height=given.height // stride,
            width=given.width // stride,
        )
    )


def _same(_section: Section, before: list[Shape]) -> _Done:
    return _Done(after=before[0])


def outputs_of_head(section: Section, *, classes: int) -> int:
    """How many channels a head needs before it; of ``detection``, how many outputs."""
    if section.kind == "detection":
        boxes, side = section.whole("num", 1, low=1), section.whole("side", 7, low=1)
        return side * side * (classes + boxes * (section.whole("coords", 1) + 1))
    if section.kind == "region":
        return section.whole("num", 1, low=1) * (classes + section.whole("coords", 4) + 1)
    return len(mask_of(section)) * (classes + _BOX_NUMBERS)


def mask_of(section: Section) -> tuple[int, ...]:
    """Which anchors a ``[yolo]`` layer has, by their numbers."""
    total = section.whole("num", 1, low=1)
    mask = section.wholes("mask", range(total), low=0)
    if any(number >= total for number in mask):
        raise section.fault("mask", f"there are {total} anchors, counted from 0")
    return mask


def _head(section: Section, before: list[Shape]) -> _Done:
    classes = section.whole("classes", 20, low=1)
    needed, given = outputs_of_head(section, classes=classes), before[0]
    has = given.size if section.kind == "detection" else given.channels
    if has != needed:
        word = "output" if section.kind == "detection" else "filters"
        raise ConfigError(
            f"[{section.kind}] with {classes} classes needs {needed} channels before it, there are {has}",
            path=section.path,
            line=section.line,
            hint=f"Write {word}={needed} into the layer before it",
        )
    if section.kind != "detection":
        wanted = 2 * section.whole("num", 1)
        if len(section.numbers("anchors")) != wanted:
            raise section.fault("anchors", f"{wanted} numbers are expected")
    return _Done(after=given)


HEADS = frozenset({"region", "yolo", "detection"})
"""The kinds of layers that tell boxes."""
_RULES: Mapping[str, _Rule] = {
    "convolutional": _convolutional,
    "connected": _connected,
    "local": _local,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "route": _route,
    "shortcut": _shortcut,
    "upsample": _upsample,
    "reorg": _reorg,
    "dropout": _same,
    **dict.fromkeys(HEADS, _head),
}
