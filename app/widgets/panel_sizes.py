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

    Attributes:
        middle_width: what the middle has before the panels beside it have their widths; 0 for what is left.
    """

    def __init__(self, page: QMainWindow) -> None:
        super().__init__(page)
        self._page = page
        self.middle_width = 0
        self._page_size = QSize()
        self._wanted: dict[QDockWidget, int] = {}
        # of the page, when that was so
        self._room: dict[QDockWidget, int] = {}
        self._is_dragging = False
        self._is_in_front = False
        self._is_at_work = False
        page.installEventFilter(self)

    def watch(self, panel: QDockWidget) -> None:
        panel.installEventFilter(self)

    def want(self, panel: QDockWidget, extent: int, orientation: Qt.Orientation) -> None:
        """Give a panel this width or height as soon as there is room for it; heights of panels beside the middle
        are left to the user."""
        if self._is_beside(panel) != (orientation == Qt.Orientation.Horizontal):
            return
        self._wanted[panel] = extent
        if self._extent(panel) < extent:
            self._room[panel] = self._page_extent(panel) + 1

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._page and event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            # a page that was resized while another was in front makes up for it now
            self._is_in_front = event.type() == QEvent.Type.Show
            if self._is_in_front:
                self._page_size = self._page.size()
                self.fit()
        elif event.type() == QEvent.Type.Resize and not self._is_at_work:
            if watched is self._page:
                # the layout has followed already
                self._page_size = self._page.size()
                self.fit()
            elif isinstance(watched, QDockWidget) and self._is_meant(watched):
                self._wanted[watched] = self._extent(watched)
                self._room[watched] = self._page_extent(watched)
        elif watched is self._page and event.type() in _BUTTONS:
            # the edges between panels are the page's own
            self._is_dragging = event.type() == QEvent.Type.MouseButtonPress
        return False

    def _is_meant(self, panel: QDockWidget) -> bool:
        if not self._is_in_front or self._page.size() != self._page_size or panel.isFloating():
            return False
        return self._is_dragging or self._page_extent(panel) >= self._room.get(panel, 0)

    def _is_beside(self, panel: QDockWidget) -> bool:
        return bool(self._page.dockWidgetArea(panel) & _BESIDE)

    def _extent(self, panel: QDockWidget) -> int:
        return panel.width() if self._is_beside(panel) else panel.height()

    def _page_extent(self, panel: QDockWidget) -> int:
        return self._page.width() if self._is_beside(panel) else self._page.height()

    def fit(self) -> None:
        """Give all panels their sizes, as far as there is room."""
        self._is_at_work = True
        for beside, orientation in ((True, Qt.Orientation.Horizontal), (False, Qt.Orientation.Vertical)):
            panels = {
                panel: size
                for panel, size in self._wanted.items()
                if self._is_beside(panel) == beside and not panel.isFloating() and panel.isVisible()
            }
            if beside:
                panels = self._beside_the_middle(panels)
            if any(self._extent(panel) != size for panel, size in panels.items()):
                self._page.resizeDocks(list(panels), list(panels.values()), orientation)
        self._is_at_work = False

    def _beside_the_middle(self, widths: dict[QDockWidget, int]) -> dict[QDockWidget, int]:
        """All narrower by the same share where the middle would have less than its width."""
        sides: dict[Qt.DockWidgetArea, int] = {}
        for panel, width in widths.items():
            area = self._page.dockWidgetArea(panel)
            sides[area] = max(sides.get(area, 0), width)
        room = self._page.width() - self.middle_width - len(sides)  # and a line beside each
        share = min(room / max(sum(sides.values()), 1), 1.0)
        return {
            panel: max(int(share * width), panel.minimumSizeHint().width()) for panel, width in widths.items()
        }
