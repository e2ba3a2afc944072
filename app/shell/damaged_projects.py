"""The ways out of a damaged project, as the window offers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.services.context import AppContext
from app.services.figures import contents_text
from app.shell.damaged_project import DamagedProjectDialog
from detcore.errors import ProjectDamagedError
from detcore.project.copies import DailyCopy, list_copies
from detcore.project.opening import SUFFIX
from detcore.project.project import go_back
from detcore.project.rescue import Rescued, rescue


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
