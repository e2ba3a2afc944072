"""What a network costs: parameters, and multiply-adds layer by layer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from detcore.zoo.base import Detector

_COUNTED = (nn.Conv1d, nn.Conv2d, nn.Linear)
_STRETCHES = 5


@runtime_checkable
class Counting(Protocol):
    """A layer of our own that says what it costs."""

    def multiply_adds(self, output: Tensor) -> int:
        """Those of the call that has given this output."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """A layer whose arithmetic is counted: its name in the network, its ``parameters``, and the multiply-adds (``macs``) of
    all its calls."""

    name: str
    kind: str
    parameters: int
    macs: int


def layer_costs(net: nn.Module, run: Callable[[], object]) -> tuple[LayerCost, ...]:
    """The cost of each convolution and linear layer, and of those that count for themselves, while ``run`` runs, in the
    order of the network; those that are not called cost nothing. Additions, norms and activations are not counted, as is
    usual."""
    parts = cast("Iterator[tuple[str, nn.Module]]", net.named_modules())
    layers = {name: part for name, part in parts if isinstance(part, (*_COUNTED, Counting))}
    macs = dict.fromkeys(layers, 0)

    def hook(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
            macs[name] += multiply_adds(layer, output)

        return count

    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers.items()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return tuple(
        LayerCost(
            name=name,
            kind=type(layer).__name__,
            parameters=sum(item.numel() for item in layer.parameters()),
            macs=macs[name],
        )
        for name, layer in layers.items()
    )


def multiply_adds(layer: nn.Module, output: Tensor) -> int:
    """Those of a layer that has given this output; 0 of one whose arithmetic is not counted."""
    if isinstance(layer, Counting):
        return layer.multiply_adds(output)
    # each value of the output is a sum over one filter
    return (
        output.numel() * math.prod(layer.get_parameter("weight").shape[1:])
        if isinstance(layer, _COUNTED)
        else 0
    )


def images_a_second(
    detector: Detector, device: torch.device, *, frame: tuple[int, int], seconds: float
) -> float:
    """How many images in frames of this height and width a detector looks at in a second, one at a time, on a device where nothing
    else runs: the best of five stretches, which take so many seconds together."""
    detector.to(device).eval()
    image = torch.full((1, 3, *frame), 0.5, device=device)

    def look() -> None:
        detector.look(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    best = 0.0
    with torch.inference_mode():
        look()
        for _ in range(_STRETCHES):
            begun, count = time.perf_counter(), 0
            while count == 0 or time.perf_counter() - begun < seconds / _STRETCHES:
                look()
                count += 1
            best = max(best, count / (time.perf_counter() - begun))
    return best


def detector_costs(detector: Detector, *, frame: tuple[int, int]) -> tuple[LayerCost, ...]:
    """Those of looking at one image in a frame of this height and width. What a second stage costs depends on what the first has found."""
    images = torch.zeros(1, 3, *frame)
    with torch.inference_mode():
        detector.eval()
        return layer_costs(detector, lambda: detector.look(images))
