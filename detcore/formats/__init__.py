"""Dataset formats: pure readers and writers between files and :class:`detcore.formats.base.Dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from detcore.formats.base import Format
from detcore.formats.coco import CocoFormat
from detcore.formats.voc import VocFormat
from detcore.formats.yolo import YoloFormat

FORMATS: Mapping[str, Format] = MappingProxyType(
    {"voc": VocFormat(), "coco": CocoFormat(), "yolo": YoloFormat()}
)
"""The formats by name."""


def detect_format(source: Path) -> str | None:
    """The name of the format that a folder or annotation file looks like; ``None`` when it is unclear."""
    if source.is_file():
        by_suffix = {".xml": "voc", ".json": "coco", ".yaml": "yolo", ".yml": "yolo", ".data": "yolo"}
        return by_suffix.get(source.suffix.lower())
    return next((name for name, item in FORMATS.items() if item.detect(source)), None)
