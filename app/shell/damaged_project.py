"""Asks what to do about a project whose database is damaged."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.fitted_dialog import FittedDialog
from detcore.project.copies import DailyCopy

WIDTH = 640


class DamagedProjectDialog(FittedDialog):
    """Offers the daily copy, if there is one, and a rescue. ``reason`` is what is wrong with the database."""

    def __init__(
        self, folder: Path, reason: str, copy: DailyCopy | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Damaged project")
        self.setMinimumWidth(WIDTH)
        self.title = QLabel(f"“{folder.stem}” cannot be opened: {reason}. Nothing was written to it.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.title)
        role = QDialogButtonBox.ButtonRole.AcceptRole
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        buttons.accepted.connect(self.accept)
        self.go_back: QPushButton | None = None
        if copy is not None:
            day = f"{copy.day.day} {copy.day:%B %Y}"
            layout.addWidget(
                QLabel(
                    f"The copy is the project as it was opened first on {day}: what was done since is not in it. The "
                    "damaged database is kept in the project’s folder."
                )
            )
            self.go_back = buttons.addButton(f"Open the copy of {copy.day.day} {copy.day:%b %Y}", role)
        layout.addWidget(
            QLabel(
                "A rescue makes a new project of all labels that can still be read, and leaves this one as it is."
            )
        )
        self.rescue = buttons.addButton("Rescue what can be read", role)
        (self.go_back or self.rescue).setDefault(True)
        for label in self.findChildren(QLabel):
            label.setWordWrap(True)
        layout.addSpacing(4)
        layout.addWidget(buttons)
