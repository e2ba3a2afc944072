"""The line above an image under review: the name of its file, and the legend of its boxes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLayout, QSizePolicy, QWidget

from app.review.models.kind_looks import PEN_STYLES, TIPS, TITLES, text_color
from app.services.figures import count_text
from app.services.theme import SMALL_TEXT, Theme
from app.widgets.elided_label import ElidedLabel
from app.widgets.painting import faded, sized_font
from detcore.review.kinds import COUNTED, ErrorKind

_NAMES = {
    ErrorKind.TP: "Found",
    ErrorKind.FP: "False",
    ErrorKind.FN: "Missed",
    ErrorKind.UNJUDGED: "Unjudged",
}
_PATTERNS = {ErrorKind.FP: [2.4, 1.6], ErrorKind.UNJUDGED: [2.8, 1.6, 0.8, 1.6]}
_SAMPLE, _GAP, _HEIGHT = 18, 6, 24


class LegendEntry(QAbstractButton):
    """A sample of the box, its meaning and count; unchecked hides such boxes."""

    def __init__(self, kind: ErrorKind, theme: Theme) -> None:
        super().__init__()
        self._kind, self._theme = kind, theme
        self._count, self._named = "", True
        self.setCheckable(True)
        self.setChecked(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(f"<b>{TITLES[kind]}</b><br>{TIPS[kind]}. Click to show or hide them.")
        self.set_count(0)
        theme.changed.connect(self.update)

    def set_count(self, count: int) -> None:
        self._count = count_text(count)
        text = f"{_NAMES[self._kind]} {self._count}"
        if text != self.text():
            self.setText(text)

    def set_named(self, named: bool) -> None:
        """Whether the kind is written beside its count, or the sample and the tooltip say it alone."""
        if named != self._named:
            self._named = named
            self.updateGeometry()
            self.update()

    def width_of(self, *, named: bool) -> int:
        text = self.text() if named else self._count
        return _SAMPLE + (22 if named else 16) + self.fontMetrics().horizontalAdvance(text)

    def sizeHint(self) -> QSize:
        return QSize(self.width_of(named=self._named), _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strength = 1.0 if self.isChecked() else 0.35
        color = faded(text_color(self._theme, self._kind), strength)
        box = QRectF(4, 6, _SAMPLE, 12)
        pen = QPen(color, 2, PEN_STYLES[self._kind])
        if self._kind is ErrorKind.FN:
            painter.fillRect(box, QBrush(faded(color, 0.5 * strength), Qt.BrushStyle.BDiagPattern))
        elif self._kind in _PATTERNS:
            pen.setDashPattern(_PATTERNS[self._kind])
        painter.setPen(pen)
        painter.drawRect(box)
        font = sized_font(self, SMALL_TEXT)
        font.setStrikeOut(not self.isChecked())
        painter.setFont(font)
        painter.setPen(faded(self._theme.color("text"), max(strength, 0.6)))
        text = QRectF(_SAMPLE + 11, 0, self.width() - _SAMPLE - 11, self.height())
        said = self.text() if self._named else self._count
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, said)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)


class OverlayLegend(QWidget):
    """One entry a kind that there can be."""

    # The kinds to show over the image: a frozenset of ErrorKind.
    kinds_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_GAP)
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.entries: dict[ErrorKind, LegendEntry] = {}
        self._shown: tuple[LegendEntry, ...] = ()
        self._named = True
        for kind in ErrorKind:
            entry = LegendEntry(kind, theme)
            entry.toggled.connect(lambda _checked: self.kinds_chosen.emit(self.kinds()))
            self.entries[kind] = entry
            row.addWidget(entry)
        self.set_counts(dict.fromkeys(COUNTED, 0))

    def kinds(self) -> frozenset[ErrorKind]:
        """Those to show, of the kinds that there can be."""
        return frozenset(
            kind for kind, entry in self.entries.items() if entry in self._shown and entry.isChecked()
        )

    def set_counts(self, counts: dict[ErrorKind, int]) -> None:
        """How many there are of each kind that there can be."""
        self._shown = tuple(self.entries[kind] for kind in counts)
        for kind, entry in self.entries.items():
            entry.set_count(counts.get(kind, 0))
            entry.setVisible(kind in counts)
        self.updateGeometry()

    def set_named(self, named: bool) -> None:
        """Whether kinds are written out, or counts stand alone."""
        if named != self._named:
            self._named = named
            for entry in self.entries.values():
                entry.set_named(named)
            self.updateGeometry()

    def width_of(self, *, named: bool) -> int:
        """The room that it takes with the names of its kinds, or without."""
        return sum(entry.width_of(named=named) for entry in self._shown) + _GAP * (len(self._shown) - 1)

    def sizeHint(self) -> QSize:
        return QSize(self.width_of(named=self._named), _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.width_of(named=False), _HEIGHT)


class ImageBar(QWidget):
    """Without room for both, the legend gives up its words before the name loses a letter."""

    def __init__(self, legend: OverlayLegend) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.name, self._legend = ElidedLabel(), legend
        self._strip = QHBoxLayout(self)
        self._strip.setContentsMargins(10, 2, 6, 2)
        self._strip.setSpacing(12)
        self._strip.addWidget(self.name, 1)
        self._strip.addWidget(legend)

    def show_name(self, name: str) -> None:
        self.name.set_text(name)
        self._share()

    def event(self, event: QEvent) -> bool:
        # counts are longer or shorter
        if event.type() == QEvent.Type.LayoutRequest:
            self._share()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._share()
        super().resizeEvent(event)

    def _share(self) -> None:
        room = self.contentsRect().marginsRemoved(self._strip.contentsMargins()).width()
        needed = self.name.whole_width + self._strip.spacing() + self._legend.width_of(named=True)
        self._legend.set_named(room >= needed)
