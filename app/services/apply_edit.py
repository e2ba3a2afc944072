"""Committing an edit from a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from app.services.context import AppContext
from detcore.errors import ReticleError
from detcore.project.edits import Edit
from detcore.project.project import Project
from detcore.types import Changes

_P = ParamSpec("_P")


def apply_edit(
    context: AppContext,
    build: Callable[Concatenate[Project, _P], Edit],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> Changes | None:
    """Make and commit an edit; when the project refuses it, say why and return ``None``."""
    try:
        return context.document.edit(build, *args, **kwargs)
    except ReticleError as error:
        until = context.document.until_next_edit()
        context.messages.error(error, doing="make the change", applies=until)
        return None
