"""What goes on inside a run: its layers, the batch that did most harm, AP and loss of each class. Folded until asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text, ratio_text, short_text
from app.services.theme import Theme
from app.train.run_history import RunHistory
from app.train.widgets.exhibit_card import Exhibit, ExhibitCard
from app.train.widgets.figures_table import FiguresTable
from app.widgets.elided_label import ElidedLabel
from app.widgets.flow_layout import FlowLayout
from app.widgets.fold import Fold
from app.widgets.pictures import Thumbnails
from detcore.jobs.diagnosis import lost_by_class
from detcore.jobs.events import LAYER_FIGURES, HardBatch

LEAST_HEIGHT, MOST_HEIGHT = 132, 232
LAYER_HEADS = {
    "mean": ("Mean", "Mean of what comes into the layer"),
    "spread": ("Spread", "Standard deviation of what comes into the layer"),
    "zeros": ("Zeros", "Share of zeros in what comes into the layer"),
    "saturated": ("At the top", "Share of values at the upper end of their range"),
    "gradient": ("Gradient", "Length of the gradient, by that of the weights"),
    "update": ("Step", "How far a step moves the weights, by their length; about 0.001 is usual"),
}
CLASS_HEADS = (
    ("Class", ""),
    ("AP", "Of the class in the last validation"),
    ("AP lost", "By how much the mean over all classes would rise if this one were found without a fault"),
    (
        "Loss",
        "The part of the loss that the class had of late, where the detector tells it: Reticle's own do",
    ),
)
SHARES = ("zeros", "saturated")
NO_LAYERS = "Layers are looked at now and then while a run trains."
NO_BATCH = "The batch with the highest loss comes here, once a run has made some steps."
NO_CLASSES = (
    "AP of each class comes here with the first validation that gives a figure, and its loss before that, where the detector "
    "tells it."
)
_FINEST = 6
"""Decimals of a figure at most."""


class Tab(QStackedWidget):
    """What there is to see, or a line that says what will be here."""

    def __init__(self, content: QWidget, nothing: str) -> None:
        super().__init__()
        line = QLabel(nothing, wordWrap=True)
        line.setProperty("role", "muted")
        line.setContentsMargins(12, 8, 12, 8)
        line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.addWidget(line)
        self.addWidget(content)

    def show_content(self, there: bool) -> None:
        self.setCurrentIndex(int(there))


class InsideView(QWidget):
    """A line that unfolds to three tabs.

    Signals:
        image_wanted(int): show that image on the Label page.
        batch_shown(object): the ``HardBatch`` whose images are to be had with ``show_exhibits``.
    """

    image_wanted = Signal(int)
    batch_shown = Signal(object)

    def __init__(
        self, theme: Theme, thumbnails: Thumbnails, measure: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._thumbnails = theme, thumbnails
        self._history: RunHistory | None = None
        self._batch: HardBatch | None = None
        self.summary = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.summary.setProperty("role", "muted")
        self.measure = QToolButton()
        self.measure.setDefaultAction(measure)
        self.measure.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.layers = FiguresTable([("Layer", ""), *LAYER_HEADS.values()], "Layers of the run")
        self.classes = FiguresTable(CLASS_HEADS, "AP and loss of each class")
        self.about_batch = QLabel(wordWrap=True)
        self.about_batch.setProperty("role", "muted")
        self._cards = FlowLayout(spacing=8)
        self._of_layers = Tab(self.layers, NO_LAYERS)
        self._of_batch = Tab(self._batch_view(), NO_BATCH)
        self._of_classes = Tab(self.classes, NO_CLASSES)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self._of_layers, "Layers")
        self.tabs.addTab(self._of_batch, "Hardest batch")
        self.tabs.addTab(self._of_classes, "Classes")
        self.tabs.setMinimumHeight(LEAST_HEIGHT)
        self.tabs.setMaximumHeight(MOST_HEIGHT)
        fold = Fold("Inside", self.tabs, summary=self.summary, tool=self.measure)
        self.button = fold.button
        self.button.setToolTip("Show layers, the hardest batch, and AP and loss of each class")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(fold)
        fold.unfolded.connect(self._unfold)

    def show_history(self, history: RunHistory) -> None:
        """Show what this run has told last."""
        new = history is not self._history
        self._history = history
        self.summary.set_text(_summary_text(history))
        self.setVisible(history.layers is not None or history.hardest is not None)
        if self.button.isChecked() and (new or self.tabs.isVisible()):
            self._fill(history)

    def show_exhibits(self, batch: HardBatch, exhibits: Sequence[Exhibit]) -> None:
        """The images of a batch are known."""
        if batch is not self._batch:
            return
        self._clear_cards()
        for exhibit in exhibits:
            card = ExhibitCard(exhibit, self._thumbnails, self._theme)
            card.clicked.connect(lambda _checked, image_id=exhibit.image_id: self.image_wanted.emit(image_id))
            self._cards.addWidget(card)

    def _clear_cards(self) -> None:
        while (item := self._cards.takeAt(0)) is not None:
            if (card := item.widget()) is not None:
                card.deleteLater()

    def _batch_view(self) -> QScrollArea:
        batch = QWidget()
        batch.setProperty("role", "panel")
        batch.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(batch)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addWidget(self.about_batch)
        column.addLayout(self._cards)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its pictures have it
        scroll.setWidget(batch)
        return scroll

    def _unfold(self, unfolded: bool) -> None:
        if unfolded and self._history is not None:
            self._fill(self._history)

    def _fill(self, history: RunHistory) -> None:
        layers, batch = history.layers, history.hardest
        self._of_layers.show_content(layers is not None)
        if layers is not None:
            self.layers.show_rows(
                [
                    [name, *(_layer_text(figure, layers.figures[figure][row]) for figure in LAYER_FIGURES)]
                    for row, name in enumerate(layers.names)
                ]
            )
        classes = _class_rows(history)
        self._of_classes.show_content(bool(classes))
        self.classes.show_rows(classes)
        self._of_batch.show_content(batch is not None)
        if batch is not None and batch is not self._batch:
            self._clear_cards()
            self.about_batch.setText(f"{_batch_text(batch)}.")
            self._batch = batch
            self.batch_shown.emit(batch)


def _summary_text(history: RunHistory) -> str:
    parts: list[str] = []
    if history.layers is not None:
        parts.append(f"Layers at step {count_text(history.layers.step)}")
    if history.hardest is not None:
        parts.append(_batch_text(history.hardest))
    return " · ".join(parts)


def _batch_text(batch: HardBatch) -> str:
    loss, usual = (short_text(round(value, 2)) for value in (batch.loss, batch.usual))
    return f"Hardest batch of late: step {count_text(batch.step)}, loss {loss}, usually {usual}"


def _class_rows(history: RunHistory) -> list[list[str]]:
    """Name, AP, what that lacks, and loss of each class, the costliest first; "–" where there is none."""
    lost = [] if history.judged is None else lost_by_class(history.judged)
    aps = {} if history.judged is None else history.judged.per_class
    losses = {} if history.class_losses is None else history.class_losses.losses
    rows = [[name, ratio_text(aps[name], digits=3), ratio_text(share, digits=3)] for name, share in lost]
    rows += [
        [name, "–", "–"] for name in sorted(losses, key=losses.__getitem__, reverse=True) if name not in aps
    ]
    return [[*row, ratio_text(losses[row[0]], digits=3) if row[0] in losses else "–"] for row in rows]


def _layer_text(figure: str, value: float | None) -> str:
    if value is None:
        return "–"
    if figure in SHARES:
        return f"{ratio_text(100 * value, digits=1)} %"
    decimals = 1 - math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return ratio_text(value, digits=min(max(decimals, 0), _FINEST))
