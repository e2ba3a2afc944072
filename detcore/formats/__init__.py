"""Dataset formats: pure readers and writers between files and :class:`detcore.formats.base.Dataset`."""

from __future__ import annotations

from detcore.formats.registry import Recognised, all_formats, detect_format, recognise

__all__ = ["Recognised", "all_formats", "detect_format", "recognise"]
