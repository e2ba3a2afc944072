"""Small things that several painted widgets need: fonts of the three sizes, colours with alpha."""

from __future__ import annotations

from PySide6.QtCore import QLocale
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QWidget


def sized_font(widget: QWidget, pixels: int, *, bold: bool = False) -> QFont:
    """The widget's font at one of the three text sizes, with tabular figures."""
    font = QFont(widget.font())
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def faded(color: QColor, alpha: float) -> QColor:
    """``color`` with an opacity of 0 to 1."""
    result = QColor(color)
    result.setAlphaF(alpha)
    return result


def count_text(number: int) -> str:
    """A count in the person's locale."""
    return QLocale().toString(number)


def ratio_text(value: float, *, digits: int = 2) -> str:
    """A score, precision or the like; a dash where there is none (0 of 0)."""
    return QLocale().toString(value, "f", digits) if value == value else "–"
