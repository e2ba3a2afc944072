"""The boxes of the image that is looked at, as the project has them at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.services.document import Document
from app.services.view_state import ViewState
from detcore.types import Box, ObjectClass


class CurrentBoxes:
    """Read by every view that shows them, so that none depends on another having been told before it.

    They are read from the project once an edit, and not again for each view.
    """

    def __init__(self, document: Document, view: ViewState) -> None:
        self._document, self._view = document, view
        self._read: tuple[int, int] | None = None
        self._boxes: Sequence[Box] = ()
        self._classes: Mapping[int, ObjectClass] = {}

    @property
    def boxes(self) -> Sequence[Box]:
        """In the order they were made."""
        self._bring_up_to_date()
        return self._boxes

    @property
    def classes(self) -> Mapping[int, ObjectClass]:
        """All classes of the project by id, in their order."""
        self._bring_up_to_date()
        return self._classes

    def _bring_up_to_date(self) -> None:
        now = (self._document.revision, self._view.image_id)
        if now == self._read:
            return
        self._read = now
        if not self._document.is_open:
            self._boxes, self._classes = (), {}
            return
        project = self._document.project
        self._boxes = project.boxes(self._view.image_id) if self._view.image_id else ()
        self._classes = {item.id: item for item in project.classes()}
