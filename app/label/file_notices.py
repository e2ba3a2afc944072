"""Files that are not what was labelled: said above the canvas, with the ways out."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.label.viewer import ImageViewer
from app.label.widgets.image_notice import ImageNotice
from app.services.apply_edit import apply_edit
from app.services.context import AppContext
from app.services.figures import counted
from detcore.project.new_sizes import keep_boxes, scale_boxes

_SCALE_TIP = "The whole image was made larger or smaller: the boxes grow or shrink with it"
_KEEP_TIP = "The image was cut or replaced: the boxes stay where they are, what reaches out of it is cut off"
_LOCATE = "global.find_images"


class FileNotices(QObject):
    """Follows the image that is shown. An image whose file is of another size than its boxes were drawn at
    waits for a decision; one whose file is gone leads to the folder where the images are now."""

    def __init__(
        self, context: AppContext, viewer: ImageViewer, notice: ImageNotice, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._viewer, self._notice = context, viewer, notice
        viewer.showing_changed.connect(self._show)

    def _show(self) -> None:
        viewer = self._viewer
        if viewer.other_size is not None:
            self._ask_about_boxes(viewer.other_size)
        elif viewer.is_missing:
            locate = self._context.actions[_LOCATE]
            text = "The file of this image is not where it was."
            self._notice.show_notice(text, [("Locate…", locate.toolTip(), locate.trigger)])
        else:
            self._notice.show_notice("")

    def _ask_about_boxes(self, size: tuple[int, int]) -> None:
        project, image_id = self._context.document.project, self._context.view.image_id
        image, count = project.image(image_id), project.box_count(image_id)
        boxes = counted(count, "box was", "boxes were")
        self._notice.show_notice(
            f"This file is {size[0]}×{size[1]} now; its {boxes} drawn at {image.width}×{image.height}. "
            "Until you choose, it is neither learnt from nor exported.",
            [
                (
                    "Scale the boxes",
                    _SCALE_TIP,
                    lambda: apply_edit(self._context, scale_boxes, {image_id: size}),
                ),
                (
                    "Keep the boxes",
                    _KEEP_TIP,
                    lambda: apply_edit(self._context, keep_boxes, {image_id: size}),
                ),
            ],
        )
