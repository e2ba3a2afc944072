"""The left side of the Train page: which detector, how, and the large button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.services.context import AppContext
from app.train.widgets.buttons import TrainButtons
from app.train.widgets.detector_card import DetectorCard
from app.train.widgets.detector_dialog import ask_detector
from app.train.widgets.inner_dialog import show_inside
from app.train.widgets.settings import TrainSettings
from detcore.jobs.config import TrainConfig

MARGIN = 12


class TrainSetup(QWidget):
    """The chosen detector and the settings, which scroll, above buttons that do not.

    Signals:
        file_wanted(): the user wants to choose a weights file.
    """

    file_wanted = Signal()

    def __init__(self, buttons: TrainButtons, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.buttons = buttons
        self._context = context
        self.detector = DetectorCard()
        self.settings = TrainSettings()
        self._above = QVBoxLayout()
        self._above.setContentsMargins(MARGIN, 4, MARGIN, 4)
        self.choices = QWidget()
        self.choices.setProperty("role", "panel")
        self._column = column = QVBoxLayout(self.choices)
        column.setContentsMargins(MARGIN, 4, MARGIN, 12)
        column.setSpacing(8)
        column.addWidget(self.detector)
        settings_title = QLabel("Settings")
        settings_title.setProperty("role", "section")
        settings_title.setContentsMargins(0, 8, 0, 0)
        column.addWidget(settings_title)
        column.addWidget(self.settings)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its fields have it
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.choices)
        self._bar = scroll.verticalScrollBar()
        self._bar.rangeChanged.connect(lambda _least, most: self._make_room(most > 0))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._above)
        layout.addWidget(scroll, 1)
        layout.addWidget(buttons)
        self.detector.chosen.connect(self.settings.choose_detector)
        self.settings.fitted.connect(self.detector.show_figures)
        self.detector.list_wanted.connect(self._choose_detector)
        self.detector.inside_wanted.connect(self._show_inside)
        self.settings.file_wanted.connect(self.file_wanted)

    def put_above(self, widget: QWidget) -> None:
        """Show something above the choices, where it does not scroll away."""
        self._above.addWidget(widget)

    def _choose_detector(self) -> None:
        model = ask_detector(self, self.detector.model, self._context)
        if model is not None and model != self.detector.model:
            self.detector.choose(model)

    def _show_inside(self) -> None:
        context, settings = self._context, self.settings
        options = show_inside(
            self, self.detector.model, settings.chosen_options(), context.jobs, context.theme, usable=True
        )
        if options is not None:
            settings.choose_options(options)

    def _make_room(self, scrolls: bool) -> None:
        """The scroll bar stands in the margin: the fields keep their width and end where the buttons do."""
        taken = self._bar.sizeHint().width() if scrolls else 0
        self._column.setContentsMargins(MARGIN, 4, max(MARGIN - taken, 0), 12)
        self._column.activate()  # at once, or the fields would jump

    def config(self) -> TrainConfig:
        """Raises ConfigError when the values make no sense together."""
        return self.settings.config()

    def show_config(self, config: TrainConfig) -> None:
        self.detector.choose(config.detector)
        self.settings.show_config(config)

    def set_editable(self, editable: bool) -> None:
        """While a training runs, its settings stand still."""
        self.choices.setEnabled(editable)
