"""Label maps of the Object Detection API: which number stands for which class, in protobuf's text form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\#[^\n]*|"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)'|(?P<word>[\w.+-]+)|(?P<mark>[{}:;,<>])""",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class MappedLabel:
    """A class: ``name`` is what records call it, ``shown`` what people do."""

    number: int
    name: str
    shown: str


def read_label_map(text: str) -> list[MappedLabel]:
    """The classes of a label map that have a number and a name, in the order of the numbers."""
    found: list[MappedLabel] = []
    for item in _items(text):
        number, name = item.get("id", ""), item.get("name", "") or item.get("display_name", "")
        if name and number.isdecimal() and len(number) < 19:
            found.append(MappedLabel(int(number), name, item.get("display_name", "") or name))
    return sorted(found, key=lambda label: label.number)


def write_label_map(labels: Sequence[MappedLabel]) -> str:
    """The inverse."""
    blocks: list[str] = []
    for label in labels:
        shown = f'  display_name: "{label.shown.translate(_QUOTED)}"\n' if label.shown != label.name else ""
        blocks.append(
            f'item {{\n  id: {label.number}\n  name: "{label.name.translate(_QUOTED)}"\n{shown}}}\n'
        )
    return "".join(blocks)


def _items(text: str) -> Iterator[dict[str, str]]:
    """The fields of each item; of what lies deeper in it nothing is read."""
    depth, key, fields = 0, "", dict[str, str]()
    for token in _TOKEN.finditer(text):
        mark, word = token["mark"], token["word"]
        quoted = token["double"] if token["double"] is not None else token["single"]
        if mark in ("{", "<"):
            depth += 1
            fields = {} if depth == 1 else fields
            key = ""
        elif mark in ("}", ">"):
            if depth == 1:
                yield fields
            depth = max(depth - 1, 0)
            key = ""
        elif quoted is not None or (word is not None and key):
            if depth == 1 and key:
                fields[key] = _plain(quoted) if quoted is not None else str(word)
            key = ""
        elif word is not None:
            key = word


def _plain(quoted: str) -> str:
    """The text between quotes, whose escapes may stand for single bytes of UTF-8."""

    def byte(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code[:1] in b"01234567":
            return bytes([int(code, 8) & 0xFF])
        if code[:1] == b"x" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(byte, quoted.encode()).decode("utf-8", "replace")
