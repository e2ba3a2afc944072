"""The few settings of the program; each takes effect at once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialogButtonBox, QFormLayout, QPushButton, QWidget

from app.services.keymaps import KEYMAPS
from app.services.settings import Settings
from app.widgets.fitted_dialog import FittedDialog

THEMES = ("system", "light", "dark")


class SettingsDialog(FittedDialog):
    """Theme, keys, zoom, suggestions.

    Signals:
        keys_wanted(): the user wants to change single keys.
    """

    keys_wanted = Signal()

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.theme = QComboBox()
        self.theme.addItems(["As the system", "Light", "Dark"])
        self.theme.setCurrentIndex(THEMES.index(settings.theme) if settings.theme in THEMES else 0)
        self.keymap = QComboBox()
        self.keymap.addItems([name if name != "reticle" else "Reticle" for name in KEYMAPS])
        self.keymap.setCurrentIndex(
            max(0, list(KEYMAPS).index(settings.keymap) if settings.keymap in KEYMAPS else 0)
        )
        self.keep_zoom = QCheckBox("Keep zoom and place from image to image")
        self.keep_zoom.setChecked(settings.keep_zoom)
        self.on_battery = QCheckBox("Learn while I label on battery, too")
        self.on_battery.setChecked(settings.learn_on_battery)
        self.suggest_classes = QCheckBox("Suggest classes for a box that was drawn")
        self.suggest_classes.setChecked(settings.suggest_classes)
        self.suggest_classes.setToolTip("By what a run has found there, or by the sizes of other labels")
        self.change = QPushButton("Change keys…")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        layout = QFormLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addRow("Theme", self.theme)
        layout.addRow("Keys as in", self.keymap)
        layout.addRow("", self.change)
        layout.addRow("", self.keep_zoom)
        layout.addRow("", self.on_battery)
        layout.addRow("", self.suggest_classes)
        layout.addRow(buttons)
        self.theme.activated.connect(lambda index: setattr(settings, "theme", THEMES[index]))
        self.keymap.activated.connect(lambda index: setattr(settings, "keymap", list(KEYMAPS)[index]))
        self.keep_zoom.toggled.connect(lambda checked: setattr(settings, "keep_zoom", checked))
        self.on_battery.toggled.connect(lambda checked: setattr(settings, "learn_on_battery", checked))
        self.suggest_classes.toggled.connect(lambda checked: setattr(settings, "suggest_classes", checked))
        self.change.clicked.connect(self.close)
        self.change.clicked.connect(self.keys_wanted)
        buttons.rejected.connect(self.close)
