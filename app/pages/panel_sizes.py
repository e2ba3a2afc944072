"""Panels that were squeezed by a small window get their sizes back once there is room again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

_BESIDE = Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea
_BUTTONS = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease)


class PanelSizes(QObject):
    """Remembers the widths of panels at the sides of ``page``, and the heights of those above and below its
    middle.

    A panel that changes while its page keeps its size was changed by a person: that is the size it is to
    have.
    """

    def __init__(self, page: QMainWindow) -> None:
        super().__init__(page)
        self._page = page
        self._page_size = QSize()
        self._wanted: dict[QDockWidget, int] = {}
        # of the page, when that was so
        self._room: dict[QDockWidget, int] = {}
        self._is_dragging = False
        self._is_at_work = False
        page.installEventFilter(self)

    def watch(self, panel: QDockWidget) -> None:
        panel.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize and not self._is_at_work:
            if watched is self._page:
                # the layout has followed already
                self._page_size = self._page.size()
                self._give_back()
            elif isinstance(watched, QDockWidget) and self._is_meant(watched):
                self._wanted[watched] = self._extent(watched)
                self._room[watched] = self._page_extent(watched)
        elif watched is self._page and event.type() in _BUTTONS:
            # the edges between panels are the page's own
            self._is_dragging = event.type() == QEvent.Type.MouseButtonPress
        return False

    def _is_meant(self, panel: QDockWidget) -> bool:
        if not self._page.isVisible() or self._page.size() != self._page_size or panel.isFloating():
            return False
        return self._is_dragging or self._page_extent(panel) >= self._room.get(panel, 0)

    def _is_beside(self, panel: QDockWidget) -> bool:
        return bool(self._page.dockWidgetArea(panel) & _BESIDE)

    def _extent(self, panel: QDockWidget) -> int:
        return panel.width() if self._is_beside(panel) else panel.height()

    def _page_extent(self, panel: QDockWidget) -> int:
        return self._page.width() if self._is_beside(panel) else self._page.height()

    def _give_back(self) -> None:
        self._is_at_work = True
        for beside, orientation in ((True, Qt.Orientation.Horizontal), (False, Qt.Orientation.Vertical)):
            panels = [
                panel
                for panel in self._wanted
                if self._is_beside(panel) == beside and not panel.isFloating() and panel.isVisible()
            ]
            if any(self._extent(panel) != self._wanted[panel] for panel in panels):
                self._page.resizeDocks(panels, [self._wanted[panel] for panel in panels], orientation)
        self._is_at_work = False
