"""Foreign fields as plain JSON that every writer takes, whatever the files held."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

_DEEPEST = 50
_ENCODE = json.JSONEncoder(allow_nan=False).encode


class Cleaner:
    """Turns values into JSON and keeps the reasons for what it had to change."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()

    def fields(self, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The same fields, each of them plain JSON."""
        return cast("dict[str, Any]", dict(extra) if not extra or _is_clean(extra) else self._value(extra, 0))

    def text(self, text: str) -> str:
        """Text without halves of characters, which no file in UTF-8 can hold."""
        if text.isascii():
            return text
        whole = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
        if whole != text:
            self.reasons.add("halves of characters, which were replaced")
        return whole

    def _value(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            self.reasons.add("values nested too deeply, which were left out")
            return None
        if isinstance(value, Mapping):
            items = cast("Mapping[Any, Any]", value).items()
            return {self.text(str(key)): self._value(item, depth + 1) for key, item in items}
        if isinstance(value, list | tuple):
            return [self._value(item, depth + 1) for item in cast("list[Any]", value)]
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                self.reasons.add("numbers that are none, which became null")
                return None
            return value
        self.reasons.add("values of unknown kinds, which became text")
        return self.text(str(value))


def is_clean(text: str) -> bool:
    """Whether nothing can be wrong with fields that the encoder took."""
    return "\\ud" not in text and text.count("[") + text.count("{") <= _DEEPEST


def _is_clean(extra: Mapping[str, Any]) -> bool:
    """Whether nothing can be wrong; by the encoder written in C, since outlines have many numbers."""
    try:
        return is_clean(_ENCODE(extra))
    except (TypeError, ValueError, RecursionError):
        return False
