"""The queue as rows: a crop, what it is, how sure the model was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.canvas.style import CASING_COLOR
from app.review.models.error_model import ErrorModel
from app.review.models.kind_looks import OVERLAY_COLORS, PEN_STYLES, TYPE_ICONS, TYPE_TITLES, text_color
from app.review.models.overlay import LABEL_COLOR
from app.review.texts import COST_DIGITS, LABEL_ERROR_TITLES, VERDICT_TITLES
from app.services.figures import ratio_text
from app.services.theme import BASE_TEXT, SMALL_TEXT, Theme
from app.widgets.crops import Crop, Crops
from app.widgets.painting import faded, paint_row, sized_font
from detcore.review.entries import ErrorEntry
from detcore.review.filter import SortOrder
from detcore.review.kinds import ErrorKind
from detcore.types import IntArray

_ROW_HEIGHT, _THUMB = 56, 44
_ICON = 14
_KEPT = 400
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_MIDDLE = Qt.AlignmentFlag.AlignCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ErrorDelegate(QStyledItemDelegate):
    """Paints a row: what is wrong with the detection, or what may be wrong with the label, as the order has
    it."""

    def __init__(self, model: ErrorModel, theme: Theme, crops: Crops, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._theme, self._crops, self._widget = model, theme, crops, parent
        self._thumbs: dict[tuple[object, ...], tuple[Crop, QPixmap]] = {}
        self._texts: dict[tuple[object, ...], QPixmap] = {}
        self._icons: dict[tuple[object, ...], QPixmap] = {}
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._thumbs.clear()
        self._texts.clear()

    def _paint_crop(self, painter: QPainter, area: QRectF, entry: ErrorEntry) -> None:
        # the thumbnail is of both halves of a pair
        crop = self._crops.request(entry.path, entry.extent)
        if crop is None:
            painter.fillRect(area, self._theme.color("surround"))
            return
        ratio = painter.device().devicePixelRatio()
        # edges can move within a crop that stays
        halves = tuple((part.xyxy, part.kind) for part in (entry, entry.partner) if part is not None)
        looks = (id(crop), halves, ratio)
        kept = self._thumbs.get(looks)
        if kept is None or kept[0] is not crop:
            if len(self._thumbs) >= _KEPT:
                self._thumbs.clear()
            kept = self._thumbs[looks] = (crop, self._thumb(crop, entry, ratio))
        painter.drawPixmap(area.topLeft(), kept[1])

    def _thumb(self, crop: Crop, entry: ErrorEntry, ratio: float) -> QPixmap:
        picture = _empty(QSize(_THUMB, _THUMB), ratio)
        picture.fill(self._theme.color("surround"))
        painter = QPainter(picture)
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        area, extent = QRectF(0, 0, _THUMB, _THUMB), entry.extent
        painter.drawImage(area, crop.image)
        painter.translate(crop.box.left() * area.width(), crop.box.top() * area.height())
        scale = crop.box.width() * area.width() / max(extent[2] - extent[0], 1e-9)
        for part in (entry.partner, entry):
            if part is not None:
                x1, y1, x2, y2 = part.xyxy
                box = QRectF(x1 - extent[0], y1 - extent[1], x2 - x1, y2 - y1)
                self._paint_box(painter, QRectF(box.topLeft() * scale, box.size() * scale), part)
        painter.end()
        return picture

    def _paint_box(self, painter: QPainter, box: QRectF, part: ErrorEntry) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(faded(CASING_COLOR, 0.55), 2.6))
        painter.drawRect(box)
        is_found_label = part.kind is ErrorKind.TP and not part.is_detection
        color = LABEL_COLOR if is_found_label else OVERLAY_COLORS[part.kind].lighter(125)
        pen = QPen(color, 1.8, PEN_STYLES[part.kind])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawRect(box)

    def _text(self, size: QSize, entry: ErrorEntry, ratio: float) -> QPixmap:
        looks = (entry, self._model.rows.order, size.width(), ratio, self._widget.font().key())
        picture = self._texts.get(looks)
        if picture is None:
            if len(self._texts) >= _KEPT:
                self._texts.clear()
            picture = self._texts[looks] = _empty(size, ratio)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_text(painter, QRect(0, 0, size.width(), size.height()), entry)
            painter.end()
        return picture

    def _paint_text(self, painter: QPainter, area: QRect, entry: ErrorEntry) -> None:
        top, bottom = QRect(area), QRect(area)
        top.setHeight(20)
        bottom.setTop(area.top() + 20)
        kind, figure, unit = row_texts(entry, self._model.rows.order)
        top.setRight(self._paint_figure(painter, top, figure, unit, strong=entry.is_detection) - 8)
        self._paint_classes(painter, top, entry)
        color = text_color(self._theme, entry.kind)
        icon = self._icon(entry, color, painter.device().devicePixelRatio())
        painter.drawPixmap(bottom.left(), bottom.center().y() - _ICON // 2 + 1, icon)
        bottom.setLeft(bottom.left() + _ICON + 4)
        painter.setFont(sized_font(self._widget, SMALL_TEXT))
        painter.setPen(color)
        painter.drawText(bottom, _LEFT, kind)
        bottom.setLeft(bottom.left() + painter.fontMetrics().horizontalAdvance(kind) + 8)
        painter.setPen(self._theme.color("text_muted"))
        if entry.verdict is None:
            text, elide = entry.path.name, Qt.TextElideMode.ElideLeft
        else:
            text, elide = f"✓ {VERDICT_TITLES[entry.verdict.kind]}", Qt.TextElideMode.ElideRight
        painter.drawText(bottom, _RIGHT, painter.fontMetrics().elidedText(text, elide, bottom.width()))

    def _icon(self, entry: ErrorEntry, color: QColor, ratio: float) -> QPixmap:
        """Icons of a font are painted letter by letter; few are in use."""
        looks = (entry.type, color.rgba(), ratio)
        picture = self._icons.get(looks)
        if picture is None:
            icon = self._theme.icon(TYPE_ICONS[entry.type], color=color.name())
            picture = self._icons[looks] = icon.pixmap(QSize(_ICON, _ICON), ratio)
        return picture

    def _paint_figure(self, painter: QPainter, area: QRect, figure: str, unit: str, *, strong: bool) -> int:
        """At the right; returns where it begins."""
        room = QRect(area)
        for text, size, color in ((unit, SMALL_TEXT, "text_muted"), (figure, BASE_TEXT, "text")):
            is_bold = strong and text is figure
            painter.setFont(sized_font(self._widget, size, bold=is_bold))
            painter.setPen(self._theme.color(color if strong else "text_muted"))
            painter.drawText(room, _RIGHT, text)
            room.setRight(room.right() - painter.fontMetrics().horizontalAdvance(text) - 3 * bool(text))
        return room.right() + 3 * bool(figure)

    def _paint_classes(self, painter: QPainter, area: QRect, entry: ErrorEntry) -> None:
        """The class, or "label → detection" where they differ."""
        painter.setFont(sized_font(self._widget, BASE_TEXT))
        label, detection = entry.label, entry.detection
        shown = [entry]
        if label is not None and detection is not None and label.class_id != detection.class_id:
            shown = [label, detection]
        width = painter.fontMetrics().horizontalAdvance
        arrow = width("→") + 8
        room = area.width() - arrow * (len(shown) - 1) - 16 * len(shown)
        left = area.left()
        for number, part in enumerate(shown):
            if number:
                painter.drawText(QRect(left, area.top(), arrow, area.height()), _MIDDLE, "→")
                left += arrow
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(part.class_color))
            painter.drawRoundedRect(QRectF(left, area.center().y() - 4, 10, 10), 2, 2)
            painter.setPen(self._theme.color("text"))
            # what a short name leaves is the other one's
            rest = [width(later.class_name) for later in shown[number + 1 :]]
            mine = max(room // (len(rest) + 1), room - sum(rest))
            name = painter.fontMetrics().elidedText(part.class_name, Qt.TextElideMode.ElideRight, mine)
            painter.drawText(QRect(left + 16, area.top(), mine, area.height()), _LEFT, name)
            left += 16 + width(name)
            room -= width(name)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, _ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry = self._model.entry(index.row())
        painter.save()
        rect = paint_row(painter, option, self._theme, edge=True)
        self._paint_crop(painter, QRectF(rect.left() + 10, rect.top() + 6, _THUMB, _THUMB), entry)
        area = rect.adjusted(_THUMB + 20, 8, -10, -8)
        painter.drawPixmap(
            area.topLeft(), self._text(area.size(), entry, painter.device().devicePixelRatio())
        )
        painter.restore()


class ErrorList(QTableView):
    """Boxes to look at one after the other. Says why when there are none.

    A table of one column, for it has hundreds of thousands of rows at a low threshold: a table knows where
    they are without asking for each, a list view does not."""

    # The user chose a row: the key of its box.
    key_chosen = Signal(int)
    # The user selected other rows.
    selection_changed = Signal()

    def __init__(self, model: ErrorModel, crops: Crops, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = model
        self._empty_text = ""
        self._is_silent = False
        self._has_chosen = False
        self._gap: int | None = None
        self._selected: IntArray | None = None
        self.setModel(model)
        self._delegate = ErrorDelegate(model, theme, crops, self)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Queue")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(_ROW_HEIGHT)
        crops.arrived.connect(self.viewport().update)
        theme.changed.connect(self.viewport().update)

    def set_empty_text(self, text: str) -> None:
        """What is said while there are no rows."""
        self._empty_text = text
        self.viewport().update()

    def selected_rows(self) -> IntArray:
        """Ascending."""
        if self._selected is None:
            parts = self.selectionModel().selection()
            ranges = [(parts.at(i).top(), parts.at(i).bottom() + 1) for i in range(parts.count())]
            rows = [np.zeros(0, np.int64), *(np.arange(*ends) for ends in sorted(ranges))]
            self._selected = np.concatenate(rows)
        return self._selected

    def selected_keys(self) -> list[int]:
        """Keys of the selected rows, from the top."""
        return self._rows.rows.keys[self.selected_rows()].tolist()

    def show_keys(self, keys: Sequence[int], current: int | None, *, place: int = 0) -> None:
        """Select rows and make one the current one, without a signal; what is not there is left out. Where
        there is no current one the keys go on from before the row at ``place``."""
        flag = QItemSelectionModel.SelectionFlag
        model = self.selectionModel()
        at = -1 if current is None else self._rows.row_of(current)
        self._gap = place if at < 0 else None
        model.setCurrentIndex(self._rows.index(at) if at >= 0 else QModelIndex(), flag.NoUpdate)
        rows = np.flatnonzero(np.isin(self._rows.rows.keys, np.array(keys, np.int64)))
        self._is_silent = True
        model.select(self._selection(rows), flag.ClearAndSelect)
        self._is_silent = False
        if at >= 0:
            self.scrollTo(self._rows.index(at), QAbstractItemView.ScrollHint.EnsureVisible)

    def _selection(self, rows: IntArray) -> QItemSelection:
        selection = QItemSelection()
        for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(part):
                selection.select(self._rows.index(int(part[0])), self._rows.index(int(part[-1])))
        return selection

    def _beyond_gap(self, action: QAbstractItemView.CursorAction, gap: int) -> QModelIndex:
        """Where a key leads from between two rows: from before the row ``gap``."""
        step, last = QAbstractItemView.CursorAction, len(self._rows.rows) - 1
        page = max(self.viewport().height() // _ROW_HEIGHT, 1)
        rows = {
            step.MoveUp: gap - 1,
            step.MovePrevious: gap - 1,
            step.MovePageUp: gap - page,
            step.MovePageDown: gap + page,
            step.MoveHome: 0,
            step.MoveEnd: last,
        }
        return self._rows.index(max(min(rows.get(action, gap), last), 0))

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        if self._gap is not None:
            return self._beyond_gap(action, self._gap)
        # a table means the ends of the row
        if action in (QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd):
            modifiers |= Qt.KeyboardModifier.ControlModifier
        return super().moveCursor(action, modifiers)

    def keyboardSearch(self, search: str) -> None:
        """Letters are verdicts, also where one makes no sense for an item."""

    def reset(self) -> None:
        self._selected = None
        super().reset()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        self._selected = None
        super().selectionChanged(selected, deselected)
        self.viewport().update()
        if not self._is_silent:
            self._has_chosen = True
            self.selection_changed.emit()

    def mouseReleaseEvent(self, event: object) -> None:
        super().mouseReleaseEvent(event)  # type: ignore[arg-type]
        self._announce()

    def keyPressEvent(self, event: object) -> None:
        self._has_chosen = False
        super().keyPressEvent(event)  # type: ignore[arg-type]
        # a modifier alone, or a step that selects nothing, chooses nothing
        if self._has_chosen:
            self._announce()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not len(self._rows.rows) and self._empty_text:
            painter = QPainter(self.viewport())
            painter.setPen(self._theme.color("text_muted"))
            area = self.viewport().rect().adjusted(24, 40, -24, -24)
            align = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(area, int(align), self._empty_text)

    def _announce(self) -> None:
        index, rows = self.currentIndex(), self.selected_rows()
        if index.isValid() and len(rows):
            # where the current row was taken out of the selection, the nearest that is left
            nearest = rows[np.abs(rows - index.row()).argmin()]
            self.key_chosen.emit(int(self._rows.rows.keys[nearest]))


def _empty(size: QSize, ratio: float) -> QPixmap:
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def row_texts(entry: ErrorEntry, order: SortOrder) -> tuple[str, str, str]:
    """What a row says is wrong, its figure and the unit of that: what the list is ordered by, or how sure the
    model was."""
    title, suspicion = TYPE_TITLES[entry.type], entry.suspicion
    if order is SortOrder.LABEL_ERRORS:
        if suspicion is None:
            return title, "", ""
        return LABEL_ERROR_TITLES[suspicion.kind], ratio_text(suspicion.score), ""
    if order is SortOrder.COST and entry.cost is not None:
        return title, ratio_text(entry.cost, digits=COST_DIGITS), entry.cost_unit
    return title, "" if entry.score is None else ratio_text(entry.score), ""
