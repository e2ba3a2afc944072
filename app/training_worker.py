"""Placeholder replaced by the training page's author."""

from __future__ import annotations

from PySide6.QtCore import QObject


class Jobs(QObject):
    """Owns worker processes."""
