"""What the layers of a `.cfg` do to the shape of an image, checked before anything is built. Free of torch.

The rules are those of darknet's parser (Redmon 2013–2018; Bochkovskiy's fork for all that only that has).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detcore.errors import ConfigError
from detcore.wording import counted
from detcore.zoo.darknet.cfg import Cfg, Section
from detcore.zoo.darknet.shapes.boxes import HEADS, classes_of, head
from detcore.zoo.darknet.shapes.joined import SOURCES, route, sam, scale_channels, shortcut
from detcore.zoo.darknet.shapes.pooled import avgpool, pooled, reorg, same, upsample
from detcore.zoo.darknet.shapes.shape import Done, Shape
from detcore.zoo.darknet.shapes.weighted import connected, convolutional, local
from detcore.zoo.spec import SIDE_STEP

IMAGE = -1
"""Stands for the image among the inputs of a layer."""
_LONG_NAMES = {
    "conv": "convolutional",
    "conn": "connected",
    "max": "maxpool",
    "avg": "avgpool",
    "local_avg": "local_avgpool",
    "empty": "silence",
}
_RULES: Mapping[str, Callable[[Section, list[Shape]], Done]] = {
    "convolutional": convolutional,
    "connected": connected,
    "local": local,
    "maxpool": pooled,
    "local_avgpool": pooled,
    "avgpool": avgpool,
    "route": route,
    "shortcut": shortcut,
    "scale_channels": scale_channels,
    "sam": sam,
    "upsample": upsample,
    "reorg": reorg,
    "dropout": same,
    "activation": same,
    "silence": same,
    **dict.fromkeys(HEADS, head),
}
_REFUSED = {
    "Gaussian_yolo": "boxes that tell their own uncertainty (Choi et al. 2019) are not learnt here",
    "reorg3d": "it orders places otherwise than [reorg]",
    "batchnorm": "darknet and its fork write its numbers in two ways; batch_normalize=1 of the layer before is known",
    **dict.fromkeys(
        ("softmax", "soft", "cost", "crop", "normalization", "lrn"),
        "it is for networks that name whole images",
    ),
    **dict.fromkeys(("rnn", "gru", "lstm", "crnn", "conv_lstm", "history"), "it is for sequences"),
}
_MOST_SIDE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One section: which layers it reads (by index, ``IMAGE``), the shape of each of them and its own, and how many
    numbers it has in a `.weights` file."""

    index: int
    section: Section
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    after: Shape
    numbers: int = 0

    @property
    def before(self) -> Shape:
        """The shape of the first layer that it reads."""
        return self.shapes[0]

    @property
    def kind(self) -> str:
        """In darknet's long name."""
        return long_name(self.section.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole network for images of the shape that its `.cfg` says."""

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
        return classes_of(self.heads[0].section)

    @property
    def numbers(self) -> int:
        """How many numbers its `.weights` file has: those that learn, and the means and variances."""
        return sum(layer.numbers for layer in self.layers)

    @property
    def one_size(self) -> bool:
        """Whether it takes images of its own size alone: some weights belong to places, or the places of its
        features do not divide images of any size."""
        if any(layer.kind in ("connected", "local", "detection") for layer in self.layers):
            return True
        maps = [layer.after for layer in self.layers if layer.after.width * layer.after.height > 1]
        return any(
            self.image.width % one.width
            or self.image.height % one.height
            or max(self.image.width // one.width, self.image.height // one.height) > SIDE_STEP
            for one in maps
        )


def make_plan(cfg: Cfg) -> Plan:
    """The layers of a network for an image of its own size.

    Raises:
        ConfigError: a layer is not known, or does not fit to those before it; it says which line.
    """
    image = Shape(
        channels=cfg.net.whole("channels", 3, low=1),
        height=cfg.net.whole("height", low=1),
        width=cfg.net.whole("width", low=1),
    )
    if image.channels != 3:
        raise cfg.net.fault("channels", "images have three channels here")
    if max(image.width, image.height) > _MOST_SIDE:
        raise cfg.net.fault("width", f"images have at most {_MOST_SIDE} pixels a side here")
    layers: list[Layer] = []
    for index, section in enumerate(cfg.layers):
        rule = _rule(section)
        inputs = _inputs(section, index)
        shapes = [image if source == IMAGE else layers[source].after for source in inputs]
        done = rule(section, shapes)
        layers.append(
            Layer(
                index=index,
                section=section,
                inputs=inputs,
                shapes=tuple(shapes),
                after=done.after,
                numbers=done.numbers,
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
    if len({classes_of(layer.section) for layer in plan.heads}) > 1:
        raise plan.heads[-1].section.fault("classes", "all of them must tell the same number of classes")
    return plan


def long_name(kind: str) -> str:
    """Darknet's long name of a kind of layer."""
    return _LONG_NAMES.get(kind, kind)


def _rule(section: Section) -> Callable[[Section, list[Shape]], Done]:
    kind = long_name(section.kind)
    if kind in _RULES:
        return _RULES[kind]
    reason = _REFUSED.get(kind)
    raise ConfigError(
        f"layers of the kind [{section.kind}] are not known here" + (f": {reason}" if reason else ""),
        path=section.path,
        line=section.line,
        hint=f"Known are {', '.join(sorted(_RULES))}",
    )


def _inputs(section: Section, index: int) -> tuple[int, ...]:
    key = SOURCES.get(section.kind)
    if key is None:
        return (index - 1,)
    sources = tuple(index + source if source < 0 else source for source in section.wholes(key))
    if not sources or any(not 0 <= source < index for source in sources):
        raise section.fault(key, f"only {counted(index, 'layer is', 'layers are')} before this one")
    if section.kind in ("scale_channels", "sam") and len(sources) > 1:
        raise section.fault(key, "one layer is expected")
    return sources if section.kind == "route" else (index - 1, *sources)
