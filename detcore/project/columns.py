"""Reading npz files without trusting them."""

from __future__ import annotations

import struct
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from detcore.errors import ProjectError

_ONE_AT_A_TIME = threading.Lock()
"""numpy reads the header of an array with ``ast.literal_eval``, which in Python 3.11 fails now and then with a
SystemError when two threads are in it."""

_DEFLATES_AT_MOST = 1100
"""Bytes out of one byte in; zlib's own limit is 1032 (zlib.net, technical details)."""

_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_DAMAGE = (
    OSError,
    ValueError,  # of numpy and zipfile, a name that is no UTF-8
    EOFError,
    TypeError,
    SyntaxError,  # of an array's header, as the next three
    tokenize.TokenError,
    MemoryError,
    RuntimeError,  # also: a member with a password; NotImplementedError and RecursionError are of its kind
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_columns(path: Path, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The arrays named in ``kinds``, each of that numpy kind: b, i, u, f.

    Nothing but numbers is read: a pickle could run code on loading. No array is made that is larger than
    what the file can hold, whatever its header claims.

    Raises:
        ProjectError: the file is missing, damaged, or lacks an array, or one is not of its kind.
    """
    with _opened(path) as archive:
        size = path.stat().st_size
        return {name: _column(archive, name, kind, size) for name, kind in kinds.items()}


def has_columns(path: Path, names: Iterable[str]) -> bool:
    """Whether the file holds arrays of all these names.

    Raises:
        ProjectError: the file is missing or damaged.
    """
    with _opened(path) as archive:
        return {f"{name}.npy" for name in names} <= set(archive.namelist())


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile, None, None]:
    """The archive; what is wrong with it, and with what the block reads of it, is told as ProjectError."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError as error:
        raise ProjectError("the file is missing", path=path) from error
    except KeyError as error:
        raise ProjectError(f"the file lacks a part ({error.args[0]})", path=path) from error
    except _DAMAGE as error:
        raise ProjectError(
            f"the file is damaged or was not written by Reticle ({error})", path=path
        ) from error


def _column(archive: zipfile.ZipFile, name: str, kind: str, size: int) -> Any:
    """One array of an archive of ``size`` bytes.

    Raises:
        KeyError: it is not there.
        ValueError: it is of another kind, or what it claims to be does not fit what is there.
    """
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed in an unknown way")
    if member.compress_size > size or member.file_size > member.compress_size * _DEFLATES_AT_MOST:
        raise ValueError(f"{name} claims to be larger than the file can hold")
    with archive.open(member) as file:
        read_header = _READ_HEADER.get(np.lib.format.read_magic(file))
        if read_header is None:
            raise ValueError(f"{name} has an unknown header")
        with _ONE_AT_A_TIME:
            shape, by_column, dtype = read_header(file)
        if dtype.kind != kind:
            raise ValueError(f"column {name} holds {dtype}, not numbers of kind {kind}")
        if prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"{name} claims another size than it has")
        values = np.frombuffer(bytearray(file.read()), dtype=dtype)
    return values.reshape(shape, order="F" if by_column else "C")
