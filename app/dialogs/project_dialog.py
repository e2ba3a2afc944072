"""A new project: which images, and where it is to lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from detcore.errors import ProjectError
from detcore.opening import SUFFIX, named_as_project, project_folder_for


@dataclass(frozen=True, kw_only=True)
class ProjectRequest:
    """``folder`` is the project's own, ``images`` the folder of its images."""

    folder: Path
    images: Path


class ProjectDialog(QDialog):
    """Proposes a place beside the images until another one is typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New project")
        self.setMinimumWidth(560)
        self.images = QLineEdit(placeholderText="Folder of images")
        self.folder = QLineEdit(placeholderText=f"NAME{SUFFIX}")
        self.note = QLabel(wordWrap=True)
        self.note.setProperty("role", "muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = buttons.addButton("Make the project", QDialogButtonBox.ButtonRole.AcceptRole)
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addRow("Images", self._row(self.images, "Folder…", self._ask_images))
        layout.addRow("Project", self._row(self.folder, "Place…", self._ask_folder))
        layout.addRow("", self.note)
        layout.addRow(buttons)
        self.images.textChanged.connect(self._propose)
        self.folder.textChanged.connect(self._look)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._look()

    def answer(self) -> ProjectRequest:
        return ProjectRequest(
            folder=named_as_project(self._folder()), images=Path(self.images.text().strip())
        )

    @staticmethod
    def _row(field: QLineEdit, text: str, ask: object) -> QHBoxLayout:
        button = QPushButton(text)
        button.clicked.connect(ask)
        row = QHBoxLayout()
        row.addWidget(field, 1)
        row.addWidget(button)
        return row

    def _folder(self) -> Path:
        return Path(self.folder.text().strip()).expanduser()

    def _ask_images(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of images")
        if chosen:
            self.images.setText(chosen)

    def _ask_folder(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Where the project is to lie", self.folder.text())
        if chosen:
            self.folder.setText(chosen)
            self.folder.setModified(True)

    def _propose(self, text: str) -> None:
        images = Path(text.strip())
        if text.strip() and images.is_dir() and not self.folder.isModified():
            try:
                proposed = project_folder_for(images)
            except ProjectError:
                proposed = images.with_suffix(SUFFIX)
            number = 2
            while proposed.exists():
                proposed = proposed.with_name(f"{images.name}-{number}{SUFFIX}")
                number += 1
            self.folder.setText(str(proposed))
        self._look()

    def _look(self) -> None:
        """Say what is missing, or what will be made."""
        images, named = self.images.text().strip(), self.folder.text().strip()
        problem = ""
        if not images:
            problem = (
                "Choose the folder that holds the images. They stay where they are and are never changed."
            )
        elif not Path(images).is_dir():
            problem = "There is no such folder of images."
        elif not named:
            problem = "Say where the project is to lie."
        elif named_as_project(self._folder()).exists():
            problem = "There is something at this place already: choose another name."
        self.accept_button.setEnabled(not problem)
        self.note.setText(problem or "The project keeps labels and runs; the images are not copied.")


def ask_project(parent: QWidget) -> ProjectRequest | None:
    """Show the dialog; ``None`` when it was cancelled."""
    dialog = ProjectDialog(parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
