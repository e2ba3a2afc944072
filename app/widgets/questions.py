"""Asked before something is done that the user may not want."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from app.services.figures import count_text, counted
from app.services.training_worker import Jobs
from detcore.errors import OutsideImagesError

_SHOWN = 5


def may_come_in(error: OutsideImagesError, parent: QWidget) -> bool:
    """Whether the user wants the images outside; Cancel is the default."""
    return _ask(
        error,
        parent,
        title="Import dataset",
        where="the dataset’s folder",
        question="Take them in if you know this place. They stay where they are and are only read.",
        yes="Take them in",
    )


def may_be_copied(error: OutsideImagesError, parent: QWidget) -> bool:
    """Whether the user wants the images outside in the export, too; Cancel is the default."""
    return _ask(
        error,
        parent,
        title="Export",
        where="the project’s folder of images",
        question="Copy them if they are meant. A project of somebody else may name any picture on this computer.",
        yes="Copy them",
    )


def _ask(
    error: OutsideImagesError, parent: QWidget, *, title: str, where: str, question: str, yes: str
) -> bool:
    total, folders = sum(error.folders.values()), len(error.folders)
    text = f"{counted(total, 'image lies', 'images lie')} outside of {where}."
    box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=parent)
    lines = [f"{folder} ({count_text(number)})" for folder, number in list(error.folders.items())[:_SHOWN]]
    if folders > _SHOWN:
        lines.append(f"and {counted(folders - _SHOWN, 'more folder')}")
    box.setInformativeText("\n".join(lines) + f"\n\n{question}")
    take = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    try:
        box.exec()
        return box.clickedButton() is take
    finally:
        box.deleteLater()


def may_stop_training(jobs: Jobs, parent: QWidget) -> bool:
    """Whether to go on with what stops all jobs: yes when there is none, else as the user decides."""
    if not jobs.active():
        return True
    box = QMessageBox(QMessageBox.Icon.Question, "Training", "A detector is being trained.", parent=parent)
    box.setInformativeText("It would be stopped. What it has learnt is kept, and Resume goes on from there.")
    stop = box.addButton("Stop and keep", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton("Go on training", QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return box.clickedButton() is stop
