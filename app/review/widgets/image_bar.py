"""The line above an image under review: the name of its file, and the legend of its boxes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.review.widgets.overlay_legend import OverlayLegend


class ElidedLabel(QLabel):
    """One line that loses its middle when there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        self._whole = text
        self.setToolTip(text)
        self._fit()

    @property
    def whole_width(self) -> int:
        """The room that the text needs."""
        return self.fontMetrics().horizontalAdvance(self._whole)

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


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
