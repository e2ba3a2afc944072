"""What can be done to the images that are selected in the list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.label.editing import LabelEditing
from app.label.verifying import Verifying
from app.label.walk import ImageWalk
from app.label.widgets.image_list import ImageList
from app.services.context import AppContext, apply_edit
from app.services.figures import counted
from detcore.project.edits import set_split
from detcore.types import SPLITS, Changes, Status

STATUS_TITLES = (
    (Status.VERIFIED, "Verified"),
    (Status.IN_PROGRESS, "In progress"),
    (Status.UNSEEN, "Not seen yet"),
)


class ImageMenu(QObject):
    """The context menu of the list. Each entry is for all selected images and is one step for undo."""

    def __init__(
        self,
        context: AppContext,
        images: ImageList,
        editing: LabelEditing,
        verifying: Verifying,
        walk: ImageWalk,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._context, self._images, self._window = context, images, window
        self._editing, self._verifying, self._walk = editing, verifying, walk
        images.menu_requested.connect(self._pop_up)

    def _pop_up(self, position: QPoint) -> None:
        chosen = self._images.selected_images()
        if not chosen:
            return
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if len(chosen) > 1:
            menu.addSection(counted(len(chosen), "image"))
        status = menu.addMenu("Mark as")
        for value, title in STATUS_TITLES:
            status.addAction(title, lambda value=value: self._mark(chosen, value))
        splits = menu.addMenu("Split")
        for name in dict.fromkeys((*SPLITS, *self._images.split_names())):
            splits.addAction(name, lambda name=name: self._set_split(chosen, name))
        splits.addAction("No split", lambda: self._set_split(chosen, None))
        menu.addSeparator()
        menu.addAction("Show in the folder", lambda: self._reveal(chosen[0]))
        menu.addAction("Copy the path" if len(chosen) == 1 else "Copy the paths", lambda: self._copy(chosen))
        menu.addSeparator()
        menu.addAction("Remove from the project", lambda: self._walk.remove(chosen))
        menu.popup(position)

    def _mark(self, image_ids: Sequence[int], status: Status) -> None:
        if status is Status.VERIFIED:
            self._verifying.images(image_ids)
        else:
            self._editing.set_status(status, image_ids)

    def _set_split(self, image_ids: Sequence[int], split: str | None) -> None:
        changes = apply_edit(self._context, set_split, dict.fromkeys(image_ids, split))
        if changes:
            self._say(changes, "out of all splits" if split is None else f"in the split {split}")

    def _say(self, changes: Changes, where: str) -> None:
        images = counted(len(changes.images), "image is", "images are")
        document = self._context.document
        self._context.messages.info(
            f"{images} {where} now.",
            action=("Undo", lambda: document.take_back(changes)),
            applies=document.until_next_edit(),
        )

    def _reveal(self, image_id: int) -> None:
        project = self._context.document.project
        folder = project.image_path(project.image(image_id)).parent
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._context.messages.info(f"The image lies in {folder}.")

    def _copy(self, image_ids: Sequence[int]) -> None:
        project = self._context.document.project
        paths = [str(project.image_path(image)) for image in project.images(list(image_ids))]
        QGuiApplication.clipboard().setText("\n".join(paths))
