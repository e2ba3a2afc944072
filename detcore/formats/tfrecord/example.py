"""``tf.train.Example`` in protobuf's wire format: named lists of bytes, of floats or of whole numbers.

Sources: tensorflow/core/example/example.proto and feature.proto, https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MOST_FEATURES = 1 << 16
_MOST_VALUES = 1 << 22


@dataclass(frozen=True, slots=True)
class Feature:
    """A list of one kind; the other two are empty."""

    texts: Sequence[bytes] = ()
    floats: Sequence[float] = ()
    numbers: Sequence[int] = ()

    @property
    def values(self) -> Sequence[bytes] | Sequence[float] | Sequence[int]:
        """The list that is not empty, or an empty one."""
        return self.texts or self.floats or self.numbers


Example = Mapping[str, Feature]


def read_example(data: bytes) -> dict[str, Feature]:
    """The features of a record.

    Raises:
        ValueError: it is none; it says what is wrong.
    """
    found: dict[str, Feature] = {}
    for number, features in _fields(memoryview(data)):
        for inner, entry in _fields(_message(features)) if number == 1 else ():
            if inner != 1:
                continue
            parts = dict(_fields(_message(entry)))
            if len(found) >= _MOST_FEATURES:
                raise ValueError("more features than any image has")
            name = bytes(_message(parts.get(1, memoryview(b"")))).decode("utf-8", "replace")
            found[name] = _feature(_message(parts.get(2, memoryview(b""))))
    return found


def write_example(features: Example) -> bytes:
    """The inverse, with the features in the order of their names."""
    entries = bytearray()
    for name in sorted(features):
        entries += _block(1, _block(1, name.encode()) + _block(2, _wire(features[name])))
    return _block(1, bytes(entries))


def _feature(message: memoryview) -> Feature:
    texts: list[bytes] = []
    floats: list[float] = []
    numbers: list[int] = []
    for kind, values in _fields(message):
        for number, value in _fields(_message(values)) if kind in (1, 2, 3) else ():
            if number != 1:
                continue
            if kind == 1:
                texts.append(bytes(_message(value)))
            elif kind == 2:
                floats += _floats(_message(value))
            else:
                numbers += [_signed(value)] if isinstance(value, int) else _numbers(value)
            if max(len(texts), len(floats), len(numbers)) > _MOST_VALUES:
                raise ValueError("more values than any image has")
    if bool(texts) + bool(floats) + bool(numbers) > 1:
        raise ValueError("a feature of several kinds")
    return Feature(texts, floats, numbers)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The fields of a message by their numbers: a whole number, or the bytes of anything else."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in (_EIGHT, _FOUR):
            length = 8 if wire == _EIGHT else 4
        else:
            raise ValueError(f"a field of the unknown kind {wire}")
        if length > len(message) - place:
            raise ValueError("a field is longer than what it lies in")
        yield number, message[place : place + length]
        place += length


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message should be")
    return value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if place >= len(message):
            raise ValueError("it ends in the middle of a number")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than ten bytes")


def _floats(message: memoryview) -> Sequence[float]:
    if len(message) % 4 or len(message) > 4 * _MOST_VALUES:
        raise ValueError("floats of other than four bytes, or more than any image has")
    return struct.unpack(f"<{len(message) // 4}f", message)


def _numbers(message: memoryview) -> Iterator[int]:
    place = 0
    while place < len(message):
        if place > _LONGEST_VARINT * _MOST_VALUES:
            raise ValueError("more values than any image has")
        value, place = _varint(message, place)
        yield _signed(value)


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _wire(feature: Feature) -> bytes:
    if feature.floats:
        return _block(2, _block(1, struct.pack(f"<{len(feature.floats)}f", *feature.floats)))
    if feature.numbers:
        return _block(3, _block(1, b"".join(map(_as_varint, feature.numbers))))
    return _block(1, b"".join(_block(1, text) for text in feature.texts))


def _block(number: int, content: bytes) -> bytes:
    return _as_varint(number << 3 | _BYTES) + _as_varint(len(content)) + content


def _as_varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
