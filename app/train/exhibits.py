"""The images of the batch that did most harm: found in the pool, opened on the Label page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRectF

from app.services.context import AppContext
from app.train.widgets.exhibit_card import Exhibit
from app.train.widgets.inside import InsideView
from detcore.jobs.events import HardBatch
from detcore.project.project import Project


class Exhibits(QObject):
    """Shows images with the boxes that they have now, which may have been mended since the run saw them."""

    def __init__(
        self, context: AppContext, view: InsideView, *, show_label: Callable[[], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._view, self._show_label = context, view, show_label
        view.batch_shown.connect(self._find)
        view.image_wanted.connect(self._open)

    def _find(self, batch: HardBatch) -> None:
        if self._context.document.is_open:
            project = self._context.document.project
            self._context.tasks.run(
                lambda: _exhibits(project, batch),
                done=lambda found: self._view.show_exhibits(batch, found),
                failed=lambda error: self._context.messages.error(error, doing="show the hardest batch"),
            )

    def _open(self, image_id: int) -> None:
        self._show_label()
        self._context.view.show_image(image_id)


def _exhibits(project: Project, batch: HardBatch) -> list[Exhibit]:
    """Those that are still in the project."""
    colours = {item.id: item.color for item in project.classes()}
    there = set(project.image_ids())
    images = project.images([image_id for image_id in batch.images if image_id in there])
    return [
        Exhibit(
            image_id=image.id,
            path=project.image_path(image),
            name=image.path,
            size=None if image.width is None or image.height is None else (image.width, image.height),
            boxes=[
                (QRectF(box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1), colours[box.class_id])
                for box in project.boxes(image.id)
            ],
        )
        for image in images
    ]
