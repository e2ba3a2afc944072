"""What a file is, told from its first bytes, for formats that share an extension with others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from detcore.formats.common.text import decode
from detcore.formats.common.walking import first_files, suffix_of

HEAD = 1 << 16
"""Bytes of a file that are looked at; a dataset may have gigabytes."""
_FILES = 2000
"""Files of a folder that are passed in search of those with an extension."""
_OF_A_KIND = 20
"""Files with an extension that are looked at."""
_CERTAIN = 0.9
_SHOWN = 6
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"?(\s*:)?|[{}\[\]]', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """How surely something is of a format, from 0 to 1, and ``why``: a clause that can follow a colon. At 0 it says
    what is there instead."""

    confidence: float
    why: str


def read_head(path: Path) -> bytes:
    """The first bytes; none of a file that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def surest(files: Iterable[Path], sniff: Callable[[Path], Sniffed | None]) -> Sniffed | None:
    """The most confident answer about one of some files, with the name of the file; the first certain one ends the
    search."""
    best: Sniffed | None = None
    for path in files:
        found = sniff(path)
        if found is not None and (best is None or found.confidence > best.confidence):
            best = Sniffed(confidence=found.confidence, why=f"{found.why} ({path.name})")
            if best.confidence >= _CERTAIN:
                break
    return best


class Sample:
    """A file or folder that every format is asked about. The first files of a folder are walked once for all of
    them, and no further than a format asks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self._walk = first_files(path, _FILES) if self.is_folder else iter((path,))
        self._seen: list[Path] = []

    def files(self, suffixes: Sequence[str]) -> list[Path]:
        """Some of the files below a folder that have one of these extensions (lower case); a file is its own."""
        found: list[Path] = []
        for path in self._files():
            if suffix_of(path) in suffixes:
                found.append(path)
                if len(found) == _OF_A_KIND:
                    break
        return found

    def first(self, most: int) -> list[Path]:
        """The first files of a folder, whatever they are; a file is its own."""
        return list(islice(self._files(), most))

    def surest(self, suffixes: Sequence[str], sniff: Callable[[Path], Sniffed | None]) -> Sniffed | None:
        """What ``sniff`` says of the file, or is surest of among the files of the folder."""
        files = self.files(suffixes)
        if self.is_folder:
            return surest(files, sniff)
        return sniff(files[0]) if files else None

    def _files(self) -> Iterator[Path]:
        yield from self._seen
        for path in self._walk:
            self._seen.append(path)
            yield path


@dataclass(frozen=True, slots=True)
class JsonHead:
    """The start of a JSON text: the keys of its object, or of the objects in its list, each with the keys of the
    objects that are its value, or stand in the list that is its value."""

    is_list: bool = False
    keys: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def __str__(self) -> str:
        if not self.keys:
            return "a list" if self.is_list else "no keys"
        names = list(self.keys)
        shown = ", ".join(name[:30] for name in names[:_SHOWN]) + (", …" if names[_SHOWN:] else "")
        return f"a list of objects with {shown}" if self.is_list else f"the keys are {shown}"


def json_head(path: Path) -> JsonHead | None:
    """What the start of a file shows, however long and deep the rest is; ``None`` where it is no JSON object or
    list."""
    text = decode(read_head(path))[0].lstrip("\ufeff \t\r\n")
    if text[:1] not in {"{", "["}:
        return None
    head = JsonHead(is_list=text[0] == "[")
    outer = "[{" if head.is_list else "{"
    inner = {outer + "{", outer + "[{"}
    longest = len(outer) + 2
    open_brackets: list[str] = []
    top = ""
    for token in _TOKEN.finditer(text):
        name, is_key = token[1], token[2] is not None
        if name is None:
            if token[0] in "{[":
                open_brackets.append(token[0])
            elif open_brackets:
                open_brackets.pop()
        elif is_key and len(open_brackets) <= longest:
            place = "".join(open_brackets)
            if place == outer:
                top = name
                head.keys.setdefault(name, set())
            elif place in inner and top in head.keys:  # broken JSON may have lost it
                head.keys[top].add(name)
    return head
