"""What goes on inside a run: its layers, the batch that did most harm, what each class costs. Folded until asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text, ratio_text, short_text
from app.services.theme import Theme
from app.train.run_history import RunHistory
from app.widgets.elided_label import ElidedLabel
from app.widgets.flow_layout import FlowLayout
from app.widgets.fold import Fold
from app.widgets.pictures import THUMBNAIL_SIDE, Thumbnails
from detcore.jobs.diagnosis import lost_by_class
from detcore.jobs.events import LAYER_FIGURES, HardBatch

OPEN_HEIGHT = 232
CARD = QSize(104, 78)
LAYER_HEADS = {
    "mean": ("Mean", "Mean of what comes into the layer"),
    "spread": ("Spread", "Standard deviation of what comes into the layer"),
    "zeros": ("Zeros", "Share of zeros in what comes into the layer"),
    "saturated": ("At the top", "Share of values at the upper end of their range"),
    "gradient": ("Gradient", "Length of the gradient, by that of the weights"),
    "update": ("Step", "How far a step moves the weights, by their length; about 0.001 is usual"),
}
SHARES = ("zeros", "saturated")


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """An image of a batch: where its file is, its size, and its boxes (x1, y1, x2, y2) with their colours."""

    image_id: int
    path: Path
    name: str
    size: tuple[int, int] | None
    boxes: Sequence[tuple[QRectF, str]]


class ExhibitCard(QWidget):
    """A small picture with its boxes.

    Signals:
        clicked(int): the user wants to see that image.
    """

    clicked = Signal(int)

    def __init__(self, exhibit: Exhibit, thumbnails: Thumbnails, theme: Theme) -> None:
        super().__init__()
        self._exhibit, self._thumbnails, self._theme = exhibit, thumbnails, theme
        self.setFixedSize(CARD)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(f"{exhibit.name}\nClick to open it on the Label page")
        self.setAccessibleName(exhibit.name)
        thumbnails.arrived.connect(self.update)

    def sizeHint(self) -> QSize:
        return CARD

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit(self._exhibit.image_id)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = self._theme.tokens
        painter.fillRect(self.rect(), QColor(tokens.field))
        image = self._thumbnails.request(self._exhibit.path, THUMBNAIL_SIDE)
        if image is None:
            return
        size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(0, 0, size.width(), size.height())
        target.moveCenter(self.rect().center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image)
        if self._exhibit.size is None:
            return
        scale = target.width() / max(self._exhibit.size[0], 1)
        for box, colour in self._exhibit.boxes:
            painter.setPen(QPen(QColor(colour), 1.5))
            painter.drawRect(
                QRectF(
                    target.x() + box.x() * scale,
                    target.y() + box.y() * scale,
                    box.width() * scale,
                    box.height() * scale,
                )
            )


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
        self.measure.hide()
        self.layers = _table(["Layer", *(head for head, _ in LAYER_HEADS.values())], "Layers of the run")
        for column, (_, tip) in enumerate(LAYER_HEADS.values(), start=1):
            head = self.layers.horizontalHeaderItem(column)
            if head is not None:
                head.setToolTip(tip)
        self.classes = _table(["Class", "AP", "AP lost"], "What each class costs")
        self.about_batch = QLabel(wordWrap=True)
        self.about_batch.setProperty("role", "muted")
        self._cards = FlowLayout(spacing=8)
        self.tabs = QTabWidget()
        fold = Fold("Inside", self.tabs, beside=(self.summary, self.measure))
        self.button = fold.button
        self.button.setToolTip("Show layers, the hardest batch, and what each class costs")
        self._compose(fold)
        fold.unfolded.connect(self._unfold)

    def show_history(self, history: RunHistory) -> None:
        """Show what this run has told last."""
        new = history is not self._history
        self._history = history
        self.summary.set_text(self._summary_text(history))
        self.setVisible(history.layers is not None or history.hardest is not None)
        if self.button.isChecked() and (new or self.tabs.isVisible()):
            self._fill(history)

    def show_exhibits(self, batch: HardBatch, exhibits: Sequence[Exhibit]) -> None:
        """The images of a batch are known."""
        if batch is not self._batch:
            return
        while (item := self._cards.takeAt(0)) is not None:
            if (card := item.widget()) is not None:
                card.deleteLater()
        for exhibit in exhibits:
            card = ExhibitCard(exhibit, self._thumbnails, self._theme)
            card.clicked.connect(self.image_wanted)
            self._cards.addWidget(card)

    def _compose(self, fold: Fold) -> None:
        batch = QWidget()
        batch.setProperty("role", "panel")
        batch.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(batch)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addWidget(self.about_batch)
        column.addLayout(self._cards)
        column.addStretch(1)
        self.tabs.addTab(self.layers, "Layers")
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(batch)
        self.tabs.addTab(scroll, "Hardest batch")
        self.tabs.addTab(self.classes, "Classes")
        self.tabs.setDocumentMode(True)
        self.tabs.setFixedHeight(OPEN_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(fold)

    def _unfold(self, unfolded: bool) -> None:
        self.measure.setVisible(unfolded)
        if unfolded and self._history is not None:
            self._fill(self._history)

    def _fill(self, history: RunHistory) -> None:
        layers, judged, batch = history.layers, history.judged, history.hardest
        if layers is not None:
            _fill_table(
                self.layers,
                [
                    [name, *(_layer_text(figure, layers.figures[figure][row]) for figure in LAYER_FIGURES)]
                    for row, name in enumerate(layers.names)
                ],
            )
        if judged is not None:
            _fill_table(
                self.classes,
                [
                    [name, ratio_text(judged.per_class[name], digits=3), ratio_text(lost, digits=3)]
                    for name, lost in lost_by_class(judged)
                ],
            )
        if batch is not None and batch is not self._batch:
            self._batch = batch
            self.about_batch.setText(_batch_text(batch))
            self.batch_shown.emit(batch)

    def _summary_text(self, history: RunHistory) -> str:
        parts: list[str] = []
        if history.layers is not None:
            parts.append(f"Layers at step {count_text(history.layers.step)}")
        if history.hardest is not None:
            parts.append(_batch_text(history.hardest))
        return " · ".join(parts)


def _batch_text(batch: HardBatch) -> str:
    loss, usual = (short_text(round(value, 2)) for value in (batch.loss, batch.usual))
    return f"Hardest batch of late: step {count_text(batch.step)}, loss {loss}, usually {usual}"


def _layer_text(figure: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if figure in SHARES else f"{value:.2g}"


def _table(heads: list[str], name: str) -> QTableWidget:
    table = QTableWidget(0, len(heads))
    for column, text in enumerate(heads):
        item = QTableWidgetItem(text)
        _align(item, column)
        table.setHorizontalHeaderItem(column, item)
    table.setAccessibleName(name)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(24)
    head = table.horizontalHeader()
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    head.setHighlightSections(False)
    return table


def _fill_table(table: QTableWidget, rows: list[list[str]]) -> None:
    """Write these cells, the first of a row to the left, the others to the right."""
    table.setRowCount(len(rows))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            item = table.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                _align(item, column)
                table.setItem(row, column, item)
            if item.text() != text:
                item.setText(text)


def _align(item: QTableWidgetItem, column: int) -> None:
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
