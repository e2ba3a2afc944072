"""Files dragged in from elsewhere. They are only looked at, whatever their owner offers to do with them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent


def take_files(event: QDropEvent) -> list[Path]:
    """The local files of a drag or a drop, which is answered: as a copy where there are any, so that no file
    manager takes them away."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    if paths:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    else:
        event.ignore()
    return paths
