"""Text, names and paths as other tools leave them behind."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from detcore.errors import FormatError
from detcore.images.pointers import POINTER_TEXT, is_pointer

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
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
_ZEROS = {"x0x0": "utf-16-le", "0x0x": "utf-16-be", "x000": "utf-32-le", "000x": "utf-32-be"}
"""Which of the first four bytes are zero in text that begins with ASCII."""
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_WIDE = re.compile(r"(?i)(utf|ucs|iso-10646-ucs)[-_]?(16|32|2|4)")
_IDEOGRAPHS = re.compile("[\u4e00-\u9fff]")
_LETTERS = re.compile("[A-Za-z\u0370-\u04ff]")
_TRAILING_YEAR = re.compile(r"\d+$")
_SEPARATORS = re.compile(r"[\\/]+")
_BETWEEN_WORDS = re.compile(r"[\s,;]+")
_TOKENS = re.compile(r"[_\-. ]+")


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        FormatError: it cannot be read, or is not fetched yet.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", path=path) from error
    if is_pointer(data):
        raise FormatError(POINTER_TEXT, path=path)
    return data


def decode(data: bytes) -> tuple[str, str | None]:
    """Text, and a complaint when it is not valid UTF-8 and its encoding had to be guessed.

    Files with a byte order mark are read as what the mark says, and those of two or four bytes a character
    without one by where the zeros are.
    """
    wide = _wide_encoding(data)
    if wide is not None:
        return data.decode(wide, errors="replace"), None
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        chinese = _as_chinese(data)
    if chinese is not None:
        return chinese, "not in UTF-8: read as Chinese (GB2312)"
    return data.decode("cp1252", errors="replace"), "not in UTF-8: read as Windows-1252"


def _as_chinese(data: bytes) -> str | None:
    """The text as a Chinese Windows writes it, if it makes words that are Chinese throughout.

    All but rare characters are in GB2312, whose bytes are never ASCII: GBK would make Chinese of “Öl”.
    """
    try:
        text = data.decode("gb2312")
    except UnicodeDecodeError:
        return None
    foreign = [word for word in _BETWEEN_WORDS.split(text) if not word.isascii()]
    is_chinese = all(_IDEOGRAPHS.search(word) and not _LETTERS.search(word) for word in foreign)
    return text if is_chinese else None


def decode_declared(data: bytes) -> tuple[str, str | None]:
    """The text of an XML file, and a complaint when it is not in the encoding that it declares.

    What the bytes show goes first: .NET declares UTF-16 on files that it saves as UTF-8.
    """
    declared = _ENCODING.match(data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if _wide_encoding(data) is None and not _WIDE.fullmatch(name):
        try:
            return data.decode(name), None
        except (LookupError, UnicodeError):
            pass  # the declaration is wrong: go by the bytes
    text, complaint = decode(data)
    if complaint is not None:
        return text, complaint
    wrong = declared is not None and _wide_encoding(data) is None
    return text, f"not in the encoding it claims ({name}): read as UTF-8" if wrong else None


def codec_of(data: bytes) -> str | None:
    """The encoding in which a text file can be read and written again byte for byte; ``None`` where there is none."""
    declared = _ENCODING.match(data)
    chinese = "gb2312" if _as_chinese(data) is not None else None
    told = declared.group(1).decode("ascii") if declared else None
    names = [_wide_encoding(data), told, "utf-8", chinese, "cp1252"]
    for name in names:
        try:
            if name is not None and data.decode(name).encode(name) == data:
                return name
        except (LookupError, UnicodeError):
            continue
    return None


def _wide_encoding(data: bytes) -> str | None:
    """What a byte order mark says, or the zero bytes that two or four bytes a character leave in ASCII."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    return _ZEROS.get("".join("0" if byte == 0 else "x" for byte in data[:4]))


def foreign_parts(path: str) -> tuple[str, ...]:
    """The safe parts of a path that another machine wrote: no drive, no root, no ``..``, no halves of characters."""
    whole = path if path.isascii() else path.encode("utf-8", "replace").decode()
    parts = _SEPARATORS.split(whole) if "/" in whole or "\\" in whole else [whole]
    parts = [part.strip() for part in parts]
    return tuple(part for part in parts if part not in {"", ".", ".."} and not part.endswith(":"))


def tails(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A path as it was written, then without its first folder, without its first two, and so on."""
    for start in range(len(parts)):
        yield parts[start:]


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


def number_text(value: float) -> str:
    """The shortest text that reads back as the same float; whole numbers without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))


def as_number(text: str) -> float:
    """A number as programs of any country write it, with a point or a comma.

    Raises:
        ValueError: it is none.
    """
    return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
