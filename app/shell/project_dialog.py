"""A new project: which images, and where it is to lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker
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

from app.services.tasks import Tasks
from app.shell.latest_look import LatestLook
from app.widgets.fitted_dialog import FittedDialog
from detcore.errors import ProjectError
from detcore.project.opening import SUFFIX, named_as_project, project_folder_for


@dataclass(frozen=True, kw_only=True)
class ProjectRequest:
    """``folder`` is the project's own, ``images`` the folder of its images."""

    folder: Path
    images: Path


class ProjectDialog(FittedDialog):
    """Proposes a place beside the images until another one is typed."""

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._disk = LatestLook(tasks, self)
        self.finished.connect(self._disk.leave)
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
        self.images.textChanged.connect(self._look)
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
            with QSignalBlocker(self.folder):
                self.folder.setText(chosen)
            self.folder.setModified(True)
            self._look()

    def _look(self) -> None:
        """Say what is missing, or what will be made; propose a place until one is typed."""
        images, named = self.images.text().strip(), self.folder.text().strip()
        propose = not self.folder.isModified()
        self.accept_button.setEnabled(False)
        self._disk.ask(lambda: _see(images, named, propose=propose), self._show)

    def _show(self, seen: _Seen) -> None:
        if seen.proposed:
            with QSignalBlocker(self.folder):
                self.folder.setText(seen.proposed)
        self.accept_button.setEnabled(not seen.problem)
        self.note.setText(seen.problem or "The project keeps labels and runs; the images are not copied.")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the disk says of what was typed: a ``problem`` and a ``proposed`` place, or "" each."""

    problem: str = ""
    proposed: str = ""


def _see(images: str, named: str, *, propose: bool) -> _Seen:
    if not images:
        return _Seen(
            problem="Choose the folder that holds the images. They stay where they are and are never changed."
        )
    if not Path(images).is_dir():
        return _Seen(problem="There is no such folder of images.")
    if propose:
        return _Seen(proposed=str(_free_place(Path(images))))
    if not named:
        return _Seen(problem="Say where the project is to lie.")
    if named_as_project(Path(named).expanduser()).exists():
        return _Seen(problem="There is something at this place already: choose another name.")
    return _Seen()


def _free_place(images: Path) -> Path:
    try:
        place = project_folder_for(images)
    except ProjectError:
        place = images.with_suffix(SUFFIX)
    number = 2
    while place.exists():
        place = place.with_name(f"{images.name}-{number}{SUFFIX}")
        number += 1
    return place


def ask_project(parent: QWidget, tasks: Tasks) -> ProjectRequest | None:
    """Show the dialog; ``None`` when it was cancelled."""
    dialog = ProjectDialog(tasks, parent)
    try:
        return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None
    finally:
        dialog.deleteLater()
