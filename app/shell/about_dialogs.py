"""The manual, and what the program is."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QUrl, qVersion
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QTextBrowser, QVBoxLayout, QWidget

from app.services.theme import Theme
from app.widgets.fitted_dialog import FittedDialog
from detcore.version import VERSION

GUIDE = Path(__file__).resolve().parents[2] / "resources" / "guide" / "guide.md"
_PICTURE_WIDTH, _BESIDE_PICTURES = 760, 100


class _Guide(QTextBrowser):
    """Shows Markdown with pictures that are wider than its page, made to fit."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        found = super().loadResource(kind, name)
        if isinstance(found, QByteArray):
            picture = QImage.fromData(found)
            smooth = Qt.TransformationMode.SmoothTransformation
            width = min(_PICTURE_WIDTH, self.screen().availableGeometry().width() - _BESIDE_PICTURES)
            return found if picture.isNull() else picture.scaledToWidth(width, smooth)
        return found


class ManualDialog(FittedDialog):
    """The guide, with its pictures. It may stay open beside the work."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(860, 720)
        self.text = _Guide(openExternalLinks=False)
        self.text.setAccessibleName("Manual")
        self.text.setSearchPaths([str(GUIDE.parent)])
        self.text.document().setDocumentMargin(24)
        self.text.setMarkdown(GUIDE.read_text(encoding="utf-8"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.setContentsMargins(8, 0, 8, 0)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.addWidget(self.text)
        layout.addWidget(buttons)


class AboutDialog(FittedDialog):
    """Version, licence, and what a report of a fault should name."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Reticle")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = QLabel(alignment=Qt.AlignmentFlag.AlignHCenter)
        picture.setPixmap(theme.icon("vector-square").pixmap(48, 48))
        title = QLabel(f"Reticle {VERSION}", alignment=Qt.AlignmentFlag.AlignHCenter)
        title.setProperty("role", "title")
        self.text = QLabel(
            "Label images, train a detector, see where the two disagree, mend the labels.<br><br>"
            "Apache License 2.0. Qt is used under the LGPL, version 3.<br>"
            f"Qt {qVersion()}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
            alignment=Qt.AlignmentFlag.AlignHCenter,
            wordWrap=True,
        )
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 24, 32, 16)
        layout.setSpacing(12)
        for widget in (picture, title, self.text):
            layout.addWidget(widget)
        layout.addWidget(buttons)
