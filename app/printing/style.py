"""Sizes, fonts and colours on paper, which are those of the light theme. Lengths are in points."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont

from app.services.theme import LIGHT

UNITS_PER_POINT = 10
"""Painting is done in tenths of a point: fine enough that letters stand where the font wants them."""

TITLE, HEADING, BODY, SMALL = 14.0, 10.5, 9.0, 7.5
LINE_SPACING = 1.12

TEXT, MUTED, WARNING = LIGHT.text, LIGHT.text_muted, LIGHT.warning
LINE = QColor(LIGHT.line)
LINE_STRONG = QColor(LIGHT.line_strong)
ACCENT = QColor(LIGHT.accent)
PAPER = QColor(LIGHT.panel)
KIND_COLORS = {"tp": QColor(LIGHT.tp), "fp": QColor(LIGHT.fp), "fn": QColor(LIGHT.fn)}


def pt(points: float) -> float:
    """Points in the units of the page."""
    return points * UNITS_PER_POINT


def font(size: float, *, bold: bool = False) -> QFont:
    """The program's font with a height of ``size`` points, its letters not moved to a grid of pixels."""
    wanted = QFont()
    wanted.setPixelSize(round(pt(size)))
    wanted.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    wanted.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return wanted


def svg_style() -> str:
    """Of drawings: what the style sheet of the web page says of them, for paper."""
    return f"""
text {{ fill: {MUTED}; font-size: 9px; font-family: "{QFont().family()}"; }}
.grid {{ stroke: {LIGHT.line}; stroke-width: 0.9; }}
.axis {{ stroke: {LIGHT.line_strong}; stroke-width: 1; }}
.curve {{ fill: none; stroke: {LIGHT.accent}; stroke-width: 2.1; stroke-linejoin: round; }}
.dot {{ fill: {LIGHT.panel}; stroke: {TEXT}; stroke-width: 2; }}
.threshold {{ stroke: {TEXT}; stroke-width: 1.5; stroke-dasharray: 4 3; }}
"""
