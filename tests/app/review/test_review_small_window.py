"""The Review page in a small window, and in a large one again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QStyle, QStyleOptionComboBox, QTabWidget, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.review.page import ReviewPage
from app.review.widgets.item_details import VerdictButton
from app.services.context import AppContext

# the page in windows of 1440 x 900 and 1100 x 720
LARGE, SMALL = QSize(1376, 846), QSize(1036, 666)


@pytest.fixture
def resize(page: ReviewPage, qtbot: QtBot) -> Callable[[QSize], None]:
    def to(size: QSize) -> None:
        page.resize(size)
        page.window().resize(size)
        QTest.qWait(20)

    to(LARGE)
    return to


def _panel(page: ReviewPage, title: str) -> QDockWidget:
    return next(panel for panel in page.panels() if panel.windowTitle() == title)


def _sizes(page: ReviewPage) -> tuple[int, int, int]:
    return (
        _panel(page, "Classes").width(),
        _panel(page, "Queue").width(),
        _panel(page, "Curves").height(),
    )


def test_all_tabs_are_seen_in_a_small_window(page: ReviewPage, resize: Callable[[QSize], None]) -> None:
    resize(SMALL)
    bar = page.figures.tabs.tabBar()
    shown = [tab for tab in range(bar.count()) if bar.isTabVisible(tab)]
    assert [bar.tabText(tab) for tab in shown][-2:] == ["Sizes", "Compare"]
    assert bar.tabRect(shown[-1]).right() <= page.figures.tabs.width()
    assert not any(button.isVisible() for button in bar.findChildren(QToolButton))


def test_tabs_without_room_have_arrows_large_enough_to_hit(context: AppContext, qtbot: QtBot) -> None:
    tabs = QTabWidget()
    qtbot.addWidget(tabs)
    for number in range(9):
        tabs.addTab(QWidget(), f"Tab number {number}")
    tabs.resize(300, 200)
    tabs.show()
    arrows = [button for button in tabs.tabBar().findChildren(QToolButton) if button.isVisible()]
    assert len(arrows) == 2
    for button in arrows:
        assert button.width() >= 20
        colors = button.grab().toImage()
        inside = {
            colors.pixelColor(x, y).rgb()
            for x in range(5, button.width() - 5)
            for y in range(7, button.height() - 7)
        }
        assert len(inside) > 3, "the arrow is painted"


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_no_order_of_the_queue_is_cut_short(
    page: ReviewPage, resize: Callable[[QSize], None], size: QSize
) -> None:
    resize(size)
    panel = page.queue_panel
    order = panel.order
    option = QStyleOptionComboBox()
    order.initStyleOption(option)
    room = order.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, order
    )
    longest = max(order.fontMetrics().horizontalAdvance(order.itemText(row)) for row in range(order.count()))
    assert room.width() >= longest
    for widget in (order, panel.type, *panel.toggles):
        assert panel.rect().contains(widget.geometry())


def test_panels_get_their_sizes_back_with_the_room(page: ReviewPage, resize: Callable[[QSize], None]) -> None:
    before = _sizes(page)
    resize(SMALL)
    squeezed = _sizes(page)
    assert all(small < large for small, large in zip(squeezed[:2], before[:2], strict=True))
    # something in the middle needs more room for a while: panels give way again, which nobody asked for
    page.middle.setMinimumHeight(page.middle.height() + 20)
    QTest.qWait(20)
    assert _sizes(page)[2] < squeezed[2]
    page.middle.setMinimumHeight(0)
    resize(LARGE)
    assert _sizes(page) == before


def test_a_width_that_a_person_gave_outlives_a_small_window(
    page: ReviewPage, resize: Callable[[QSize], None]
) -> None:
    queue = _panel(page, "Queue")
    edge = QPoint(queue.x() - 1, queue.y() + 200)
    QTest.mousePress(page, Qt.MouseButton.LeftButton, pos=edge)
    QTest.mouseMove(page, edge - QPoint(30, 0))
    QTest.qWait(20)
    QTest.mouseMove(page, edge - QPoint(60, 0))
    QTest.qWait(50)
    QTest.mouseRelease(page, Qt.MouseButton.LeftButton, pos=edge - QPoint(60, 0))
    chosen = _sizes(page)
    assert chosen[1] == 284 + 60
    resize(SMALL)
    assert _sizes(page)[1] < chosen[1]
    resize(LARGE)
    assert _sizes(page) == chosen


def test_on_a_screen_at_150_percent_nothing_scrolls_and_names_and_verdicts_are_whole(
    page: ReviewPage, resize: Callable[[QSize], None]
) -> None:
    # the page in a window of 960 x 600
    resize(QSize(896, 534))
    least = page.minimumSizeHint()
    assert (least.width() <= 896, least.height() <= 534) == (True, True)
    table = page.figures.table
    # of the name's column 10 pixels are left free, and 16 more are the swatch
    names = [row.name for row in page.figures.table.model().rows]  # type: ignore[attr-defined]
    widest = max(table.fontMetrics().horizontalAdvance(name) for name in names)
    assert table.columnWidth(0) >= widest
    verdicts = page.image.details.findChildren(VerdictButton)
    assert len(verdicts) == 8
    for button in verdicts:
        assert button.width() >= 96, button.text()
    for box in (page.choice.run, page.choice.scope, page.choice.iou):
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width()
        assert room >= box.fontMetrics().horizontalAdvance(box.currentText()), box.currentText()
    extension = page.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert extension is None or not extension.isVisible()
    assert page.image.canvas.width() >= 240


def test_the_legend_gives_up_its_words_before_the_name_of_the_file_loses_a_letter(
    page: ReviewPage, resize: Callable[[QSize], None]
) -> None:
    bar, legend = page.image.bar, page.image.legend
    assert legend.width() == legend.width_of(named=True)
    assert bar.name.text() == "img_3.jpg"
    # the page in a window of 960 x 600
    resize(QSize(896, 534))
    assert legend.width() == legend.width_of(named=False)
    assert bar.name.text() == "img_3.jpg"
    bar.show_name("a name that is much too long for such a line.jpg")
    assert "…" in bar.name.text()
    bar.show_name("img_3.jpg")
    resize(LARGE)
    assert legend.width() == legend.width_of(named=True)


def test_the_line_above_the_image_has_the_colour_of_a_panel(page: ReviewPage, context: AppContext) -> None:
    context.theme.apply("dark")
    bar = page.image.bar
    place = bar.mapTo(page.window(), QPoint(2, 2))
    assert page.window().grab().toImage().pixelColor(place) == context.theme.color("panel")
