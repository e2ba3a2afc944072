"""Undo and redo, which say so when they reach an image that is not shown."""

from __future__ import annotations

from collections.abc import Callable

from app.action_table import LABEL
from app.context import AppContext
from detcore.types import Changes


class UndoRedo:
    """Binds the two actions of the window."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        document = context.document
        context.actions.bind(
            "global.undo",
            lambda: self._go("Undone", "undo_text", document.undo),
            when=lambda: document.is_open and document.project.undo_text is not None,
        )
        context.actions.bind(
            "global.redo",
            lambda: self._go("Redone", "redo_text", document.redo),
            when=lambda: document.is_open and document.project.redo_text is not None,
        )

    def _go(self, word: str, text_name: str, step: Callable[[], Changes | None]) -> None:
        text = getattr(self._context.document.project, text_name)
        changes = step()
        if changes is not None and self._context.actions.scope == LABEL:
            self._say_where(f"{word}: {text}", changes)

    def _say_where(self, text: str, changes: Changes) -> None:
        """Nothing seems to happen when the images that changed are elsewhere in the list."""
        project, view = self._context.document.project, self._context.view
        touched = sorted((changes.images | changes.box_images) & set(project.image_ids()))
        if not touched or view.image_id in touched:
            return
        place = project.image(touched[0]).path if len(touched) == 1 else f"{len(touched):,} images"
        show = ("Show", lambda: view.show_image(touched[0]))
        self._context.messages.info(f"{text}, in {place}", action=show)
