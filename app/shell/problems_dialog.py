"""What an import or export found odd, by file."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.fitted_dialog import FittedDialog
from detcore.formats.base import Problem


class ProblemsDialog(FittedDialog):
    """A list of file, line, what; can be copied."""

    def __init__(self, problems: Sequence[Problem], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("What was odd")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 420)
        tree = QTreeWidget()
        tree.setColumnCount(3)
        tree.setRootIsDecorated(False)
        tree.setHeaderLabels(["File", "Line", "What"])
        tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        for problem in problems:
            item = QTreeWidgetItem([problem.path.name, str(problem.line or ""), problem.message])
            item.setToolTip(0, str(problem.path))
            item.setToolTip(2, problem.message)
            tree.addTopLevelItem(item)
        tree.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        tree.setColumnWidth(0, 240)
        tree.setColumnWidth(1, 48)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        text = "\n".join(f"{item.path}:{item.line or ''}: {item.message}" for item in problems)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(text))
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(
            QLabel("These were left out or mended; everything else was read. No file was changed.")
        )
        layout.addWidget(tree)
        layout.addWidget(buttons)
