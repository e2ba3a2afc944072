"""Committing an edit from a page."""

from __future__ import annotations

from collections.abc import Callable

from app.context import AppContext
from detcore.errors import ReticleError
from detcore.project.edits import Edit
from detcore.types import Changes


def apply_edit(context: AppContext, edit: Callable[[], Edit]) -> Changes | None:
    """Make and commit an edit; when the project refuses it, say why and return ``None``."""
    try:
        return context.document.apply(edit())
    except ReticleError as error:
        context.messages.error(error, doing="make the change")
        return None
