"""How what a box turned out to be is named and drawn."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.services.theme import FALSE_NEGATIVE, FALSE_POSITIVE, NEUTRAL, TRUE_POSITIVE, Theme
from detcore.review.kinds import ErrorKind, ItemType

SHORT = {ErrorKind.TP: "TP", ErrorKind.FP: "FP", ErrorKind.FN: "FN"}
TITLES = {
    ErrorKind.TP: "Found",
    ErrorKind.FP: "False positive",
    ErrorKind.FN: "Missed",
    ErrorKind.UNJUDGED: "Unjudged",
}
TIPS = {
    ErrorKind.TP: "True positives: detections that match a label",
    ErrorKind.FP: "False positives: detections without a label",
    ErrorKind.FN: "False negatives: labels that no detection matches",
    ErrorKind.UNJUDGED: "Detections on an image without labels: neither right nor wrong",
}
OVERLAY_COLORS = {
    ErrorKind.TP: QColor(TRUE_POSITIVE),
    ErrorKind.FP: QColor(FALSE_POSITIVE),
    ErrorKind.FN: QColor(FALSE_NEGATIVE),
    ErrorKind.UNJUDGED: QColor(NEUTRAL),
}
PEN_STYLES = {
    ErrorKind.TP: Qt.PenStyle.SolidLine,
    ErrorKind.FP: Qt.PenStyle.DashLine,
    ErrorKind.FN: Qt.PenStyle.DotLine,
    ErrorKind.UNJUDGED: Qt.PenStyle.DashDotLine,
}


TYPE_TITLES = {
    ItemType.CLASS: "Other class",
    ItemType.LOCATION: "Badly placed",
    ItemType.BOTH: "Class and place",
    ItemType.DUPLICATE: "Duplicate",
    ItemType.BACKGROUND: "On background",
    ItemType.MISSED: "Missed",
    ItemType.FOUND: "Found",
    ItemType.UNJUDGED: TITLES[ErrorKind.UNJUDGED],
}
TYPE_TIPS = {
    ItemType.CLASS: "A detection covers a label of another class",
    ItemType.LOCATION: "A detection of the right class touches the label, but not closely enough",
    ItemType.BOTH: "A detection touches a label of another class",
    ItemType.DUPLICATE: "A second detection of an object that is found",
    ItemType.BACKGROUND: "A detection where no label is",
    ItemType.MISSED: "A label with no detection near it",
    ItemType.FOUND: TIPS[ErrorKind.TP],
    ItemType.UNJUDGED: TIPS[ErrorKind.UNJUDGED],
}
TYPE_ICONS = {
    ItemType.CLASS: "swap-horizontal",
    ItemType.LOCATION: "arrow-expand-all",
    ItemType.BOTH: "shuffle-variant",
    ItemType.DUPLICATE: "content-duplicate",
    ItemType.BACKGROUND: "image-off-outline",
    ItemType.MISSED: "eye-off-outline",
    ItemType.FOUND: "check",
    ItemType.UNJUDGED: "help-circle-outline",
}


_TOKENS = {
    ErrorKind.TP: "tp",
    ErrorKind.FP: "fp",
    ErrorKind.FN: "fn",
    ErrorKind.UNJUDGED: "text_muted",
}


def text_color(theme: Theme, kind: ErrorKind) -> QColor:
    """The kind's colour where it has to be readable on the panels of the theme."""
    return theme.color(_TOKENS[kind])
