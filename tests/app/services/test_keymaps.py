"""The user's own keys lie over those of a preset; what is damaged in the settings is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.keymaps import KEYMAPS, KeyMap, portable_key, read_bindings, write_bindings
from app.shell.action_specs import all_actions

ALL = KeyMap(
    {spec.id: spec.keys for spec in all_actions()}, frozenset(spec.id for spec in all_actions() if spec.fixed)
)
IDS = [spec.id for spec in all_actions() if not spec.fixed]
SOME_KEYS = ["G", "Q", "Ctrl+D", "D", "Space", "Ctrl+K", "Shift+G"]


def test_only_what_differs_from_the_preset_is_kept() -> None:
    bound = ALL.bind("label.verify", ("G",))
    assert bound.own == {"label.verify": ("G",)}
    assert bound.bind("label.verify", ("Space",)).own == {}


def test_a_key_taken_from_another_action_is_that_of_one_alone() -> None:
    bound = ALL.bind("label.copy", ("Ctrl+D",))
    assert ALL.holders("label.copy", "Ctrl+D") == ["label.duplicate"]
    assert bound.keys("label.duplicate") == ()
    back = bound.bind("label.duplicate", ("Ctrl+D",))
    assert back.keys("label.duplicate") == ("Ctrl+D",)
    assert back.keys("label.copy") == ()


def test_a_key_of_another_page_is_no_conflict_and_one_of_the_window_is() -> None:
    assert ALL.holders("train.resume", "Space") == []
    assert ALL.holders("train.resume", "Ctrl+K") == ["global.palette"]
    assert ALL.holders("global.divide", "Space") == ["label.verify", "review.next"]


@pytest.mark.parametrize("preset", KEYMAPS)
@given(st.lists(st.tuples(st.sampled_from(IDS), st.sets(st.sampled_from(SOME_KEYS))), max_size=6))
def test_no_key_does_two_things_on_a_page_whatever_the_user_binds(
    preset: str, steps: list[tuple[str, set[str]]]
) -> None:
    bound = KeyMap(ALL.declared, ALL.fixed, preset)
    for action_id, keys in steps:
        bound = bound.bind(action_id, tuple(sorted(keys)))
        assert bound.keys(action_id) == tuple(sorted(keys))
    for page in ("label", "train", "review", "export"):
        here = [spec.id for spec in all_actions() if spec.scope in ("global", page)]
        keys = [key for action_id in here for key in bound.keys(action_id)]
        assert len(keys) == len(set(keys))
    assert read_bindings(write_bindings(bound.own), bound) == (bound.own, [])


def test_own_keys_lie_over_every_preset() -> None:
    own = {"label.fit": ("N",)}
    assert KeyMap(ALL.declared, ALL.fixed, "reticle", own).keys("label.draw_tool") == ("W", "R")
    cvat = KeyMap(ALL.declared, ALL.fixed, "CVAT", own)
    assert cvat.keys("label.fit") == ("N",)
    assert cvat.keys("label.draw_tool") == ()  # CVAT draws with N


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ["They cannot be read."]),
        ("[" * 100_000, ["They cannot be read."]),
        ("[]", ["They cannot be read."]),
        ('{"label.verify": "G"}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": [7]}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": ["Hyper+G"]}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": ["\\ud800"]}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": ["Ctrl+X, G"]}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": ["G", "G"]}', ["label.verify: Its keys cannot be read."]),
        ('{"label.verify": ["Esc"]}', ["label.verify: Esc is for fields and dialogs."]),
        ('{"label.verify": ["Alt+F"]}', ["label.verify: Alt+F is for menus."]),
        ('{"label.verify": ["F2"]}', ["label.verify: F2 edits a class in its list."]),
        ('{"label.verify": ["3"]}', ["label.verify: 3 is the key of a class."]),
        ('{"label.class_1": ["G"]}', ["label.class_1: G is the key of a class."]),
        ('{"label.copy": ["G"], "label.verify": ["G"]}', ["label.verify: G is that of label.copy."]),
    ],
)
def test_what_cannot_be_used_of_the_settings_is_left_out_and_named(text: str, told: list[str]) -> None:
    own, problems = read_bindings(text, ALL)
    assert problems == told
    assert "label.verify" not in own
    assert set(own) <= {"label.copy"}


def test_what_is_sound_beside_it_is_used() -> None:
    text = json.dumps({"label.gone": ["G"], "label.verify": ["ctrl+space"], "label.copy": []})
    own, problems = read_bindings(text, ALL)
    assert own == {"label.gone": ("G",), "label.verify": ("Ctrl+Space",), "label.copy": ()}
    assert not problems


def test_keys_of_a_tool_that_is_not_installed_are_kept_and_take_none() -> None:
    key = ALL.preset_keys("label.fit")[0]
    own, _ = read_bindings(json.dumps({"label.gone": [key]}), ALL)
    bound = replace(ALL, own=own).bind("label.verify", ("Ctrl+Space",))
    assert bound.own == {"label.gone": (key,), "label.verify": ("Ctrl+Space",)}
    assert key in bound.keys("label.fit")


@pytest.mark.parametrize("text", ["Shift", "Ctrl+Shift", "Ctrl+", "", "nonsense"])
def test_a_modifier_alone_is_no_key(text: str) -> None:
    assert portable_key(text) == ""
