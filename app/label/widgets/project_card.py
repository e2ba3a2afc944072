"""A recent project on the start screen: its picture, its place, how far it is."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.label.models.recent_project import RecentProject
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.widgets.painting import sized_font
from app.widgets.pictures import THUMBNAIL_SIDE, Thumbnails, paint_covering

WIDTH, HEIGHT, PICTURE_HEIGHT = 200, 188, 112
MARGIN, RADIUS, BAR, ICON = 10, 6, 4, 32
HOME = Path.home()


class ProjectCard(QAbstractButton):
    """A click, Enter or Space opens the project. Until it has been looked into it has a name and a place."""

    def __init__(
        self, folder: Path, theme: Theme, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self.project: RecentProject | None = None
        self._theme, self._thumbnails = theme, thumbnails
        self._place = str(folder.parent)
        if folder.is_relative_to(HOME):
            self._place = str(Path("~") / folder.parent.relative_to(HOME)) if folder.parent != HOME else "~"
        self.setText(folder.stem)
        self.setToolTip(str(folder))
        self.setAccessibleName(f"{folder.stem}, {self._place}")
        self.setFixedSize(WIDTH, HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.changed.connect(self.update)
        thumbnails.arrived.connect(self.update)

    @property
    def said(self) -> str:
        """The last line: how far the project is, or what is wrong with it."""
        if self.project is None:
            return ""
        return self.project.problem or self.project.progress

    def show_project(self, project: RecentProject) -> None:
        self.project = project
        self.setToolTip(f"{self.folder}\n{self.said}")
        self.setAccessibleName(f"{self.folder.stem}, {self._place}, {self.said}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outline = QPainterPath()
        outline.addRoundedRect(frame, RADIUS, RADIUS)
        painter.fillPath(outline, QColor(tokens.hover if self.underMouse() else tokens.panel))
        painter.save()
        painter.setClipPath(outline)
        self._paint_picture(painter, QRect(0, 0, self.width(), PICTURE_HEIGHT))
        painter.restore()
        self._paint_texts(painter, QRect(MARGIN, PICTURE_HEIGHT + 8, self.width() - 2 * MARGIN, 60))
        edge, width = (tokens.accent_text, 2.0) if self.hasFocus() else (tokens.line_strong, 1.0)
        painter.strokePath(outline, QPen(QColor(edge), width))

    def _paint_picture(self, painter: QPainter, area: QRect) -> None:
        project = self.project
        path = None if project is None else project.picture
        image = None if path is None else self._thumbnails.request(path, THUMBNAIL_SIDE)
        painter.fillRect(area, self._theme.color("surround"))
        if image is not None:
            paint_covering(painter, area, image)
            return
        is_broken = project is not None and bool(project.problem)
        name = "alert-outline" if is_broken else "image-outline"
        color = self._theme.tokens.warning if is_broken else None
        place = QRect(0, 0, ICON, ICON)
        place.moveCenter(area.center())
        self._theme.icon(name, color=color).paint(painter, place)

    def _paint_texts(self, painter: QPainter, room: QRect) -> None:
        tokens, project = self._theme.tokens, self.project
        is_broken = project is not None and bool(project.problem)
        lines = (
            (self.text(), BASE_TEXT, True, tokens.text),
            (self._place, SMALL_TEXT, False, tokens.text_muted),
            (self.said, SMALL_TEXT, False, tokens.warning if is_broken else tokens.text),
        )
        top = room.top()
        for text, size, bold, color in lines:
            painter.setFont(sized_font(self, size, bold=bold))
            painter.setPen(QColor(color))
            metrics = painter.fontMetrics()
            line = QRect(room.left(), top, room.width(), metrics.height())
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
            top += metrics.height() + 2
        if project is not None and project.images:
            bar = QRectF(room.left(), top + 1, room.width(), BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.line))
            painter.drawRoundedRect(bar, BAR / 2, BAR / 2)
            if project.verified:
                bar.setWidth(max(bar.width() * project.verified / project.images, BAR))
                painter.setBrush(QColor(tokens.accent))
                painter.drawRoundedRect(bar, BAR / 2, BAR / 2)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)
