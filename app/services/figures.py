"""Numbers as the user's locale writes them."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from detcore import wording

AP = "AP"
"""COCO's mean over IoU thresholds, and that alone: at one threshold it is ``ap_name``."""
AP_TIP = "COCO's AP: the mean over IoU 0.50 to 0.95, and over the classes that have labels"


def count_text(number: int) -> str:
    """A count in the user's locale."""
    return QLocale().toString(number)


def counted(number: float, one: str, many: str | None = None) -> str:
    """``detcore.wording.counted`` with the number as the user's locale writes it."""
    if isinstance(number, int):
        return wording.counted(number, one, many, write=count_text)
    return wording.counted(number, one, many, write=short_text)


def contents_text(images: int, boxes: int) -> str:
    """``3 images and 1 box``: what a dataset holds."""
    return f"{counted(images, 'image')} and {counted(boxes, 'box', 'boxes')}"


def ratio_text(value: float, *, digits: int = 2) -> str:
    """A score, precision or the like; a dash where there is none (0 of 0)."""
    return QLocale().toString(float(value), "f", digits) if value == value else "–"


def short_text(value: float) -> str:
    """A number without zeros at its end, as in ``F0.5`` and ``F2``."""
    return QLocale().toString(float(value), "g")


def ap_at_tip(iou_threshold: float, *, of_class: bool = False, limited: bool = False) -> str:
    """What stands behind ``ap_name``; ``limited`` as COCO does it, to 100 detections of an image and
    class."""
    mean = "" if of_class else ", the mean over the classes that have labels"
    counted = "the 100 best detections of each image and class" if limited else "all detections"
    return (
        f"Average precision at IoU {ratio_text(iou_threshold)}, which is chosen above{mean}; "
        f"COCO's rules, {counted}"
    )
