"""What a row of small widgets does where there is little room."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSplitter, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.flow_layout import FlowLayout

SIDE, SPACING = 40, 8


def test_no_row_is_cut_off_where_a_splitter_has_too_little_room(qtbot: QtBot) -> None:
    flow = QWidget()
    layout = FlowLayout(flow, spacing=SPACING)
    for _ in range(6):
        item = QWidget()
        item.setFixedSize(QSize(SIDE, SIDE))
        layout.addWidget(item)
    splitter = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
    splitter.addWidget(flow)
    splitter.addWidget(QWidget())
    qtbot.addWidget(splitter)
    splitter.show()

    def is_as_high_as(rows: int) -> bool:
        splitter.setSizes([0, 1000])
        return flow.height() == rows * SIDE + (rows - 1) * SPACING // 2

    for in_a_row, rows in ((2, 3), (6, 1), (3, 2)):
        splitter.resize(in_a_row * SIDE + (in_a_row - 1) * SPACING, 400)
        qtbot.waitUntil(lambda rows=rows: is_as_high_as(rows))
