"""Detections of other programs, and labels of other people, taken into a project as runs."""

from __future__ import annotations

from detcore.exchange.detections.formats import DETECTION_FORMATS, label_formats, recognised
from detcore.exchange.detections.found import FoundDetections, LookedAt, find_detections
from detcore.exchange.detections.importing import ImportedRun, import_detections, usual_name

__all__ = [
    "DETECTION_FORMATS",
    "FoundDetections",
    "ImportedRun",
    "LookedAt",
    "find_detections",
    "import_detections",
    "label_formats",
    "recognised",
    "usual_name",
]
