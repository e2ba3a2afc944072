"""Under the list of images: the switch of the learner, what it is at, and how right it is by now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.label.assist.learning import OFFERED_AT, LiveLearning
from app.services.context import AppContext
from app.services.figures import counted
from app.services.theme import Theme
from app.widgets.elided_label import ElidedLabel
from app.widgets.painting import polyline
from detcore.jobs.events import Doing
from detcore.jobs.program import HOW_TO_INSTALL

_CURVE = QSize(64, 20)
_LEAST_JUDGED = 5
"""Images from which on it is worth saying how right it is on them."""


class LearningStrip(QWidget):
    """Two lines: the switch with a small curve, and words."""

    def __init__(self, context: AppContext, learning: LiveLearning) -> None:
        super().__init__()
        self._context, self._learning = context, learning
        self.switch = QCheckBox("Learn while I label")
        self.curve = SmallCurve(context.theme)
        self.share = QLabel()
        self.text = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.text.setProperty("role", "small")
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.switch)
        first.addStretch(1)
        first.addWidget(self.curve)
        first.addWidget(self.share)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(2)
        column.addLayout(first)
        column.addWidget(self.text)
        action = context.actions["label.learn"]
        self.switch.setToolTip(action.toolTip())
        self.switch.clicked.connect(action.trigger)
        learning.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        learning, standing = self._learning, self._learning.standing
        is_open = self._context.document.is_open
        self.setVisible(is_open)
        self.switch.setEnabled(learning.missing is None)
        self.switch.setChecked(learning.is_wanted and learning.missing is None)
        self.text.set_text(_words(learning))
        self.text.setVisible(learning.is_wanted or learning.missing is not None)
        figures = standing.figures if standing.judged >= _LEAST_JUDGED else ()
        self.curve.show_points(figures)
        self.curve.setVisible(len(figures) > 1)
        self.share.setVisible(bool(figures))
        if figures:
            right = figures[-1][1]
            self.share.setText(f"{right:.0%}")
            tip = (
                f"<b>Right on images that it has not seen: {right:.0%}</b><br>The best F1 (of precision and recall at an "
                f"IoU of 0.5) on {counted(standing.judged, 'verified image')} kept aside, as it has learnt"
            )
            self.curve.setToolTip(tip)
            self.share.setToolTip(tip)


def _words(learning: LiveLearning) -> str:
    """What the learner is at."""
    standing = learning.standing
    if learning.missing is not None:
        return f"Needs PyTorch: {HOW_TO_INSTALL}"
    if learning.waits:
        return "Waits until the training is over"
    if learning.run is None:
        return f"Begins when {OFFERED_AT} images are verified" if not learning.is_due else "Starting…"
    match standing.doing:
        case Doing.WAITING:
            return "Verify an image with boxes: it learns from that"
        case Doing.LEARNING:
            judged = f", judged by {standing.judged}" if standing.judged >= _LEAST_JUDGED else ""
            return f"Learns from {counted(standing.learnt, 'image')}{judged}"
        case Doing.RESTING:
            return f"Rests: {counted(standing.learnt, 'image')} learnt, nothing new"
        case Doing.PAUSED:
            return "Paused: no power supply"
        case Doing.YIELDING:
            return "Waits: something else learns on its device"
        case Doing.LOOKING:
            return "Looks at all images…"
        case None:
            return "Starting…"


class SmallCurve(QWidget):
    """Values from 0 to 1 over time, without axes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._points: Sequence[tuple[float, float]] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How right the learner is, over time")
        theme.changed.connect(self.update)

    def show_points(self, points: Sequence[tuple[float, float]]) -> None:
        """Each a time and a value."""
        self._points = points
        self.update()

    def sizeHint(self) -> QSize:
        return _CURVE

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._points) < 2:
            return
        area = QRectF(self.rect()).adjusted(1.5, 2.5, -1.5, -2.5)
        times, values = np.array(self._points, np.float64).T
        span = max(float(times[-1] - times[0]), 1e-9)
        x = area.left() + (times - times[0]) / span * area.width()
        y = area.bottom() - values * area.height()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("line"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QPen(self._theme.color("accent"), 1.5))
        painter.drawPolyline(polyline(x, y))
