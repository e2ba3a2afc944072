"""The detector that is chosen, and the way to the others."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QMouseEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.train.detector_choice import figures_text
from app.widgets.flow_layout import FlowLayout
from detcore.weights.catalogue import weights_for
from detcore.zoo.catalogue import DEFAULT_MODEL, find_detector
from detcore.zoo.spec import DetectorSpec

_TEXT_LEFT = 12
"""A link has it as its own padding, so that its text begins where other texts do."""


class DetectorCard(QFrame):
    """One detector: title, figures, when to use it. A click anywhere asks for the list of all.

    Signals:
        chosen(str): the id of the detector that is shown now.
        list_wanted(): the user wants another one.
        weights_wanted(): the user wants published weights for it.
        inside_wanted(): the user wants to see how it works.
    """

    chosen = Signal(str)
    list_wanted = Signal()
    weights_wanted = Signal()
    inside_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.model = DEFAULT_MODEL
        self.title = QLabel(wordWrap=True)
        font = QFont(self.title.font())
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.figures = QLabel(wordWrap=True)
        self.text = QLabel(wordWrap=True)
        self.note = QLabel(wordWrap=True)
        self.note.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 10, 4)
        layout.setSpacing(3)
        for label in (self.title, self.figures, self.text, self.note):
            label.setContentsMargins(_TEXT_LEFT, 0, 0, 0)
            layout.addWidget(label)
        for label in (self.figures, self.text, self.note):
            label.setProperty("role", "small")
        self.button = QPushButton("Choose another…")
        self.button.setProperty("role", "link")
        self.button.setToolTip("All detectors that there are, with a field to find one")
        self.button.clicked.connect(self.list_wanted)
        self.weights = QPushButton("Get weights…")
        self.weights.setProperty("role", "link")
        self.weights.setToolTip("Published weights for it, to start a training from")
        self.weights.clicked.connect(self.weights_wanted)
        self.inside = QPushButton("How it works…")
        self.inside.setProperty("role", "link")
        self.inside.setToolTip(
            "A drawing of its parts with its options beside, what they cost, the paper and the code"
        )
        self.inside.clicked.connect(self.inside_wanted)
        links = FlowLayout(spacing=0)
        for link in (self.button, self.inside, self.weights):
            links.addWidget(link)
        layout.addLayout(links)
        self.choose(DEFAULT_MODEL)

    def choose(self, model: str) -> None:
        """Show a detector. Raises ConfigError when it is not installed."""
        spec = find_detector(model)
        self.model = model
        self.title.setText(spec.title)
        self.show_figures(spec)
        self.text.setText(spec.text)
        self.button.setAccessibleName(f"Detector: {spec.title}. Choose another")
        self.button.setAccessibleDescription(spec.text)
        self.weights.setVisible(any(not file.is_ours for file in weights_for(model)))
        self.chosen.emit(model)

    def show_figures(self, spec: DetectorSpec) -> None:
        """The figures of the detector, as it is with its options."""
        self.figures.setText(figures_text(spec))

    def show_note(self, text: str, why: str) -> None:
        """Say how this detector would look at the images of the project; "" for nothing worth a word."""
        self.note.setText(text)
        self.note.setToolTip(why)
        self.note.setVisible(bool(text))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.button.setFocus(Qt.FocusReason.MouseFocusReason)
            self.list_wanted.emit()
