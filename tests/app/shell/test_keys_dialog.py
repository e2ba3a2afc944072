"""The list of keys and mouse gestures."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QTreeWidgetItem
from pytestqt.qtbot import QtBot

from app.shell.keys_dialog import KeysDialog
from app.shell.main_window import MainWindow


@pytest.mark.parametrize("width", [704, 560])
def test_what_can_be_done_is_never_cut(window: MainWindow, qtbot: QtBot, width: int) -> None:
    dialog = KeysDialog(window.context.actions, window.context.settings, window)
    qtbot.addWidget(dialog)
    dialog.resize(width, 500)
    dialog.show()
    tree = dialog.tree
    heads = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]

    def room(item: QTreeWidgetItem) -> int:
        return tree.visualItemRect(item).width() if item.isFirstColumnSpanned() else tree.columnWidth(0)

    items = [*heads, *(head.child(row) for head in heads for row in range(head.childCount()))]
    cut = [
        item.text(0)
        for item in items
        if tree.fontMetrics().horizontalAdvance(item.text(0)) + tree.indentation() > room(item)
    ]
    assert items
    assert cut == []
