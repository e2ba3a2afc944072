"""Asks before something would stop a training."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from app.services.training_worker import Jobs


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
