"""The numbers of an evaluation as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detcore.evaluation.coco import STAT_NAMES

_TITLES = {
    "coco": "COCO rules (IoU .50 to .95, 101 points)",
    "ultralytics": "Ultralytics rules, for comparison (IoU .50 to .95, straight lines between points)",
    "voc2007": "PASCAL VOC 2007 rules (IoU .50, 11 points)",
    "voc2010": "PASCAL VOC 2010 rules (IoU .50, area under the curve)",
}
_MEANINGS = {
    "AP": "average precision, IoU .50 to .95",
    "AP50": "average precision, IoU .50",
    "AP75": "average precision, IoU .75",
    "APs": "average precision, small objects (up to 32² pixels)",
    "APm": "average precision, medium objects",
    "APl": "average precision, large objects (from 96² pixels)",
    "AR1": "average recall, 1 detection per image and class",
    "AR10": "average recall, 10 detections per image and class",
    "AR100": "average recall, 100 detections per image and class",
    "ARs": "average recall, small objects",
    "ARm": "average recall, medium objects",
    "ARl": "average recall, large objects",
}
_COLUMNS = ("AP", "AP50", "AP75", "AR100", "tp", "fp", "gt_count", "det_count")


def format_report(numbers: Mapping[str, Any]) -> str:
    """The outcome of ``evaluate_files`` or ``evaluate_columns`` as lines of text."""
    lines = [
        _TITLES[numbers["rules"]],
        f"{numbers['images']} images, {numbers['gt_count']} objects, {numbers['det_count']} detections",
        *(f"Note: {note}" for note in numbers.get("notes", ())),
        "",
        *(
            f"{name:<6} {_shown(numbers[name]):>7}   {_MEANINGS[name]}"
            for name in STAT_NAMES
            if name in numbers
        ),
    ]
    per_class: Mapping[str, Mapping[str, Any]] = numbers["per_class"]
    if not per_class:
        return "\n".join(lines)
    shown = [name for name in _COLUMNS if name in next(iter(per_class.values()))]
    width = max(len("class"), *(len(name) for name in per_class))
    lines += ["", f"{'class':<{width}}" + "".join(f" {name.replace('_count', ''):>8}" for name in shown)]
    for name, one in per_class.items():
        lines.append(f"{name:<{width}}" + "".join(f" {_shown(one[key]):>8}" for key in shown))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
