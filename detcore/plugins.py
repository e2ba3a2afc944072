"""What others install beside Reticle: entry points, each of which names a declaration such as a ``FormatSpec``."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)


def plugins(group: str, kind: type[T]) -> list[T]:
    """The objects of a ``kind`` that the entry points of a ``group`` name, by the names of the entry points. What
    cannot be loaded, or is something else, is logged and left out."""
    found: list[T] = []
    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        try:
            loaded = entry.load()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
            _log.warning("the plug-in %s (%s) is left out: %r", entry.name, entry.value, error)
            continue
        if isinstance(loaded, kind):
            found.append(loaded)
        else:
            _log.warning(
                "the plug-in %s (%s) is left out: it is no %s", entry.name, entry.value, kind.__name__
            )
    return found
