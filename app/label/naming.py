"""Which class a box has: one that was just drawn, or those that are selected."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRect

from app.canvas.handles import Xyxy
from app.canvas.view import ImageCanvas
from app.label.classes import ClassEditing
from app.label.editing import LabelEditing
from app.label.viewer import ImageViewer
from app.services.context import AppContext


class BoxNaming(QObject):
    """Gives boxes their class, and asks for it beside them where there is none."""

    def __init__(
        self,
        context: AppContext,
        canvas: ImageCanvas,
        viewer: ImageViewer,
        editing: LabelEditing,
        classes: ClassEditing,
        *,
        use_class: Callable[[int], None],
    ) -> None:
        """``use_class`` gives what is selected a class."""
        super().__init__(canvas)
        self._context, self._canvas, self._viewer = context, canvas, viewer
        self._editing, self._classes, self._use_class = editing, classes, use_class

    def draw(self, xyxy: Xyxy) -> None:
        """Add a box of the class in use; without one ask first."""
        class_id = self._context.view.class_id
        if class_id:
            self._editing.draw(xyxy, class_id)
        else:
            self._ask_for_new(xyxy)

    def ask_for_selection(self) -> None:
        """Pop up the class picker for the selected boxes."""
        extent = self._canvas.selected_extent()
        if extent is not None:
            self._classes.pick(self._use_class, beside=self._on_screen(extent))

    def _ask_for_new(self, xyxy: Xyxy) -> None:
        """The box stays in sight until it has a class, or is given up."""
        image_id = self._context.view.image_id

        def is_there() -> bool:
            return self._context.view.image_id == image_id and self._viewer.is_showing

        def draw(class_id: int) -> None:
            self._canvas.show_pending(None)
            if is_there():
                self._editing.draw(xyxy, class_id)

        def give_up() -> None:
            self._canvas.show_pending(None)
            self._context.messages.info(
                "The box was not kept, since it has no class.",
                action=("Name it", lambda: self._ask_for_new(xyxy)),
                applies=is_there,
            )

        self._canvas.show_pending(xyxy)
        self._classes.pick(
            draw,
            beside=self._on_screen(xyxy),
            otherwise=give_up,
            hint="Type what this is, then Enter: the next boxes get the same class. Esc drops the box.",
        )

    def _on_screen(self, xyxy: Xyxy) -> QRect:
        """What is seen of a box, in global coordinates."""
        viewport = self._canvas.viewport()
        seen = self._canvas.rect_in_view(xyxy) & viewport.rect()
        return seen.translated(viewport.mapToGlobal(QPoint(0, 0)))
