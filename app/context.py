"""The services of the window, handed to each page by its constructor."""

from __future__ import annotations

from dataclasses import dataclass

from app.actions import Actions
from app.document import Document
from app.messages import Messages
from app.settings import Settings
from app.tasks import Tasks
from app.theme import Theme
from app.training_worker import Jobs
from app.view_state import ViewState


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
