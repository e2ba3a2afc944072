"""The canvas: an image with boxes over it, to look at, draw, select and mend."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QMouseEvent,
    QPainter,
)
from PySide6.QtWidgets import QWidget

from app.canvas import painting, style
from app.canvas.display import DisplayBoxes
from app.canvas.dropped_files import take_files
from app.canvas.handles import Xyxy
from app.canvas.image_item import ImageItem
from app.canvas.image_levels import ImageLevels
from app.canvas.keyboard_view import KeyboardView
from app.canvas.projection import Projection


class ImageCanvas(KeyboardView):
    """Shows what it is given and says what the user did; it changes no data.

    The owner answers each signal that asks for a change with ``set_boxes``. Until then moved boxes
    are seen where the user left them.
    """

    # a new box (x1, y1, x2, y2) in image pixels, inside of the image
    box_drawn = Signal(object)
    # tuple of ids and their new (N, 4) geometry; once, when a drag, resize or nudge is done
    boxes_edited = Signal(object, object)
    # frozenset of ids; only when the user changed the selection
    selection_changed = Signal(object)
    # id of the box under the pointer, 0 for none
    hovered = Signal(int)
    # where on the screen (QPoint), and the id of the box there or 0; that box is selected by then
    context_menu_requested = Signal(QPoint, int)
    # list of pathlib.Path dropped on the canvas
    files_dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image_item = ImageItem()
        self._image_item.setZValue(-1)
        self.scene().addItem(self._image_item)
        self._surround = style.DEFAULT_SURROUND
        self._placeholder = ("", "")
        self._menu_swallowed = False
        self._stage.box_drawn.connect(self.box_drawn)
        self._stage.boxes_edited.connect(self.boxes_edited)
        self._stage.selection_changed.connect(self.selection_changed)
        self._stage.hovered.connect(self.hovered)
        self.setAcceptDrops(True)
        self.setAccessibleName("Image with its boxes")

    # --- what is shown

    def set_image(self, image: QImage | ImageLevels | None, *, keep_view: bool = False) -> None:
        """Show another image, or none. What is being drawn or dragged is dropped, boxes stay.

        With ``keep_view`` zoom and centre stay, also when there was no image in between, unless the
        whole image was shown: then the whole of the new one is.
        """
        self.cancel()
        self._stage.show_draft(None)
        self._last_press = None
        self._image_item.set_image(ImageLevels(image) if isinstance(image, QImage) else image)
        shown = self._image_item.image()
        width, height = (0, 0) if shown is None else (shown.width(), shown.height())
        self._stage.image_size = (float(width), float(height))
        self._layer.setVisible(shown is not None)
        self._overlay.setVisible(shown is not None)
        self._set_content(width, height, keep_view=keep_view)
        self._look_under_pointer()
        self._repaint()

    def set_boxes(self, boxes: DisplayBoxes) -> None:
        """Show other boxes. A drag goes on if its boxes are among them, unchanged, else it is dropped."""
        if not self._stage.keeps_preview(boxes):
            self.cancel()
        if boxes.is_same_as(self._stage.boxes):
            return
        projection = Projection.of(self.viewportTransform(), self.viewport())
        self._stage.set_boxes(boxes, looks_same=self._layer.shows(boxes, projection))

    def set_selection(self, ids: frozenset[int]) -> None:
        """Select boxes; emits nothing. Ids that are not shown are left out."""
        present = frozenset(ids) & frozenset(self._stage.boxes.ids.tolist())
        if present != self._stage.selection:
            self.cancel()
            self._stage.selection = present
            self._repaint()

    def selection(self) -> frozenset[int]:
        return self._stage.selection

    def set_draw_color(self, color: QColor, name: str) -> None:
        """Colour and name of the class that a new box will get."""
        self._stage.draw_color, self._stage.draw_name = QColor(color), name
        self._repaint()

    def set_read_only(self, read_only: bool) -> None:
        """Boxes can then be looked at and selected only."""
        self.cancel()
        self._stage.read_only = read_only
        self._look_under_pointer()

    def show_pending(self, box: Xyxy | None) -> None:
        """A box that was drawn and waits for its class stays in sight; ``None`` when it has one, or gets
        none. Another image ends it as well."""
        self._stage.show_draft(box)

    def rect_in_view(self, box: Xyxy) -> QRect:
        """Where a box in image pixels lies in the view, in logical pixels."""
        x1, y1, x2, y2 = box
        return self.mapFromScene(QRectF(x1, y1, x2 - x1, y2 - y1)).boundingRect()

    def set_placeholder(self, title: str, text: str) -> None:
        """What is said while there is no image."""
        self._placeholder = (title, text)
        self._repaint()

    def placeholder(self) -> tuple[str, str]:
        """Title and text that stand where an image would be."""
        return self._placeholder

    def set_surround(self, color: QColor) -> None:
        """The colour around the image."""
        self._surround = QColor(color)
        self._repaint()

    def set_names_visible(self, visible: bool) -> None:
        self._layer.names_visible = self._overlay.names_visible = visible
        self._repaint_boxes()

    def set_boxes_visible(self, visible: bool) -> None:
        """Hidden boxes can neither be seen nor hit."""
        self.cancel()
        self._stage.boxes_visible = visible
        self._repaint()
        self._look_under_pointer()

    # --- events

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        painter.resetTransform()
        view = self.viewport().rect()
        painter.fillRect(view, self._surround)
        if self._image_item.image() is None:
            painting.paint_placeholder(painter, view, *self._placeholder, surround=self._surround)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        right = event.button() is Qt.MouseButton.RightButton
        self._menu_swallowed = right and self.cancel()
        super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()
        if self._menu_swallowed:
            self._menu_swallowed = False
            return
        if event.reason() is QContextMenuEvent.Reason.Mouse:
            hits = self._stage.hits(*self.to_image(event.pos().toPointF())).tolist()
            selected = [box_id for box_id in hits if box_id in self._stage.selection]
            box_id = next(iter(selected + hits), 0)
            if not selected:
                self._stage.select(frozenset(hits[:1]))
        else:
            box_id = min(self._stage.selection, default=0)
        self.context_menu_requested.emit(event.globalPos(), box_id)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.dragMoveEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        take_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        paths = take_files(event)
        if paths:
            self.files_dropped.emit(paths)
