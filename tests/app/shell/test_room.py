"""Pages in small windows: 960×600 logical pixels are a screen of 1440×900 at 150 %."""

from __future__ import annotations

import contextlib

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QDockWidget,
    QLabel,
    QProxyStyle,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.label.models.class_model import CLASS_ROLE
from app.label.page import LabelPage
from app.shell.main_window import MainWindow
from app.shell.settings_dialog import SettingsDialog
from app.widgets.page import Page
from detcore.project.project import Project

SIZES = (QSize(1440, 900), QSize(1100, 700), QSize(960, 600))


@pytest.fixture
def opened(window: MainWindow, project: Project, qtbot: QtBot) -> MainWindow:
    window.context.document.open(project)
    qtbot.waitUntil(lambda: window.label_page.viewer.is_showing, timeout=5000)
    return window


def _resize(window: MainWindow, size: QSize) -> None:
    window.resize(size)
    QTest.qWait(20)
    assert window.size() == size


def _cut(widget: QWidget) -> str:
    """The text of a widget that has less room than it needs; "" when all is seen."""
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, widget).width()
        needed = widget.fontMetrics().horizontalAdvance(widget.currentText())
        return widget.currentText() if needed > room else ""
    if isinstance(widget, QTabBar):
        outside = [tab for tab in range(widget.count()) if widget.tabRect(tab).right() > widget.width()]
        scrolls = any(button.isVisible() for button in widget.findChildren(QToolButton))
        return "" if scrolls or not outside else widget.tabText(outside[0])
    if isinstance(widget, QLabel):
        if not widget.text() or widget.pixmap().width() or widget.textFormat() == Qt.TextFormat.RichText:
            return ""
        if widget.wordWrap():
            return widget.text() if widget.heightForWidth(widget.width()) > widget.height() + 1 else ""
    elif not isinstance(widget, QPushButton | QToolButton) or not widget.text():
        return ""
    return widget.text() if widget.sizeHint().width() > widget.width() else ""


def _all_cut(page: QWidget) -> list[str]:
    seen = [widget for widget in page.findChildren(QWidget) if widget.isVisible()]
    return [text for text in map(_cut, seen) if text]


def _faults(window: MainWindow, page: Page, area: QScrollArea) -> list[str]:
    found = [f"cut: {text}" for text in _all_cut(window.centralWidget())]
    if window.stack.size() != area.size():
        found.append("scrolls")
    extension = page.findChild(QToolButton, "qt_toolbar_ext_button")
    if extension is not None and extension.isVisible():
        found.append("not all tools are shown")
    return found


def test_no_text_is_cut_and_no_page_scrolls_down_to_a_screen_at_150_percent(
    qtbot: QtBot, opened: MainWindow
) -> None:
    area = opened.stack.parentWidget().parentWidget()
    assert isinstance(area, QScrollArea)
    for size in SIZES:
        _resize(opened, size)
        for name, page in opened.pages.items():
            opened.show_page(name)
            # panels and words give way one after the other
            QTest.qWait(20)
            with contextlib.suppress(TimeoutError):
                qtbot.waitUntil(lambda page=page: not _faults(opened, page, area), timeout=2000)
            assert _faults(opened, page, area) == [], (name, size)


def test_below_that_a_page_scrolls_and_is_not_squeezed(opened: MainWindow) -> None:
    _resize(opened, QSize(720, 450))
    for name in opened.pages:
        opened.show_page(name)
        QTest.qWait(20)
        least = opened.pages[name].minimumSizeHint()
        assert opened.pages[name].width() >= least.width(), name
        assert opened.pages[name].height() >= least.height(), name


def test_names_of_classes_are_whole_in_the_lists(opened: MainWindow) -> None:
    page = opened.label_page
    table = page.box_table.view
    metrics = table.fontMetrics()
    for size in SIZES:
        _resize(opened, size)
        _check_names(page, table, metrics)


def _check_names(page: LabelPage, table: QTableView, metrics: QFontMetrics) -> None:
    for row in range(page.boxes.rowCount()):
        index = page.boxes.index(row, 0)
        assert table.columnWidth(0) >= table.sizeHintForIndex(index).width(), index.data()
    assert table.horizontalHeader().length() <= table.viewport().width()
    for row in range(page.class_model.rowCount()):
        item = page.class_model.index(row).data(CLASS_ROLE)
        # swatch, key cap, count and the gaps between them
        assert page.class_list.view.viewport().width() - 86 >= metrics.horizontalAdvance(item.name)


def _panel(page: Page, title: str) -> QDockWidget:
    return next(panel for panel in page.panels() if panel.windowTitle() == title)


def test_a_panel_without_a_selection_leaves_its_room_to_the_lists(opened: MainWindow, qtbot: QtBot) -> None:
    page = opened.label_page
    selection, boxes = _panel(page, "Selection"), _panel(page, "Boxes")
    QTest.qWait(20)
    hint, before = page.details.height(), boxes.height()
    assert hint < 60
    opened.context.view.select(frozenset({page.boxes.boxes[0].id}))
    QTest.qWait(20)
    assert page.details.height() >= page.details.minimumSizeHint().height() > hint
    assert boxes.height() < before
    opened.context.view.select(frozenset())
    qtbot.waitUntil(lambda: (page.details.height(), boxes.height()) == (hint, before), timeout=2000)
    assert selection.isVisible()


def test_panels_have_their_widths_again_on_a_page_that_was_away_meanwhile(opened: MainWindow) -> None:
    widths = {panel.windowTitle(): panel.width() for panel in opened.label_page.panels()}
    _resize(opened, SIZES[-1])
    assert _panel(opened.label_page, "Images").width() < widths["Images"]
    opened.show_page("export")
    _resize(opened, SIZES[0])
    opened.show_page("label")
    QTest.qWait(20)
    assert {panel.windowTitle(): panel.width() for panel in opened.label_page.panels()} == widths


def test_panels_have_the_widths_of_the_design_at_first(opened: MainWindow) -> None:
    _resize(opened, SIZES[0])
    widths = {panel.windowTitle(): panel.width() for panel in opened.label_page.panels()}
    assert widths == {"Images": 260, "Classes": 280, "Boxes": 280, "Selection": 280}


def test_a_page_first_shown_in_a_small_window_gets_its_widths_with_the_room(opened: MainWindow) -> None:
    _resize(opened, SIZES[-1])
    opened.show_page("train")
    QTest.qWait(20)
    assert _panel(opened.train_page, "Runs").width() < 256
    _resize(opened, SIZES[0])
    assert _panel(opened.train_page, "Runs").width() == 256


def test_review_has_words_beside_its_icons_where_there_is_room(opened: MainWindow) -> None:
    opened.show_page("review")
    toolbar, actions = opened.review_page.toolbar, opened.context.actions

    def words() -> list[str]:
        names = ("send", "report", "previous", "next", "fit", "zoom_item")
        buttons = [toolbar.widgetForAction(actions[f"review.{name}"]) for name in names]
        beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        return [
            button.text()
            for button in buttons
            if isinstance(button, QToolButton) and button.toolButtonStyle() == beside
        ]

    _resize(opened, QSize(1600, 900))
    assert words() == ["Send to training", "Report", "Previous", "Next", "Fit", "Zoom"]
    _resize(opened, QSize(1250, 900))
    assert words()[:2] == ["Send to training", "Report"]
    assert len(words()) < 6
    _resize(opened, SIZES[-1])
    assert words() == []


class _WithIcons(QProxyStyle):
    """A desktop whose dialogs have icons on their buttons."""

    def styleHint(self, hint, option=None, widget=None, data=None):  # type: ignore[no-untyped-def]
        if hint == QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons:
            return 1
        return super().styleHint(hint, option, widget, data)


def test_buttons_of_dialogs_have_no_icons_on_any_desktop(window: MainWindow, qapp: QApplication) -> None:
    qapp.setStyle(_WithIcons("Fusion"))
    dialog = SettingsDialog(window.context.settings, window)
    dialog.show()
    buttons = [button for box in dialog.findChildren(QDialogButtonBox) for button in box.buttons()]
    assert buttons
    assert [button.text() for button in buttons if not button.icon().isNull()] == []
    dialog.close()
    qapp.setStyle("Fusion")


def test_the_window_fits_a_screen_at_200_percent(window: MainWindow) -> None:
    window.resize(720, 450)
    QTest.qWait(20)
    assert window.size() == QSize(720, 450)
