"""Which images may become verified: they can be seen, and their boxes belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject

from app.label.editing import LabelEditing
from app.label.viewer import ImageViewer
from app.services.context import AppContext
from app.services.figures import counted
from detcore.errors import Cancelled, ImageError
from detcore.project.file_checks import unfit_images
from detcore.project.project import Project
from detcore.types import Status


class Verifying(QObject):
    """Marks images as done. One that cannot be shown stays as it is, and is named with the reason."""

    def __init__(
        self, context: AppContext, editing: LabelEditing, viewer: ImageViewer, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._editing, self._viewer = context, editing, viewer

    def may_verify(self) -> bool:
        """Whether the image that is shown can be marked; where it cannot, that is said."""
        reason = self._viewer.unfit_reason()
        if reason:
            name = self._context.document.project.image(self._context.view.image_id).path
            self._context.messages.warning(f"{name} was not verified: {reason}")
        return not reason

    def current(self) -> bool:
        """The image that is shown; whether it was marked."""
        if not self.may_verify():
            return False
        self._editing.set_status(Status.VERIFIED)
        return True

    def images(self, image_ids: Sequence[int]) -> None:
        """Several images at once, whose files are looked at first, in the pool."""
        if list(image_ids) == [self._context.view.image_id] and not self._viewer.unfit_reason():
            self._editing.set_status(Status.VERIFIED)
            return
        project = self._context.document.project
        self._context.tasks.run_with_progress(
            "Looking at the images",
            lambda progress: unfit_images(project, image_ids, progress=progress),
            done=lambda unfit: self._mark(project, image_ids, unfit),
            failed=lambda error: self._fail(project, error),
        )

    def _mark(self, project: Project, image_ids: Sequence[int], unfit: Mapping[int, ImageError]) -> None:
        if not self._context.document.shows(project):
            return
        fit = [image_id for image_id in image_ids if image_id not in unfit]
        if fit:
            self._editing.set_status(Status.VERIFIED, fit)
        if unfit:
            reasons = [str(error) for error in unfit.values()]
            images = counted(len(unfit), "image was", "images were")
            self._context.messages.warning(
                f"{images} not verified: {reasons[0]}", details="\n".join(reasons[1:])
            )

    def _fail(self, project: Project, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._context.messages.info("Cancelled. No image was verified.")
        elif self._context.document.shows(project):
            self._context.messages.error(error, doing="verify the images")
