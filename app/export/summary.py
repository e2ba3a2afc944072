"""What an export will hold or holds: counts by split and class, what is lost, the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.services.figures import count_text
from detcore.exchange.presets import Preset
from detcore.exchange.proof import outcome_text
from detcore.formats.base import ExportReport, ReaderOutcome
from detcore.types import SPLITS

ROW_HEIGHT = 28
SWATCH = 12
MAXIMUM_WIDTH = 860
"""Pixels: longer lines are hard to read."""


class ExportSummary(QWidget):
    """A table with one row a class and one column a split, and sentences below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.subtitle = QLabel(wordWrap=True)
        self.subtitle.setProperty("role", "muted")
        self.table = QTableWidget()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.losses = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self.losses.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.proof = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_code = QPushButton("Copy these lines")
        self.copy_code.clicked.connect(self._copy_code)
        self._code = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.subtitle)
        layout.addSpacing(8)
        layout.addWidget(self.table)
        layout.addSpacing(8)
        layout.addWidget(self.use)
        layout.addWidget(self.copy_code, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.proof)
        layout.addWidget(self.losses)
        layout.addStretch(1)

    def show_text(self, title: str, text: str) -> None:
        """A state without figures: nothing open, nothing labelled, a failure."""
        self.title.setText(title)
        self.subtitle.setText(text)
        for widget in (self.table, self.losses, self.proof, self.use, self.copy_code):
            widget.hide()

    def show_report(
        self, report: ExportReport, colors: Mapping[str, str], *, title: str, subtitle: str
    ) -> None:
        """The counts and the losses; ``colors`` by class name."""
        self.title.setText(title)
        self.subtitle.setText(subtitle)
        self._fill(report, colors)
        self.losses.setText(_sentences("What the format cannot hold", report.losses) or _nothing_lost())
        notes = _sentences("Good to know", report.notes)
        if notes:
            self.losses.setText(f"{self.losses.text()}{notes}")
        self.table.show()
        self.losses.show()
        for widget in (self.proof, self.use, self.copy_code):
            widget.hide()

    def show_proof(self, report: ExportReport) -> None:
        """What readers found in the files."""
        rows = "".join(_reader_row(outcome, report) for outcome in report.proof)
        self.proof.setText(
            "<p style='margin-bottom:2px'><b>Read again, by the rules of its readers</b></p>"
            f"<ul style='margin:0 0 0 -20px'>{rows}</ul>"
        )
        self.proof.show()

    def show_use(self, preset: Preset | None, report: ExportReport) -> None:
        """How the export is loaded by the tool that it is for."""
        if preset is None:
            return
        self._code = preset.code(report)
        code = escape(self._code.rstrip()).replace(" ", "&nbsp;").replace("\n", "<br>")
        self.use.setText(
            f"<p style='margin-bottom:4px'><b>In {escape(preset.title)}:</b> {escape(preset.text)}</p>"
            f"<p style='margin:0; font-family:monospace'>{code}</p>"
        )
        self.use.show()
        self.copy_code.show()

    def _copy_code(self) -> None:
        QGuiApplication.clipboard().setText(self._code)

    def _fill(self, report: ExportReport, colors: Mapping[str, str]) -> None:
        splits = sorted(set(report.images) | set(report.boxes), key=_order)
        names = [name for name in colors if any(name in report.boxes.get(split, {}) for split in splits)]
        head = ["", *(split.capitalize() or "No split" for split in splits), "All"]
        self.table.setColumnCount(len(head))
        self.table.setHorizontalHeaderLabels(head)
        self.table.setRowCount(len(names) + 2)
        images = [report.images.get(split, 0) for split in splits]
        boxes = [sum(report.boxes.get(split, {}).values()) for split in splits]
        self._fill_row(0, "Images", images, bold=True)
        self._fill_row(1, "Boxes", boxes, bold=True)
        for row, name in enumerate(names, start=2):
            self._fill_row(
                row, name, [report.boxes.get(split, {}).get(name, 0) for split in splits], color=colors[name]
            )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(head)):
            self.table.setColumnWidth(column, 88)
            title = self.table.horizontalHeaderItem(column)
            if title is not None:
                title.setTextAlignment(_RIGHT)
        self.table.setFixedHeight(
            min(460, header.sizeHint().height() + ROW_HEIGHT * self.table.rowCount() + 6)
        )

    def _fill_row(
        self, row: int, name: str, counts: Sequence[int], *, bold: bool = False, color: str = ""
    ) -> None:
        cells = [
            QTableWidgetItem(name),
            *(QTableWidgetItem(count_text(count)) for count in (*counts, sum(counts))),
        ]
        if color:
            pixmap = QPixmap(SWATCH, SWATCH)
            pixmap.fill(QColor(color))
            cells[0].setIcon(QIcon(pixmap))
        for column, cell in enumerate(cells):
            font = cell.font()
            font.setBold(bold)
            cell.setFont(font)
            if column:
                cell.setTextAlignment(_RIGHT)
            self.table.setItem(row, column, cell)


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _order(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def _reader_row(outcome: ReaderOutcome, report: ExportReport) -> str:
    faults = "".join(f"<br>{escape(fault)}" for fault in outcome.faults)
    return f"<li>{escape(outcome.reader)}: {escape(outcome_text(outcome, report))}{faults}</li>"


def _nothing_lost() -> str:
    return "<p><b>Nothing is lost:</b> the format holds all that these labels have.</p>"


def _sentences(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<p style='margin-bottom:2px'><b>{title}</b></p><ul style='margin:0 0 0 -20px'>{items}</ul>"
