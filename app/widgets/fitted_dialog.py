"""A dialog that is as high as its text needs, and no larger than the screen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QDialog, QStyle


class FittedDialog(QDialog):
    """The base of every dialog of the program.

    Qt measures wrapped lines before it makes a dialog narrower for a small screen, and does not measure again when
    a text changes: lines and buttons at the end would be cut.
    """

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            # before Qt looks for a place for it
            self._resize(self._whole(self.size().boundedTo(self._room())))
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible() and not self.isMaximized():
            self._resize(self._whole(self.size()))
        return done

    def _room(self) -> QSize:
        """What the screen has for it without its title, in logical pixels."""
        title = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        return self.screen().availableGeometry().size() - QSize(0, title)

    def _whole(self, size: QSize) -> QSize:
        """The size, higher where the text needs it and the screen has room."""
        layout = self.layout()
        if layout is None or not layout.hasHeightForWidth():
            return size
        needed = min(layout.totalHeightForWidth(size.width()), self._room().height())
        return QSize(size.width(), max(size.height(), needed))

    def _resize(self, size: QSize) -> None:
        if size != self.size():
            self.resize(size)
