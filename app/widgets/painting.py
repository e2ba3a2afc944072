"""Small things that several painted widgets need: fonts of the three sizes, colours with alpha."""

from __future__ import annotations

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


def blended(color: QColor, other: QColor, share: float) -> QColor:
    """``share`` of ``other`` mixed into ``color``."""
    pairs = zip(
        (color.red(), color.green(), color.blue()), (other.red(), other.green(), other.blue()), strict=True
    )
    return QColor(*(round(a + (b - a) * share) for a, b in pairs))
