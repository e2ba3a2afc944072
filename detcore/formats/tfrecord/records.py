"""The frame of TFRecord: each record with its length, and a checksum of either.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord (“TFRecords format details”).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from detcore.errors import FormatError
from detcore.formats.tfrecord.checksum import masked_checksum
from detcore.wording import counted

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEAD = _LENGTH.size + _CHECKSUM.size
_LONGEST = 1 << 28
"""Bytes of a record that are read at once."""
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record by its number from 1: its ``data``, or what is ``wrong`` with it. ``end`` is where the next one begins, in
    bytes."""

    number: int
    end: int
    data: bytes = b""
    wrong: str = ""


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file. One whose data do not fit their checksum is told and passed over; where the length itself is
    wrong or the file ends early nothing more can be found.

    Raises:
        FormatError: the file cannot be read, or is compressed as a whole.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            yield from _records(file, size, path)
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", path=path) from error


def _records(file: BinaryIO, size: int, path: Path) -> Iterator[Record]:
    number = end = 0
    while end < size:
        number += 1
        head = file.read(_HEAD)
        if head.startswith(_GZIP) and not _is_head(head):
            raise FormatError("the records are compressed", path=path, hint="Unpack the file with gzip first")
        if len(head) < _HEAD:
            yield Record(number=number, end=size, wrong="the file ends in the middle of it")
            return
        if not _is_head(head):
            wrong = "its length does not fit its checksum: what follows cannot be found"
            yield Record(number=number, end=size, wrong=wrong)
            return
        (length,) = _LENGTH.unpack_from(head)
        end += _HEAD + length + _CHECKSUM.size
        if end > size:
            yield Record(number=number, end=size, wrong="the file ends in the middle of it")
            return
        if length > _LONGEST:
            file.seek(end)
            yield Record(
                number=number, end=end, wrong=f"it has {counted(length, 'byte')}, more than can be read"
            )
            continue
        data, told = file.read(length), file.read(_CHECKSUM.size)
        if _CHECKSUM.unpack(told)[0] != masked_checksum(data):
            yield Record(number=number, end=end, wrong="its data do not fit their checksum")
        else:
            yield Record(number=number, end=end, data=data)


def _is_head(head: bytes) -> bool:
    if len(head) < _HEAD:
        return False
    return _CHECKSUM.unpack_from(head, _LENGTH.size)[0] == masked_checksum(head[: _LENGTH.size])


def begins_with_record(head: bytes) -> bool:
    """Whether the first bytes of a file are a length with its checksum."""
    return _is_head(head[:_HEAD])


def write_record(file: BinaryIO, data: bytes) -> None:
    """One record at the end of a file."""
    length = _LENGTH.pack(len(data))
    file.write(length + _CHECKSUM.pack(masked_checksum(length)))
    file.write(data)
    file.write(_CHECKSUM.pack(masked_checksum(data)))
