"""The services of the window, handed to each page by its constructor."""

from __future__ import annotations

from dataclasses import dataclass

from app.services.actions import Actions
from app.services.document import Document
from app.services.messages import Messages
from app.services.settings import Settings
from app.services.tasks import Tasks
from app.services.theme import Theme
from app.services.training_worker import Jobs
from app.services.view_state import ViewState


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
