"""Asks before images come in that a dataset names outside of its folder."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from app.models.figures import count_text
from detcore.errors import OutsideImagesError

_SHOWN = 5


def may_come_in(error: OutsideImagesError, parent: QWidget) -> bool:
    """Whether the user wants the images outside; Cancel is the default."""
    total, folders = sum(error.folders.values()), len(error.folders)
    images = "image lies" if total == 1 else "images lie"
    box = QMessageBox(
        QMessageBox.Icon.Question,
        "Import dataset",
        f"{count_text(total)} {images} outside of the dataset’s folder.",
        parent=parent,
    )
    lines = [f"{folder} ({count_text(number)})" for folder, number in list(error.folders.items())[:_SHOWN]]
    if folders > _SHOWN:
        lines.append(
            f"and {count_text(folders - _SHOWN)} more {'folder' if folders == _SHOWN + 1 else 'folders'}"
        )
    box.setInformativeText(
        "\n".join(lines)
        + "\n\nTake them in if you know this place. They stay where they are and are only read."
    )
    take = box.addButton("Take them in", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    try:
        box.exec()
        return box.clickedButton() is take
    finally:
        box.deleteLater()
