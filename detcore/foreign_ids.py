"""Ids as other programs write them in JSON: numbers, whole floats, or text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
_MOST_DIGITS = 30


def as_id(value: Any) -> int | str | None:
    """An id as it is written, a whole float as a number; ``None`` for what is no id."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def number_of(value: Any) -> int | None:
    """The number that an id is, or is written as."""
    key = as_id(value)
    if isinstance(key, str):
        return int(key) if key.strip().isdecimal() and len(key) < _MOST_DIGITS else None
    return key


class IdTable(Generic[Item]):
    """What ids stand for.

    An id is looked up as it is written first. A number and its text (``7``, ``"7"``, ``"07"``) are the same
    only where no more than one of the known ids is that number.
    """

    def __init__(self) -> None:
        self._items: dict[int | str, Item] = {}
        self._spellings: dict[int, list[int | str]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[int | str]:
        return iter(self._items)

    @property
    def exact(self) -> Mapping[int | str, Item]:
        """The items by their ids as these are written."""
        return self._items

    def add(self, value: Any, item: Item) -> bool:
        """Whether the value is an id, and not one that is known."""
        key = as_id(value)
        if key is None or key in self._items:
            return False
        self._items[key] = item
        number = number_of(key)
        if number is not None:
            self._spellings.setdefault(number, []).append(key)
        return True

    def find(self, value: Any) -> Item | None:
        key = as_id(value)
        if key is None:
            return None
        item = self._items.get(key)
        if item is not None:
            return item
        number = number_of(key)
        spellings = [] if number is None else self._spellings.get(number, [])
        return self._items[spellings[0]] if len(spellings) == 1 else None
