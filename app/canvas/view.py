"""The canvas: an image with boxes over it, to look at, draw, select and mend."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from app.canvas import painting, style
from app.canvas.box_layer import BoxLayer, Overlay
from app.canvas.camera_control import CameraControl
from app.canvas.display import DisplayBoxes
from app.canvas.dropped_files import take_files
from app.canvas.handles import Xyxy
from app.canvas.image_item import ImageItem
from app.canvas.image_levels import ImageLevels
from app.canvas.keyboard_input import KeyboardInput
from app.canvas.pointer_input import PointerInput
from app.canvas.pointer_look import PointerLook
from app.canvas.projection import Projection
from app.canvas.stage import Stage
from app.canvas.tools.registry import make_tool


class ImageCanvas(QGraphicsView):
    """Shows what it is given and says what the user did; it changes no data.

    The owner answers each signal that asks for a change with ``set_boxes``. Until then moved boxes
    are seen where the user left them.

    Attributes:
        camera: which part of the image is seen.
    """

    # a new box (x1, y1, x2, y2) in image pixels, inside of the image
    box_drawn = Signal(object)
    # tuple of ids and their new (N, 4) geometry; once, when a drag, resize or nudge is done
    boxes_edited = Signal(object, object)
    # frozenset of ids; only when the user changed the selection
    selection_changed = Signal(object)
    # double-click or Enter on a box: its id
    box_activated = Signal(int)
    # a click on a proposal (``DisplayBoxes.proposed``): its id
    proposal_clicked = Signal(int)
    # whether the user wants what is shown by ``show_ghosts``: Enter, or Esc and whatever else is done to boxes
    ghosts_answered = Signal(bool)
    # id of the box under the pointer, 0 for none
    hovered = Signal(int)
    # the pointer, in image pixels; also outside of the image
    cursor_moved = Signal(float, float)
    # the pointer is elsewhere
    cursor_left = Signal()
    # where on the screen (QPoint), and the id of the box there or 0; that box is selected by then
    context_menu_requested = Signal(QPoint, int)
    # list of pathlib.Path dropped on the canvas
    files_dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._set_up_view()
        self._surround = style.DEFAULT_SURROUND
        self._placeholder = ("", "")
        self._menu_swallowed = False
        self._stage = Stage(self)
        self._image_item = ImageItem()
        self._image_item.setZValue(-1)
        self._layer = BoxLayer(self._stage)
        self._overlay = Overlay(self._stage, self._layer)
        for item in (self._image_item, self._layer, self._overlay):
            self.scene().addItem(item)
        self.camera = CameraControl(self)
        self._tool = "select"
        self._pointer = PointerInput(self._stage, self.camera.to_image, tool=make_tool(self._tool))
        self._look = PointerLook(self, self._stage, self._overlay, self.camera, self._pointer)
        self._keyboard = KeyboardInput(self._stage, self._pointer)
        self._connect_stage()

    def _set_up_view(self) -> None:
        scene = QGraphicsScene(self)
        scene.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setScene(scene)
        self.setInteractive(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setOptimizationFlags(
            QGraphicsView.OptimizationFlag.DontSavePainterState
            | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing
        )
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAccessibleName("Image with its boxes")

    def _connect_stage(self) -> None:
        stage = self._stage
        stage.boxes_changed.connect(self._repaint_boxes)
        stage.overlay_changed.connect(self._repaint)
        stage.pan_requested.connect(self.camera.pan_by)
        self.camera.moved.connect(self._follow_camera)
        stage.box_drawn.connect(self.box_drawn)
        stage.boxes_edited.connect(self.boxes_edited)
        stage.selection_changed.connect(self.selection_changed)
        stage.box_activated.connect(self.box_activated)
        stage.proposal_clicked.connect(self.proposal_clicked)
        stage.ghosts_answered.connect(self.ghosts_answered)
        stage.hovered.connect(self.hovered)

    # --- what is shown

    def set_image(self, image: QImage | ImageLevels | None, *, keep_view: bool = False) -> None:
        """Show another image, or none. What is being drawn or dragged is dropped, boxes stay.

        With ``keep_view`` zoom and centre stay, also when there was no image in between, unless the
        whole image was shown: then the whole of the new one is.
        """
        self.cancel()
        self._stage.show_draft(None)
        self._pointer.forget_click()
        self._image_item.set_image(ImageLevels(image) if isinstance(image, QImage) else image)
        shown = self._image_item.image()
        width, height = (0, 0) if shown is None else (shown.width(), shown.height())
        self._stage.image_size = (float(width), float(height))
        self._layer.setVisible(shown is not None)
        self._overlay.setVisible(shown is not None)
        self.camera.set_content(width, height, keep_view=keep_view)
        self._look.refresh()
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
        self._look.refresh()

    def show_pending(self, box: Xyxy | None) -> None:
        """A box that was drawn and waits for its class stays in sight; ``None`` when it has one, or gets
        none. Another image ends it as well."""
        self._stage.show_draft(box)

    def show_ghosts(self, ghosts: DisplayBoxes) -> None:
        """What boxes could be is seen beside them, with the first name as a hint; none ends it."""
        self._stage.show_ghosts(ghosts)

    def ghosts(self) -> DisplayBoxes:
        return self._stage.ghosts

    def rect_in_view(self, box: Xyxy) -> QRect:
        """Where a box in image pixels lies in the view, in logical pixels."""
        x1, y1, x2, y2 = box
        return self.mapFromScene(QRectF(x1, y1, x2 - x1, y2 - y1)).boundingRect()

    def selected_extent(self) -> Xyxy | None:
        """What just holds all selected boxes, in image pixels; ``None`` without any."""
        edges = self._stage.shown(self._stage.selection).boxes
        if not len(edges):
            return None
        (x1, y1), (x2, y2) = edges[:, :2].min(axis=0).tolist(), edges[:, 2:].max(axis=0).tolist()
        return (x1, y1, x2, y2)

    def bring_into_view(self, box_id: int) -> None:
        """Move to a box that is not seen as a whole; the zoom stays."""
        box = self._stage.geometry(box_id)
        if box is not None and not self.viewport().rect().contains(self.rect_in_view(box)):
            self.camera.look_at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)

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
        self._stage.answer_ghosts(wanted=False)
        self._stage.boxes_visible = visible
        self._repaint()
        self._look.refresh()

    # --- what the user does

    def tool(self) -> str:
        """The id of the tool that the left button is for."""
        return self._tool

    def set_tool(self, tool: str) -> None:
        """Use the tool of an id; what is being drawn or dragged is dropped.

        Raises:
            ConfigError: there is no such tool, or its code does not work; the one before stays.
        """
        made = make_tool(tool)
        self.cancel()
        self._tool, self._pointer.tool = tool, made
        self._look.refresh()

    @property
    def is_busy(self) -> bool:
        """Whether something is being drawn or dragged."""
        return self._pointer.is_busy

    def settle(self) -> None:
        """What is being nudged by keys stays where it is."""
        self._keyboard.finish_nudge()

    def cancel(self) -> bool:
        """Drop what is being drawn, dragged or nudged. Whether there was anything."""
        return self._keyboard.cancel() or self._pointer.cancel()

    def _follow_camera(self) -> None:
        self._stage.scale = self.camera.zoom()
        self._stage.all_in_view = self.camera.shows_all()
        self._pointer.forget_click()

    def _repaint(self) -> None:
        """Asked of the view, not of its items: what they ask for comes round by the scene, and then often only
        after a frame that has shown it already."""
        self.viewport().update()

    def _repaint_boxes(self) -> None:
        self._layer.forget()
        self._repaint()

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
        self._keyboard.finish_nudge()
        if event.button() is not Qt.MouseButton.MiddleButton:
            self._stage.answer_ghosts(wanted=False)
        self._point(event, self._pointer.press)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.cursor_moved.emit(*self.camera.to_image(event.position()))
        self._point(event, self._pointer.move)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._point(event, self._pointer.release)

    def _point(self, event: QMouseEvent, use: Callable[[QMouseEvent], None]) -> None:
        event.accept()
        self._look.follow(event)
        use(event)
        self._look.refresh()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._forget_pointer()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._forget_pointer()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # A drag whose end may never be seen is dropped; a nudge is complete at every moment
        self._keyboard.finish_nudge()
        self.cancel()
        self._look.modifiers = Qt.KeyboardModifier.NoModifier
        # a menu or dialog takes the pointer along, and nobody tells the canvas that it left
        self._forget_pointer()
        super().focusOutEvent(event)

    def _forget_pointer(self) -> None:
        self._look.forget()
        self.cursor_left.emit()

    def event(self, event: QEvent) -> bool:
        is_override = event.type() is QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and self._keyboard.claim(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._look.modifiers = event.modifiers()
        event.setAccepted(self._keyboard.press(event))
        self._look.refresh()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self._look.modifiers = event.modifiers()
        self._keyboard.release(event)
        event.ignore()
        self._look.refresh()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.camera.turn_wheel(event)
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            self.camera.pinch(event)
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.camera.follow_size()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()
        if self._menu_swallowed:
            self._menu_swallowed = False
            return
        if event.reason() is QContextMenuEvent.Reason.Mouse:
            box_id = self._stage.box_at(*self.camera.to_image(event.pos().toPointF()))
            if box_id not in self._stage.selection:
                self._stage.select(frozenset({box_id} if box_id else ()))
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
