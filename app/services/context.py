"""The services of the window, handed to each page by its constructor, and how a page commits an edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from app.services.actions import Actions
from app.services.document import Document
from app.services.learner import LearnerProcess
from app.services.messages import Messages
from app.services.settings import Settings
from app.services.tasks import Tasks
from app.services.theme import Theme
from app.services.training_worker import Jobs
from app.services.view_state import ViewState
from detcore.errors import ReticleError
from detcore.project.edits import Edit
from detcore.project.project import Project
from detcore.types import Changes

_P = ParamSpec("_P")


@dataclass(frozen=True, kw_only=True)
class AppContext:
    """One of each, made by the application."""

    document: Document
    view: ViewState
    theme: Theme
    settings: Settings
    tasks: Tasks
    messages: Messages
    actions: Actions
    jobs: Jobs
    learner: LearnerProcess


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
