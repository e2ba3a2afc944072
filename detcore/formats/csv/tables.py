"""Delimited text as rows that know their lines.

A line is a row: neither the name of a file nor that of a class has line breaks, and so a quote that is never closed costs
one row and not all that follow.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detcore.formats.common.collect import Gathering
from detcore.formats.common.text import decode
from detcore.formats.sniffing import HEAD, read_head

_DELIMITERS = ("\t", ";", ",")
_LONGEST = 100_000
"""Characters of a line; beyond, the parser gives up."""

Cells = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a file that are not empty, each with the number of its line from 1."""

    path: Path
    rows: Sequence[tuple[int, Cells]]


def read_table(found: Gathering, path: Path) -> Table | None:
    """The table in a file; ``None`` where it cannot be read or holds nothing. What is odd is reported."""
    text = found.text(path)
    if text is None:
        return None
    lines = _lines(text)
    for number, line in enumerate(lines, start=1):
        if not _is_sound(line):
            what = "a quote is not closed" if len(line) <= _LONGEST else "the line is too long for a row"
            found.problem(path, f"{what}: left out ({line[:60]!r})", number)
    rows = _rows(lines)
    return Table(path=path, rows=rows) if rows else None


def first_rows(path: Path) -> list[Cells]:
    """The cells of the first rows of a file, from its first bytes."""
    head = read_head(path)
    lines = _lines(decode(head)[0])
    return [cells for _, cells in _rows(lines[:-1] if len(head) == HEAD else lines)]


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _is_sound(line: str) -> bool:
    return len(line) <= _LONGEST and line.count('"') % 2 == 0


def _rows(lines: Sequence[str]) -> list[tuple[int, Cells]]:
    sound = [line if _is_sound(line) else "" for line in lines]
    parsed: Iterable[Cells] = csv.reader(sound, delimiter=_delimiter(sound))
    stripped = ((number, [cell.strip() for cell in cells]) for number, cells in enumerate(parsed, start=1))
    return [(number, cells) for number, cells in stripped if any(cells)]


def _delimiter(lines: Sequence[str]) -> str:
    """What divides the first row: the first that is there at least three times, or else the most frequent; commas may
    be within numbers."""
    line = next((line for line in lines if line.strip()), "")
    counts = {mark: line.count(mark) for mark in _DELIMITERS}
    often = next((mark for mark, count in counts.items() if count >= 3), None)
    return often or max(reversed(_DELIMITERS), key=lambda mark: counts[mark])
