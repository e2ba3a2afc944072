"""What a box turned out to be: found, false or missed; and how each kind is shown everywhere."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.theme import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, Theme


class ErrorKind(IntEnum):
    """The value is the column of the kind in tables and its rank in sorted lists."""

    TP = 0
    FP = 1
    FN = 2


ERRORS = frozenset({ErrorKind.FP, ErrorKind.FN})
EVERY_KIND = frozenset(ErrorKind)

SHORT = {ErrorKind.TP: "TP", ErrorKind.FP: "FP", ErrorKind.FN: "FN"}
TITLES = {
    ErrorKind.TP: "Found",
    ErrorKind.FP: "False positive",
    ErrorKind.FN: "Missed",
}
TIPS = {
    ErrorKind.TP: "True positives: detections that match a label",
    ErrorKind.FP: "False positives: detections without a label",
    ErrorKind.FN: "False negatives: labels that no detection matches",
}
OVERLAY_COLORS = {
    ErrorKind.TP: QColor(TRUE_POSITIVE),
    ErrorKind.FP: QColor(FALSE_POSITIVE),
    ErrorKind.FN: QColor(FALSE_NEGATIVE),
}
PEN_STYLES = {
    ErrorKind.TP: Qt.PenStyle.SolidLine,
    ErrorKind.FP: Qt.PenStyle.DashLine,
    ErrorKind.FN: Qt.PenStyle.DotLine,
}


def text_color(theme: Theme, kind: ErrorKind) -> QColor:
    """The kind's colour where it has to be readable on the panels of the theme."""
    return theme.color({ErrorKind.TP: "tp", ErrorKind.FP: "fp", ErrorKind.FN: "fn"}[kind])
