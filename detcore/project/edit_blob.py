"""An edit as bytes, for the journal.

Since version 4 of the project file: a mark, the length of what follows it, compressed JSON of the records of the
edit column by column, and the columns of real numbers as they are, since text of them takes most of the time of a
large import. Older programs wrote the records row by row, as compressed JSON alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from detcore.errors import ProjectDamagedError
from detcore.project.row_change import Edit, Row, RowChange, SettingChange
from detcore.untrusted_json import parse_json

_MARK = b"\x04"  # no compressed data begins so
_LENGTH_BYTES = 8
_SETTING = "setting"  # no table that rows of edits are in has that name
_REALS = np.dtype("<f8")


def pack(edit: Edit) -> bytes:
    """What an edit changes, but for its text: rows, and settings by key under a name of their own."""
    reals: list[bytes] = []
    records: list[list[Any]] = [
        [
            change.table,
            change.columns,
            change.ids,
            None if change.before is None else [_packed(column, reals) for column in _turned(change.before)],
            None if change.after is None else [_packed(column, reals) for column in _turned(change.after)],
        ]
        for change in edit.changes
    ]
    records += [[_SETTING, change.key, change.before, change.after] for change in edit.settings]
    head = zlib.compress(json.dumps(records, separators=(",", ":")).encode(), level=1)
    return b"".join((_MARK, len(head).to_bytes(_LENGTH_BYTES, "little"), head, *reals))


def unpack(text: str, blob: bytes) -> Edit:
    """The edit ``text`` that ``pack`` packed, of any version.

    Raises:
        ProjectDamagedError: it is none.
    """
    try:
        if blob[:1] == _MARK:
            return _Unpacking(blob).edit(text)
        return _edit_of_rows(text, parse_json(zlib.decompress(blob)))
    except (ValueError, TypeError, KeyError, IndexError, zlib.error) as error:
        raise ProjectDamagedError(f"a step of the history cannot be read ({error})") from error


def _turned(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def _packed(column: tuple[Any, ...], reals: list[bytes]) -> Any:
    """A column as JSON: its one value, the number of values that are appended to ``reals``, or its values."""
    kinds = set(map(type, column))
    if len(kinds) == 1 and column.count(column[0]) == len(column):
        return {"every": column[0]}
    if kinds == {float}:
        reals.append(np.array(column, _REALS).tobytes())
        return {"reals": len(column)}
    return column


class _Unpacking:
    """Reads a blob from its front to its end."""

    def __init__(self, blob: bytes) -> None:
        start = len(_MARK) + _LENGTH_BYTES
        end = start + int.from_bytes(blob[len(_MARK) : start], "little")
        self._head = blob[start:end]
        self._reals = np.frombuffer(blob, _REALS, offset=end) if end < len(blob) else np.zeros(0, _REALS)

    def edit(self, text: str) -> Edit:
        changes: list[RowChange] = []
        settings: list[SettingChange] = []
        for record in parse_json(zlib.decompress(self._head)):
            if record[0] == _SETTING:
                settings.append(_setting(record))
                continue
            table, columns, ids, before, after = record
            changes.append(
                RowChange(
                    table=table,
                    columns=tuple(columns),
                    ids=tuple(ids),
                    before=None if before is None else self._rows(before, len(ids)),
                    after=None if after is None else self._rows(after, len(ids)),
                )
            )
        return Edit(text=text, changes=tuple(changes), settings=tuple(settings))

    def _rows(self, columns: Sequence[Any], count: int) -> tuple[Row, ...]:
        return tuple(zip(*[self._column(column, count) for column in columns], strict=True))

    def _column(self, packed: Any, count: int) -> Sequence[Any]:
        if not isinstance(packed, dict):
            return packed
        kind = cast("dict[str, Any]", packed)
        if "every" in kind:
            return [kind["every"]] * count
        if kind["reals"] != count or len(self._reals) < count:
            raise ValueError("numbers are missing")
        values, self._reals = self._reals[:count], self._reals[count:]
        return values.tolist()


def _edit_of_rows(text: str, records: Sequence[Any]) -> Edit:
    """An edit as versions 1 to 3 wrote it."""
    changes = [
        RowChange(
            table=table,
            columns=tuple(columns),
            ids=tuple(ids),
            before=None if before is None else tuple(map(tuple, before)),
            after=None if after is None else tuple(map(tuple, after)),
        )
        for table, columns, ids, before, after in (item for item in records if item[0] != _SETTING)
    ]
    settings = [_setting(item) for item in records if item[0] == _SETTING]
    return Edit(text=text, changes=tuple(changes), settings=tuple(settings))


def _setting(record: Sequence[Any]) -> SettingChange:
    _, key, before, after = record
    return SettingChange(key=key, before=before, after=after)
