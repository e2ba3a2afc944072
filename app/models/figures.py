"""Numbers as the person's locale writes them."""

from __future__ import annotations

from PySide6.QtCore import QLocale


def count_text(number: int) -> str:
    """A count in the person's locale."""
    return QLocale().toString(number)


def ratio_text(value: float, *, digits: int = 2) -> str:
    """A score, precision or the like; a dash where there is none (0 of 0)."""
    return QLocale().toString(value, "f", digits) if value == value else "–"


def short_text(value: float) -> str:
    """A number without zeros at its end, as in ``F0.5`` and ``F2``."""
    return QLocale().toString(value, "g")
