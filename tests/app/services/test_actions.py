"""Actions ask whether they may be used, no oftener than they have to."""

from __future__ import annotations

from app.services.actions import Actions
from app.services.context import AppContext


def test_actions_that_are_held_are_asked_once_at_the_end(context: AppContext) -> None:
    asked: list[int] = []
    actions = Actions(context.theme)
    actions.bind("global.undo", lambda: None, when=lambda: bool(asked.append(1)) or True)
    asked.clear()
    with actions.held(), actions.held():
        actions.refresh()
        actions.refresh()
        assert not asked
    assert len(asked) == 1
