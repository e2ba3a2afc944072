"""What a plot shows beneath its marks, kept as a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from app.services.timing import IdleRunner


class PlotPicture(QObject):
    """Drawn once for its widget's size and screen, and painted with each frame.

    ``draw`` draws it bit by bit on a painter over ``ground()``.
    """

    def __init__(
        self, widget: QWidget, draw: Callable[[QPainter], Iterator[None]], ground: Callable[[], QColor]
    ) -> None:
        super().__init__(widget)
        self._widget, self._draw, self._ground = widget, draw, ground
        self._pixmap = QPixmap()
        self._idle_runner = IdleRunner(self)

    @property
    def is_fitting(self) -> bool:
        """Whether the picture is as large as the widget, and as fine as its screen."""
        pixmap, widget = self._pixmap, self._widget
        looks = (pixmap.deviceIndependentSize().toSize(), pixmap.devicePixelRatio())
        return looks == (widget.size(), widget.devicePixelRatioF())

    @property
    def pixmap(self) -> QPixmap:
        return self._pixmap

    def renew(self) -> None:
        """Draw it when there is time; the old one is seen until then."""
        self._idle_runner.start(self._steps())

    def forget(self) -> None:
        """Draw it with the next frame."""
        self._idle_runner.stop()
        self._pixmap = QPixmap()
        self._widget.update()

    def paint(self, painter: QPainter) -> None:
        if not self.is_fitting:
            self._idle_runner.start(self._steps())
            self._idle_runner.finish()
        painter.drawPixmap(0, 0, self._pixmap)

    def _steps(self) -> Iterator[None]:
        ratio = self._widget.devicePixelRatioF()
        pixmap = QPixmap(self._widget.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self._ground())
        painter = QPainter(pixmap)
        try:
            yield from self._draw(painter)
        finally:
            # also where the steps are dropped: a picture must not go before its painter
            painter.end()
        self._pixmap = pixmap
        self._widget.update()
