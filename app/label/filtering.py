"""Narrows the list of images to what the user asked for."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.label.models.image_filter import ImageFilter
from app.label.models.image_model import ImageModel
from app.label.widgets.image_filter_bar import ImageFilterBar
from app.services.context import AppContext
from app.services.tasks import Task
from detcore.errors import ReticleError
from detcore.project.reading import images_with_box
from detcore.types import IntArray


class ImageFiltering(QObject):
    """Conditions on boxes look at every box, in the pool; the others apply at once."""

    def __init__(self, context: AppContext, images: ImageModel, bar: ImageFilterBar, parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._images, self._bar = context, images, bar
        self._task: Task | None = None
        bar.filter_chosen.connect(self._apply)
        context.document.closed.connect(self._drop_task)

    def _apply(self, wanted: ImageFilter) -> None:
        self._drop_task()
        document = self._context.document
        if not wanted.box or not document.is_open:
            self._images.set_filter(wanted)
            return
        project, box = document.project, wanted.box
        self._task = task = self._context.tasks.run(
            lambda: images_with_box(project, class_id=box.class_id, flag=box.flag),
            done=lambda ids: self._end(task, wanted, ids),
            failed=lambda error: self._fail(task, error),
        )

    def _end(self, task: Task, wanted: ImageFilter, holding: IntArray) -> None:
        """What came too late, for another filter or project, is not shown."""
        if task is self._task:
            self._task = None
            self._images.set_filter(wanted, holding)

    def _fail(self, task: Task, error: Exception) -> None:
        if not isinstance(error, ReticleError):
            raise error
        if task is self._task:
            self._task = None
            self._context.messages.error(error, doing="filter the images")

    def _drop_task(self) -> None:
        self._task = None
