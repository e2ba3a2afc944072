"""From a built network to its outline: it looks at one image, and what its layers give each other is noted."""

from __future__ import annotations

import inspect
import math
import sys
from collections import Counter
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from detcore.zoo.base import Detector
from detcore.zoo.outline import BACKBONE, DECODER, ENCODER, HEAD, NECK, PROPOSALS, SECOND, Outline, Stage
from detcore.zoo.summary import Counting, multiply_adds

_ROLES = {
    **dict.fromkeys(("backbone", "stem", "trunk", "hourglass", "vit", "conv_encoder"), BACKBONE),
    **dict.fromkeys(("neck", "fpn", "bifpn", "coarser", "fine"), NECK),
    **dict.fromkeys(("input_projection", "input_proj", "encoder_input_proj"), NECK),
    **dict.fromkeys(("head", "heads", "class_net", "box_net", "corners", "heat", "size", "offset"), HEAD),
    **dict.fromkeys(("class_embed", "bbox_embed", "class_labels_classifier", "bbox_predictor"), HEAD),
    "encoder": ENCODER,
    **dict.fromkeys(("decoder", "decoder_input_proj", "reference_points", "query_scale"), DECODER),
    **dict.fromkeys(("rpn", "enc_output", "enc_output_norm", "enc_score_head", "enc_bbox_head"), PROPOSALS),
    **dict.fromkeys(("enc_out_class_embed", "enc_out_bbox_embed"), PROPOSALS),
    "roi_heads": SECOND,
}
"""What parts are usually called. The first such word in the name of a layer tells its role."""
_WITHIN = {
    (BACKBONE, "fpn"): NECK,
    (BACKBONE, "projector"): NECK,
    (DECODER, "class_embed"): HEAD,
    (DECODER, "bbox_embed"): HEAD,
}
"""Where a later word counts."""
_IN_IMAGE = (BACKBONE, NECK, ENCODER)
"""Roles whose lists of places are maps that were laid out flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call of a layer: what it gave, and the calls (rows of a list) that it reads."""

    name: str
    kind: str
    channels: int
    rows: int
    columns: int
    macs: int
    sources: frozenset[int]


class _Trail(TorchFunctionMode):
    """Remembers of which calls each tensor is made, through whatever is done to it."""

    def __init__(self) -> None:
        super().__init__()
        # by tensors that may go, since all that a network makes is too much to keep
        self._known = cast("MutableMapping[Tensor, frozenset[int]]", WeakTensorKeyDictionary())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.mark(result, self.behind((args, kwargs)))
        return result

    def mark(self, made: Any, calls: frozenset[int], *, unless_known: bool = False) -> None:
        for tensor in _tensors(made) if calls else ():
            if not (unless_known and tensor in self._known):
                self._known[tensor] = calls

    def behind(self, given: Any) -> frozenset[int]:
        found: set[int] = set()
        for tensor in _tensors(given):
            found |= self._known.get(tensor, frozenset())
        return frozenset(found)


def outline_of(detector: Detector, *, model: str, frame: tuple[int, int]) -> Outline:
    """The outline of a detector that looks at one grey image, in a frame of this height and width."""
    calls, values = _calls(detector, frame)
    roles = _roles(calls)
    places = _places(calls, roles)
    keys = [(role, *place) for role, place in zip(roles, places, strict=True)]
    order = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    rows = [order[key] for key in keys]
    sources = _sources(calls, roles)
    readers: list[set[int]] = [set() for _ in calls]
    found: dict[tuple[int, int], None] = {}
    for reader, read in enumerate(sources):
        for source in read:
            readers[source].add(reader)
            if rows[source] != rows[reader]:
                found[rows[source], rows[reader]] = None
    passed_on = {
        (rows[source], rows[reader])
        for reader, read in enumerate(sources)
        for source in read
        if roles[source] == roles[reader]
        and any(
            (rows[source], rows[other]) in found and _between(places[source], places[other], places[reader])
            for other in read
        )
    }
    # what a level in between brings along, as sums of pyramids do, is read from that one
    links = [link for link in found if link not in passed_on]
    learning = _parameters(detector, calls)
    stages: list[Stage] = []
    for (role, height, width), row in order.items():
        own = [number for number, at in enumerate(rows) if at == row]
        ends = [number for number in own if not readers[number]]
        leaving = [number for number in own if any(rows[reader] != row for reader in readers[number])]
        channels = (
            max(calls[number].channels for number in leaving)
            if leaving
            else sum(calls[number].channels for number in ends)
        )
        names = dict.fromkeys(calls[number].name for number in own)
        kinds = {calls[number].name: calls[number].kind for number in own}
        stages.append(
            Stage(
                role=role,
                channels=channels,
                rows=height,
                columns=width,
                layers=dict(Counter(kinds[name] for name in names)),
                parameters=sum(learning.pop(name, 0) for name in names),
                macs=sum(calls[number].macs for number in own),
            )
        )
    return Outline(
        model=model,
        classes=detector.num_classes,
        height=frame[0],
        width=frame[1],
        parameters=detector.parameter_count(),
        macs=sum(call.macs for call in calls),
        values=values,
        stages=tuple(stages),
        links=tuple(links),
        text=_words_of(detector),
        files=_files(detector),
    )


def _calls(detector: Detector, frame: tuple[int, int]) -> tuple[list[_Call], int]:
    """The calls of all layers that learn or count for themselves, in their order, and how many numbers the layers have given."""
    trail = _Trail()
    calls: list[_Call] = []
    values = 0

    def hear(name: str, layer: nn.Module) -> Any:
        shown = isinstance(layer, Counting) or any(True for _ in layer.parameters())

        def note(_layer: nn.Module, given: Any, made: Any) -> None:
            nonlocal values
            values += sum(tensor.numel() for tensor in _tensors(made))
            behind = trail.behind(given)
            if not shown or not isinstance(made, Tensor):
                trail.mark(made, behind, unless_known=True)  # some operations are told to nobody
                return
            channels, rows, columns = _shape(layer, made, name)
            call = _Call(
                name=name,
                kind=type(layer).__name__,
                channels=channels,
                rows=rows,
                columns=columns,
                macs=multiply_adds(layer, made),
                sources=behind,
            )
            trail.mark(made, frozenset({len(calls)}))
            calls.append(call)

        return layer.register_forward_hook(note)

    leaves = [(name, layer) for name, layer in _modules(detector) if not any(layer.children())]
    handles = [hear(name, layer) for name, layer in leaves]
    try:
        with torch.inference_mode(), trail:
            detector.eval()
            detector.look(torch.full((1, 3, *frame), 0.5))
    finally:
        for handle in handles:
            handle.remove()
    return calls, values


def _shape(layer: nn.Module, made: Tensor, name: str) -> tuple[int, int, int]:
    """Channels, rows and columns of what a layer gave for one image."""
    weight = getattr(layer, "weight", None)
    width = weight.numel() if isinstance(weight, Tensor) and weight.ndim == 1 else -1  # of a norm
    last = isinstance(layer, nn.Linear) or width == made.shape[-1] != made.shape[1]
    first = made.ndim == 4 and not last or isinstance(layer, nn.Conv1d)
    channels = made.shape[1] if first else made.shape[-1]
    if first and made.ndim == 4 and made.shape[0] == 1:
        return channels, made.shape[2], made.shape[3]
    count = made.numel() // channels
    side = math.isqrt(count)
    flat = _named_role(name) in _IN_IMAGE and side * side == count
    return (channels, side, side) if flat else (channels, count, 1)


def _roles(calls: Sequence[_Call]) -> list[str]:
    """The role of each call: by its name, or else by what it does. Those whose answers no layer reads are heads; after maps have
    grown again it is a neck."""
    read = {source for call in calls for source in call.sources}
    roles: list[str] = []
    for number, call in enumerate(calls):
        role = _named_role(call.name)
        if not role and number not in read:
            role = HEAD
        if not role:
            grown = any(
                roles[source] == NECK or (calls[source].columns < call.columns and calls[source].columns > 1)
                for source in call.sources
            )
            role = NECK if grown else BACKBONE
        roles.append(role)
    return roles


def _places(calls: Sequence[_Call], roles: Sequence[str]) -> list[tuple[int, int]]:
    """Rows and columns of each call's stage. What a backbone says of a whole map to weigh its channels is counted to that map."""
    places = [(call.rows, call.columns) for call in calls]
    for reader in range(len(calls) - 1, -1, -1):
        for source in calls[reader].sources:
            if roles[source] == BACKBONE and places[source] == (1, 1) != places[reader]:
                places[source] = places[reader]
    return places


def _named_role(name: str) -> str:
    role = ""
    for word in name.split("."):
        role = _WITHIN.get((role, word), role or _ROLES.get(word, ""))
    return role


def _sources(calls: Sequence[_Call], roles: Sequence[str]) -> list[list[int]]:
    """The calls that each call reads, without those that shortcuts of a backbone bring along from before another of them."""
    before: list[int] = []  # as bits, the calls that each depends on
    found: list[list[int]] = []
    for call in calls:
        trunk = [source for source in call.sources if roles[source] == BACKBONE]
        older = 0
        for source in trunk:
            older |= before[source]
        found.append(
            sorted(source for source in call.sources if not (source in trunk and older >> source & 1))
        )
        depends = 0
        for source in call.sources:
            depends |= before[source] | 1 << source
        before.append(depends)
    return found


def _between(one: tuple[int, int], middle: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a size lies between two others."""
    return one < middle < other or one > middle > other


def _parameters(detector: Detector, calls: Sequence[_Call]) -> dict[str, int]:
    """How many parameters there are, by the layers that were called; those of others go to the call whose name has most in common."""
    names = list(dict.fromkeys(call.name for call in calls))
    counts = dict.fromkeys(names, 0)
    for name, parameter in detector.named_parameters():
        owner = name.rpartition(".")[0]
        if owner not in counts:
            words = owner.split(".")
            owner = max(names, key=lambda other: _in_common(words, other.split(".")))
        counts[owner] += parameter.numel()
    return counts


def _in_common(words: Sequence[str], others: Sequence[str]) -> int:
    count = 0
    for one, other in zip(words, others, strict=False):
        if one != other:
            break
        count += 1
    return count


def _words_of(detector: Detector) -> str:
    """What the module of the detector says of itself, or else its class."""
    own = type(detector)
    return inspect.cleandoc(getattr(sys.modules.get(own.__module__), "__doc__", None) or own.__doc__ or "")


def _files(detector: Detector) -> dict[str, str]:
    """The modules that the parts of the network come from, but for torch's own layers, and the files of these."""
    found: dict[str, str] = {}
    for _name, part in _modules(detector):
        module = type(part).__module__
        path = getattr(sys.modules.get(module), "__file__", None)
        if path and module.partition(".")[0] != "torch":
            found.setdefault(module, path)
    return found


def _modules(detector: Detector) -> Iterator[tuple[str, nn.Module]]:
    return cast("Iterator[tuple[str, nn.Module]]", detector.named_modules())


def _tensors(value: Any) -> Iterator[Tensor]:
    """All in a value of lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[Any, Any]", value).values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _tensors(item)
