"""Sizes and colours of what the canvas paints. Sizes are in logical pixels of the screen."""

from __future__ import annotations

from PySide6.QtGui import QColor

LINE_WIDTH = 2
SELECTED_LINE_WIDTH = 3
THINNER = 1
"""By so much lines of proposals are thinner than others."""
CASING_WIDTH = 1
CASING_COLOR = QColor(12, 12, 16, 150)

HANDLE_SIZE = 8
HANDLE_HIT_SIZE = 14
EDGE_HIT_DISTANCE = 4
HIT_TOLERANCE = 4
MIN_SIDE = 3
"""A box drawn or resized to less than this on the screen is an accident, not a box."""
CLICK_DISTANCE = 3
"""The pointer may tremble this far and a click is still a click."""

DASH_LENGTH = 7
DASH_GAP = 5
DOT_LENGTH = 3
DOT_GAP = 5

SELECTED_HALO = QColor(255, 255, 255)
SELECTED_FILL_ALPHA = 26
HOVER_FILL_ALPHA = 34
HATCH_ALPHA = 120
HATCH_PERIOD = 8

TAG_FONT_PIXELS = 12
TAG_PADDING = 4
TAG_HEIGHT = 16
TAG_MAX_WIDTH = 200
TAG_MIN_BOX_SIDE = 10
"""A box with a shorter side than this on the screen shows its name only when selected or hovered."""
TAG_LIMIT = 600
"""At most so many names at once: nobody reads more, and text is what costs most to paint."""

READOUT_OFFSET = 16
FIT_MARGIN = 16
BAND_COLOR = QColor(64, 140, 255)
CROSSHAIR_LIGHT = QColor(255, 255, 255, 190)
CROSSHAIR_DARK = QColor(0, 0, 0, 120)
READOUT_BACKGROUND = QColor(20, 22, 26, 225)
READOUT_TEXT = QColor(245, 246, 248)
DEFAULT_SURROUND = QColor(58, 60, 64)

SMOOTH_BELOW_ZOOM = 3.0
"""At this zoom and above single pixels are shown as squares."""


def text_color_on(color: QColor) -> QColor:
    """Black or white, whichever has the larger WCAG contrast on that colour."""
    light = relative_luminance(color)
    black_contrast = (light + 0.05) / 0.05
    white_contrast = 1.05 / (light + 0.05)
    return QColor(0, 0, 0) if black_contrast >= white_contrast else QColor(255, 255, 255)


def relative_luminance(color: QColor) -> float:
    """Relative luminance as in WCAG 2.1, 0 for black to 1 for white."""
    channels = (color.redF(), color.greenF(), color.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightened(color: QColor) -> QColor:
    """The colour of a line under the pointer: half way to white."""
    return QColor(*((channel + 255) // 2 for channel in (color.red(), color.green(), color.blue())))
