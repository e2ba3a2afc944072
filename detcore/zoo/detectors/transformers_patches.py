"""Where transformers is made to do otherwise than it does: its losses in fp32 and by one process alone, silence while it reads,
graphs that can be recorded."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

_UNCHECKED = "TRANSFORMERS_DISABLE_TORCH_CHECK"
_ASKS_OTHERS = "_is_torch_distributed_initialized"


def in_fp32(criterion: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """transformers' losses of fp32 tensors, whatever the layers ran in. Where there is something else than numbers, they are no
    numbers either: the matching would fail without saying why."""
    given, named = tuple(map(_float, given)), {name: _float(value) for name, value in named.items()}
    _logits, _labels, device, boxes = given[:4]
    if not bool(torch.isfinite(boxes).all()):
        lost = boxes.sum() * math.nan
        return lost, {"loss_ce": lost, "loss_vfl": lost, "loss_mal": lost}, None
    with torch.autocast(device.type, enabled=False), _alone(criterion):
        return criterion(*given, **named)


@contextmanager
def _alone(criterion: Any) -> Generator[None, None, None]:
    """Some of transformers' losses ask all processes how many objects they have, which would wait for ever where only one looks at
    a loss."""
    names: dict[str, Any] = criterion.__globals__
    before = names.get(_ASKS_OTHERS)
    names[_ASKS_OTHERS] = lambda: False
    try:
        yield
    finally:
        if before is None:
            del names[_ASKS_OTHERS]
        else:
            names[_ASKS_OTHERS] = before


def _float(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


@contextmanager
def silent() -> Generator[None, None, None]:
    """What transformers says while it reads is said by us."""
    logging: Any = import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def recordable(net: nn.Module) -> Generator[None, None, None]:
    """Let a graph of a network be recorded for any number of images, and be written as ONNX: there ``len`` of a tensor is a number
    that stays, and transformers' checks of shapes, which it lets one leave out, are no operators."""
    module: Any = import_module(type(net).__module__)
    before = os.environ.get(_UNCHECKED)
    os.environ[_UNCHECKED] = "1"
    module.len = _length
    try:
        yield
    finally:
        del module.len
        if before is None:
            del os.environ[_UNCHECKED]
        else:
            os.environ[_UNCHECKED] = before


def _length(items: Any) -> Any:
    return items.shape[0] if isinstance(items, Tensor) else len(items)
