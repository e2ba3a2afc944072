"""Text, names and paths as other tools leave them behind."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from detcore.errors import FormatError

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRAILING_YEAR = re.compile(r"\d+$")
_TOKENS = re.compile(r"[_\-. ]+")


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        FormatError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", path=path) from error


def decode(data: bytes) -> tuple[str, bool]:
    """Text, and whether it had to be taken for Windows-1252 because it is not valid UTF-8.

    Files with a byte order mark are read as what the mark says.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), False
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), True


def foreign_parts(path: str) -> tuple[str, ...]:
    """The safe parts of a path that another machine wrote: no drive, no root, no ``..``."""
    parts = [part.strip() for part in re.split(r"[\\/]+", path)]
    return tuple(part for part in parts if part not in {"", ".", ".."} and not part.endswith(":"))


def split_of_folder(parts: tuple[str, ...]) -> str | None:
    """The split that the deepest folder named after one stands for."""
    for part in reversed(parts):
        split = _SPLIT_NAMES.get(_TRAILING_YEAR.sub("", part.lower()))
        if split is not None:
            return split
    return None


def split_of_file(stem: str) -> str | None:
    """The split in a file name such as ``instances_train2017``."""
    return split_of_folder(tuple(_TOKENS.split(stem)))


def is_list_of_all(stem: str) -> bool:
    """Whether a list of that name stands for no split in particular."""
    return stem.lower() in {"default", "all", ""}


def as_flag(text: str | None) -> bool | None:
    """A yes or no as VOC files write it; ``None`` when the text is neither. Nothing means no."""
    lowered = (text or "").strip().lower()
    if lowered in {"", "0", "false", "no", "unspecified", "0.0"}:
        return False
    if lowered in {"1", "true", "yes", "1.0"}:
        return True
    return None
