"""What the four pages have in common: a tool bar, a middle, and panels that can be moved."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDockWidget,
    QDoubleSpinBox,
    QMainWindow,
    QSizePolicy,
    QSpinBox,
    QToolBar,
    QToolButton,
    QWidget,
)

from app.services.context import AppContext
from app.services.theme import ICON_SIZE
from app.widgets.panel_sizes import PanelSizes
from app.widgets.tool_words import ToolWords

LAYOUT_VERSION = 1
_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


class Page(QMainWindow):
    """A page of the window. Its panels are docks and come back as they were left.

    A field keeps the focus only while it is used: Enter, Esc or a choice from an open list give it back to the
    page's home, where single letters are shortcuts again.

    Attributes:
        name: the scope of its actions and the key of its stored layout.
        context: the services of the window.
        words: the actions of the tool bar that have words beside their icons where there is room.
        homes: where the work is, a canvas or a list; the first that is to be seen takes the focus.
    """

    def __init__(self, name: str, context: AppContext) -> None:
        super().__init__()
        self.name = name
        self.context = context
        self.homes: tuple[QWidget, ...] = ()
        self.setObjectName(f"{name}_page")
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks)
        self._first_widths: dict[QDockWidget, int] = {}
        self._first_heights: dict[QDockWidget, int] = {}
        self._was_shown = False
        self.panel_sizes = PanelSizes(self)
        self.toolbar = QToolBar(self)
        self.toolbar.setObjectName(f"{name}_toolbar")
        self.toolbar.setMovable(False)
        self.toolbar.setIconSize(ICON_SIZE)
        self.toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.words = ToolWords(self.toolbar)
        self.toolbar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(self.toolbar)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow_focus)

    def home(self) -> QWidget:
        """What takes the focus when no field has it."""
        return next((widget for widget in self.homes if widget.isVisible()), self)

    def add_panel(
        self,
        title: str,
        widget: QWidget,
        area: Qt.DockWidgetArea,
        *,
        width: int | None = None,
        height: int | None = None,
    ) -> QDockWidget:
        """Put ``widget`` into a dock of that title; ``width`` or ``height`` is its first size."""
        panel = QDockWidget(title, self)
        panel.setObjectName(f"{self.name}_{title.lower().replace(' ', '_')}_panel")
        widget.setProperty("role", "panel")
        widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setWidget(widget)
        panel.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self.addDockWidget(area, panel)
        self.panel_sizes.watch(panel)
        if width is not None:
            self._first_widths[panel] = width
        if height is not None:
            self._first_heights[panel] = height
        return panel

    def add_icon_action(self, action: QAction) -> None:
        """Put an action into the tool bar as an icon alone; its tooltip names it."""
        self.toolbar.addAction(action)
        button = self.toolbar.widgetForAction(action)
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def add_toolbar_space(self) -> None:
        """Push what follows in the tool bar to the right."""
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.toolbar.addWidget(space)

    def panels(self) -> list[QDockWidget]:
        return self.findChildren(QDockWidget)

    def restore_layout(self) -> None:
        """Arrange the panels as they were left; done when the page is first shown."""
        state = self.context.settings.layout(self.name)
        if state is not None and self.restoreState(state, LAYOUT_VERSION):
            self._first_widths.clear()
            self._first_heights.clear()

    def save_layout(self) -> None:
        """Keep it for the next start; that of a page that was never shown is still the one of last time."""
        if self._was_shown:
            self.context.settings.set_layout(self.name, self.saveState(LAYOUT_VERSION))

    def entered(self) -> None:
        """The page is shown: bring it up to date and put the focus where the work is."""
        self.home().setFocus()

    def left(self) -> None:
        """Another page is shown."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What a field leaves of Enter and Esc says that one is done with it."""
        field = self.focusWidget()
        is_field = field is not None and not isinstance(field, QAbstractItemView | QAbstractButton)
        if event.key() not in _ENDS or not is_field or field is self.home():
            super().keyPressEvent(event)
            return
        if event.key() == Qt.Key.Key_Escape and isinstance(field, QSpinBox | QDoubleSpinBox):
            field.setValue(field.value())  # type: ignore[arg-type] # what was typed is not meant
        self.home().setFocus()

    def _follow_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """The open list of a combo box was closed: something was chosen, or nothing is to be."""
        is_combo_box = isinstance(new, QComboBox) and self.isAncestorOf(new)
        if is_combo_box and old is not None and old.window().parentWidget() is new:
            self.home().setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Sizes can be given to docks only once the page has its own: in a smaller one they would shrink."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self.restore_layout()
        for sizes, orientation in (
            (self._first_widths, Qt.Orientation.Horizontal),
            (self._first_heights, Qt.Orientation.Vertical),
        ):
            if sizes:
                self.resizeDocks(list(sizes), list(sizes.values()), orientation)
                for panel, size in sizes.items():
                    self.panel_sizes.want(panel, size, orientation)
                sizes.clear()
        self.panel_sizes.fit()
