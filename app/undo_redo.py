"""Undo and redo, which say so when they reach what is not in view."""

from __future__ import annotations

from collections.abc import Callable

from app.action_table import LABEL
from app.context import AppContext
from app.models.figures import count_text
from detcore.types import Changes

UNDONE, REDONE = "Undone", "Redone"


class UndoRedo:
    """Binds the two actions of the window."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        document = context.document
        context.actions.bind(
            "global.undo",
            lambda: self._go(UNDONE, "undo_text", document.undo),
            when=lambda: document.is_open and document.project.undo_text is not None,
        )
        context.actions.bind(
            "global.redo",
            lambda: self._go(REDONE, "redo_text", document.redo),
            when=lambda: document.is_open and document.project.redo_text is not None,
        )

    def _go(self, word: str, text_name: str, step: Callable[[], Changes | None]) -> None:
        text = getattr(self._context.document.project, text_name)
        changes = step()
        if changes is None:
            return
        many = len(changes.images | changes.box_images) > 1
        if changes.image_list or changes.classes or (many and self._context.actions.scope != LABEL):
            self._offer_back(f"{word}: {text}", word)
        elif self._context.actions.scope == LABEL:
            self._say_where(f"{word}: {text}", changes)

    def _offer_back(self, text: str, word: str) -> None:
        """What reaches beyond the box in view, such as an import, is told, with the way back."""
        back = "redo" if word == UNDONE else "undo"
        action = self._context.actions[f"global.{back}"]
        self._context.messages.info(text, action=(back.capitalize(), action.trigger))

    def _say_where(self, text: str, changes: Changes) -> None:
        """Nothing seems to happen when the images that changed are elsewhere in the list."""
        project, view = self._context.document.project, self._context.view
        touched = sorted((changes.images | changes.box_images) & set(project.image_ids()))
        if not touched or view.image_id in touched:
            return
        place = project.image(touched[0]).path if len(touched) == 1 else f"{count_text(len(touched))} images"
        show = ("Show", lambda: view.show_image(touched[0]))
        self._context.messages.info(f"{text}, in {place}", action=show)
