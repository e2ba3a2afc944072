"""Darknet's `.weights` files: a header, then the numbers of all layers in fp32, in the order of the `.cfg`.

The order within a layer is darknet's: of a convolution biases, scales, means, variances, weights; of a connected
layer biases, weights, scales, means, variances; of a local one biases, weights; of a shortcut its weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from detcore.atomic import atomic_write
from detcore.errors import ConfigError
from detcore.wording import counted
from detcore.zoo.darknet.layers import Local, WeightedSum
from detcore.zoo.darknet.network import DarknetNet

_BYTES = 4
_WIDE_SINCE = 2
"""Since version 0.2 the count of images is of eight bytes; before, and in transposed files, of four."""
_TRANSPOSED = 1000
"""Files of a major or minor version above this have the weights of connected layers column by column."""
_MOST_SEEN = 1 << 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """``version`` (major, minor, revision) of the writer and how many images the network has ``seen``."""

    version: tuple[int, int, int] = (0, 2, 5)
    seen: int = 0

    @property
    def wide(self) -> bool:
        """Whether the count is of eight bytes."""
        major, minor, _ = self.version
        return major * 10 + minor >= _WIDE_SINCE and major < _TRANSPOSED and minor < _TRANSPOSED

    @property
    def transposed(self) -> bool:
        """Whether weights of connected layers are column by column."""
        return max(self.version[:2]) > _TRANSPOSED

    def to_bytes(self) -> bytes:
        """As it is written."""
        return (
            np.array(self.version, "<i4").tobytes()
            + np.array(self.seen, "<u8" if self.wide else "<u4").tobytes()
        )


def read_weights(net: DarknetNet, path: Path, *, whole: bool = True) -> Header:
    """Puts the numbers of a file into a network. A file of its first layers alone (`darknet53.conv.74`) is taken
    unless ``whole``; the other layers stay as they are.

    Raises:
        ConfigError: it cannot be read, or has more or fewer numbers than the network; nothing is changed then.
    """
    return _read(net, path, whole=whole)[0]


def read_tensors(net: DarknetNet, path: Path) -> tuple[Header, dict[str, Tensor]]:
    """As ``read_weights`` of a file that may have the first layers alone: what it has, by the names of the
    network."""
    header, filled = _read(net, path, whole=False)
    there = {id(tensor) for tensor in filled}
    tensors = net.state_dict(keep_vars=True)
    return header, {name: tensor.detach() for name, tensor in tensors.items() if id(tensor) in there}


def _read(net: DarknetNet, path: Path, *, whole: bool) -> tuple[Header, list[Tensor]]:
    """The header, and the tensors of the network that were filled."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})", path=path) from error
    header, numbers = _parsed(content, path)
    layers = [_tensors(block) for block in net.blocks.values()]
    counts = [sum(tensor.numel() for tensor in tensors) for tensors in layers]
    needed = sum(counts)
    if len(numbers) != needed and (whole or not _ends_at_layer(counts, len(numbers))):
        raise ConfigError(
            f"it has {counted(len(numbers), 'number')}, the network {needed:,}",
            path=path,
            hint="It is of another .cfg, or of another number of classes",
        )
    filled = _fill(layers, torch.tensor(numbers, dtype=torch.float32), transposed=header.transposed)
    return header, filled


def write_weights(net: DarknetNet, path: Path, header: Header | None = None) -> None:
    """Writes the numbers of a network as darknet does. Raises OSError."""
    header = header or Header()
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(header.to_bytes())
        for block in net.blocks.values():
            for tensor in _tensors(block):
                values = tensor.detach().float().cpu()
                if header.transposed and values.dim() == 2:
                    values = values.T
                file.write(values.contiguous().numpy().astype("<f4").tobytes())


def _parsed(content: bytes, path: Path) -> tuple[Header, np.ndarray]:
    """The header and the numbers behind it."""
    if len(content) < 4 * _BYTES:
        raise ConfigError("it is no .weights file", path=path, hint="It is too short")
    major, minor, revision = (int(number) for number in np.frombuffer(content, "<i4", 3))
    if not (0 <= major <= 2 * _TRANSPOSED and 0 <= minor <= 2 * _TRANSPOSED):
        raise ConfigError("it is no .weights file", path=path, hint=f"Its version would be {major}.{minor}")
    header = Header(version=(major, minor, revision))
    kind, width = ("<u8", 8) if header.wide else ("<u4", 4)
    begin = 3 * _BYTES + width
    if len(content) < begin:
        raise ConfigError("it is no .weights file", path=path, hint="It is too short")
    images_seen = int(np.frombuffer(content, kind, 1, 3 * _BYTES)[0])
    if images_seen > _MOST_SEEN:
        raise ConfigError(
            "it is no .weights file", path=path, hint=f"It would have seen {counted(images_seen, 'image')}"
        )
    if (len(content) - begin) % _BYTES:
        raise ConfigError("it ends in the middle of a number", path=path, hint="Get the file again")
    header = Header(version=header.version, seen=images_seen)
    return header, np.frombuffer(content, "<f4", offset=begin)


def _ends_at_layer(counts: list[int], count: int) -> bool:
    return count in np.cumsum(counts)


@torch.no_grad()
def _fill(layers: list[list[Tensor]], numbers: Tensor, *, transposed: bool) -> list[Tensor]:
    """Puts the numbers into the layers as far as they go; the tensors that got some."""
    at, filled = 0, list[Tensor]()
    for tensors in layers:
        if at == len(numbers):
            break
        filled += tensors
        for tensor in tensors:
            values = numbers[at : at + tensor.numel()]
            at += tensor.numel()
            if transposed and tensor.dim() == 2:
                tensor.copy_(values.view(tensor.shape[1], tensor.shape[0]).T)
            else:
                tensor.copy_(values.view(tensor.shape))
    return filled


def _tensors(block: nn.Module) -> list[Tensor]:
    """The numbers of a layer, in darknet's order."""
    parts = list(block.modules())
    return [
        tensor
        for part in parts
        for tensor in _of_layer(
            part, next((norm for norm in parts if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)), None)
        )
    ]


def _of_layer(part: nn.Module, norm: nn.BatchNorm1d | nn.BatchNorm2d | None) -> Iterator[Tensor]:
    if isinstance(part, nn.Conv2d):
        if norm is not None:
            yield from _of_norm(norm, with_bias=True)
        elif part.bias is not None:
            yield part.bias
        yield part.weight
    elif isinstance(part, nn.Linear):
        bias = norm.bias if norm is not None else part.bias
        yield bias
        yield part.weight
        if norm is not None:
            yield from _of_norm(norm, with_bias=False)
    elif isinstance(part, Local):
        yield part.bias
        yield part.weight
    elif isinstance(part, WeightedSum):
        yield part.weight


def _of_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d, *, with_bias: bool) -> Iterator[Tensor]:
    if with_bias:
        yield norm.bias
    yield norm.weight
    if norm.running_mean is not None and norm.running_var is not None:
        yield norm.running_mean
        yield norm.running_var
