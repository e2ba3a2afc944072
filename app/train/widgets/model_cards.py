"""The detectors to choose from, one card each."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from detcore.zoo.spec import DetectorSpec


class ModelCardFrame(QFrame):
    """One detector: title, figures, what it is good for. A click anywhere chooses it."""

    def __init__(self, spec: DetectorSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.setProperty("role", "card")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button = QRadioButton(spec.title)
        self.button.setAccessibleDescription(spec.text)
        self.button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        figures = QLabel(f"{spec.parameters:g} M parameters · {spec.input.image_size} px")
        figures.setProperty("role", "small")
        text = QLabel(spec.text, wordWrap=True)
        text.setProperty("role", "small")
        self._details = (figures, text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(3)
        layout.addWidget(self.button)
        for label in self._details:
            label.setContentsMargins(22, 0, 0, 0)
            layout.addWidget(label)

    def show_chosen(self, chosen: bool) -> None:
        self.setProperty("selected", chosen)
        self.style().unpolish(self)
        self.style().polish(self)
        self.setToolTip("" if chosen else self.spec.text)
        self._details[1].setVisible(chosen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.button.setFocus(Qt.FocusReason.MouseFocusReason)
            self.button.click()


class ModelCards(QWidget):
    """Cards of which one is chosen; the arrow keys move the choice.

    Signals:
        chosen(str): the name of the detector now chosen.
    """

    chosen = Signal(str)

    def __init__(self, specs: Iterable[DetectorSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.cards: dict[str, ModelCardFrame] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for spec in specs:
            frame = ModelCardFrame(spec)
            self.cards[spec.id] = frame
            self._group.addButton(frame.button)
            layout.addWidget(frame)
            frame.button.toggled.connect(frame.show_chosen)
            frame.show_chosen(False)
        self._group.buttonToggled.connect(self._toggled)

    @property
    def model(self) -> str:
        return next((name for name, frame in self.cards.items() if frame.button.isChecked()), "")

    def choose(self, name: str) -> None:
        self.cards[name].button.setChecked(True)

    def _toggled(self, _button: object, checked: bool) -> None:
        if checked:
            self.chosen.emit(self.model)
