"""A project whose database is damaged: what can be done about it is asked, and done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.context import AppContext
from app.services.figures import contents_text
from app.widgets.fitted_dialog import FittedDialog
from detcore.errors import ProjectDamagedError
from detcore.project.copies import DailyCopy, list_copies
from detcore.project.opening import SUFFIX
from detcore.project.project import go_back
from detcore.project.rescue import Rescued, rescue

_WIDTH = 640


class DamagedProjectDialog(FittedDialog):
    """Offers the daily copy, if there is one, and a rescue. ``reason`` is what is wrong with the database."""

    def __init__(
        self, folder: Path, reason: str, copy: DailyCopy | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Damaged project")
        self.setMinimumWidth(_WIDTH)
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


class DamagedProjects:
    """Asks what to do when a project turns out to be damaged, does it, and opens what comes of it."""

    def __init__(self, context: AppContext, window: QWidget, open_path: Callable[[Path], None]) -> None:
        self._context, self._window, self._open_path = context, window, open_path

    def offer(self, error: ProjectDamagedError) -> None:
        """Ask; returns at once. The error is in the list of messages as well."""
        self._context.messages.error(error, doing="open the project")
        if error.path is None:
            return
        folder = Path(error.path).parent
        copies = list_copies(folder)
        copy = copies[0] if copies else None
        dialog = DamagedProjectDialog(folder, error.message, copy, self._window)
        if dialog.go_back is not None and copy is not None:
            dialog.go_back.clicked.connect(lambda: self._go_back(folder, copy))
        dialog.rescue.clicked.connect(lambda: self._rescue(folder))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _go_back(self, folder: Path, copy: DailyCopy) -> None:
        def opened(aside: Path) -> None:
            self._open_path(folder)
            self._context.messages.success(
                f"{folder.stem} is as it was on {copy.day.isoformat()}. The damaged database is kept in {aside.name}."
            )

        self._context.tasks.run_with_progress(
            "Taking the daily copy",
            lambda _progress: go_back(folder, copy),
            done=opened,
            failed=lambda error: self._context.messages.error(error, doing="go back to the copy"),
        )

    def _rescue(self, folder: Path) -> None:
        out = _free_name(folder)

        def done(result: Rescued) -> None:
            self._open_path(result.folder)
            contents = contents_text(result.images, result.boxes)
            self._context.messages.success(
                f"{contents} were rescued into {result.folder.name}. {' '.join(result.losses)}",
                details="\n".join(result.losses),
            )

        self._context.tasks.run_with_progress(
            f"Rescuing {folder.stem}",
            lambda _progress: rescue(folder, out),
            done=done,
            failed=lambda error: self._context.messages.error(error, doing="rescue the project"),
        )


def _free_name(folder: Path) -> Path:
    """``pets rescued.reticle`` beside ``pets.reticle``, numbered where that is taken."""
    stem = f"{folder.stem} rescued"
    names = (stem, *(f"{stem} {number}" for number in range(2, 1000)))
    return next(path for name in names if not (path := folder.with_name(f"{name}{SUFFIX}")).exists())
