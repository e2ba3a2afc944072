"""Going through the images one after another."""

from __future__ import annotations

from collections.abc import Sequence, Set

from PySide6.QtCore import QObject

from app.label.editing import LabelEditing
from app.label.models.image_model import ImageModel
from app.label.verifying import Verifying
from app.services.actions import key_text
from app.services.context import AppContext, apply_edit
from app.services.figures import counted
from detcore.project.edits import remove_images
from detcore.types import Changes, Status

LAST_IMAGE = "last_image"


class ImageWalk(QObject):
    """Next, previous, next to do; remembers where the user was."""

    def __init__(
        self,
        context: AppContext,
        images: ImageModel,
        editing: LabelEditing,
        verifying: Verifying,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._context, self._images = context, images
        self._editing, self._verifying = editing, verifying
        context.view.image_changed.connect(self._remember)
        context.document.changed.connect(self._follow)

    def start(self) -> bool:
        """Show the image where the user left off, else the first; False when there is none."""
        last = self._context.document.project.get_setting(LAST_IMAGE, 0)
        image_id = last if self._images.row_of(last) >= 0 else self._images.image_id(0)
        self._context.view.show_image(image_id)
        return image_id != 0

    def go(self, step: int) -> None:
        """Show the image that many rows away, if there is one."""
        row = self._images.row_of(self._context.view.image_id)
        image_id = self._images.image_id(row + step if row >= 0 else 0)
        if image_id:
            self._context.view.show_image(image_id)

    def go_to_unverified(self) -> None:
        image_id = self._images.next_unverified(self._context.view.image_id)
        if image_id:
            self._context.view.show_image(image_id)
        else:
            self._context.messages.success("Every image of the list is verified.")

    def verify_and_go_on(self) -> None:
        """Mark this image as done and show the next one."""
        if self._verifying.current():
            self.go(1)

    def toggle_verified(self) -> None:
        image = self._context.document.project.image(self._context.view.image_id)
        if image.status is Status.VERIFIED:
            self._editing.set_status(Status.IN_PROGRESS)
        else:
            self._verifying.current()

    def remove(self, image_ids: Sequence[int]) -> None:
        """Take images out of the project; where the shown one is among them, the next that stays is shown.
        The files stay, and undo brings the images back."""
        context, project = self._context, self._context.document.project
        name = project.image(image_ids[0]).path
        following = self._following(frozenset(image_ids))
        if apply_edit(context, remove_images, image_ids) is not None:
            context.view.show_image(following)
            is_one = len(image_ids) == 1
            images = f"{name} is" if is_one else counted(len(image_ids), "image is", "images are")
            undo = key_text(context.actions["global.undo"]) or "Undo"
            context.messages.info(
                f"{images} out of the project. {undo} brings {'it' if is_one else 'them'} back;"
                f" the file{' was' if is_one else 's were'} not touched.",
                applies=context.document.until_next_edit(),
            )

    def _following(self, leaving: Set[int]) -> int:
        """The image to show once others have left: the current one, else the nearest below it or above."""
        current = self._context.view.image_id
        if current not in leaving:
            return current
        row, count = self._images.row_of(current), self._images.rowCount()
        for other in (*range(row + 1, count), *range(row - 1, -1, -1)):
            if self._images.image_id(other) not in leaving:
                return self._images.image_id(other)
        return 0

    def _remember(self, image_id: int) -> None:
        if image_id:
            self._context.document.project.set_setting(LAST_IMAGE, image_id)

    def _follow(self, changes: Changes) -> None:
        """An undo may take the shown image away, an import may bring the first ones."""
        if not changes.image_list:
            return
        there = self._context.document.project.image_ids()
        if self._context.view.image_id not in there:
            # the list may not have been told yet
            left = set(there)
            listed = (self._images.image_id(row) for row in range(self._images.rowCount()))
            first = next((image_id for image_id in listed if image_id in left), there[0] if there else 0)
            self._context.view.show_image(first)
