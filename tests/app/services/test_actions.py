"""Actions ask whether they may be used, no oftener than they have to."""

from __future__ import annotations

import pytest

from app.export.action_specs import EXPORT_ACTIONS
from app.label.action_specs import LABEL_ACTIONS
from app.review.action_specs import REVIEW_ACTIONS
from app.services.actions import Actions, ActionSpec
from app.services.context import AppContext
from app.shell.action_specs import GLOBAL_ACTIONS, all_actions
from app.train.action_specs import TRAIN_ACTIONS


def test_actions_that_are_held_are_asked_once_at_the_end(context: AppContext) -> None:
    asked: list[int] = []
    actions = Actions(all_actions(), context.theme)
    actions.bind("global.undo", lambda: None, when=lambda: bool(asked.append(1)) or True)
    asked.clear()
    with actions.held(), actions.held():
        actions.refresh()
        actions.refresh()
        assert not asked
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("scope", "specs"),
    [
        ("global", GLOBAL_ACTIONS),
        ("label", LABEL_ACTIONS),
        ("train", TRAIN_ACTIONS),
        ("review", REVIEW_ACTIONS),
        ("export", EXPORT_ACTIONS),
    ],
)
def test_a_page_declares_its_own_actions_alone(scope: str, specs: tuple[ActionSpec, ...]) -> None:
    assert {spec.scope for spec in specs} == {scope}


def test_no_two_actions_have_one_id() -> None:
    ids = [spec.id for spec in all_actions()]
    assert sorted(set(ids)) == sorted(ids)
