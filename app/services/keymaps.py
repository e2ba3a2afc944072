"""Which keys an action has: the user's own, over those of a preset, over those that the action declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtGui import QKeySequence

from detcore.untrusted_json import fits, parse_json

GLOBAL = "global"
Keys = tuple[str, ...]
"""Portable key sequences of one stroke each; the first is shown."""

KEYMAPS: Mapping[str, Mapping[str, Keys]] = {
    "reticle": {},
    "labelImg": {
        "label.draw_tool": ("W",),
        "label.edit_class": ("Ctrl+E",),
        "label.difficult": ("Ctrl+Shift+K",),
    },
    "labelme": {
        "label.draw_tool": ("Ctrl+R",),
        "label.toggle_verified": (),
        "label.actual_size": ("Ctrl+Shift+0",),
    },
    "X-AnyLabeling": {
        "label.draw_tool": ("R",),
        "label.edit_class": ("Ctrl+E",),
        "label.boxes": ("Ctrl+H",),
        "label.names": ("Ctrl+L",),
    },
    "CVAT": {
        "label.next_image": ("F",),
        "label.previous_image": ("D",),
        "label.fit": ("Ctrl+0",),
        "label.draw_tool": ("N",),
    },
}
"""The keys of other tools, where they are not those that the actions declare."""

_NO_KEYS = {"Shift", "Ctrl", "Control", "Alt", "AltGr", "Meta", "CapsLock", "NumLock", "ScrollLock"}
_OF_DIALOGS = {"Esc", "Return", "Enter", "Tab", "Backtab"}
_OF_CLASSES = {
    "F2": "edits a class in its list",
    "Alt+Up": "moves a class up",
    "Alt+Down": "moves a class down",
}


@dataclass(frozen=True)
class KeyMap:
    """The keys of all actions. What the user gave to one action no other has that works at the same time."""

    declared: Mapping[str, Keys]  # of every action, by id
    fixed: frozenset[str] = frozenset()  # actions whose keys stay as they are
    preset: str = "reticle"
    # only what differs from the preset; also that of tools that are not installed now
    own: Mapping[str, Keys] = field(default_factory=dict[str, Keys])

    def preset_keys(self, action_id: str) -> Keys:
        """What an action has if the user changes nothing."""
        return KEYMAPS.get(self.preset, {}).get(action_id, self.declared[action_id])

    def keys(self, action_id: str) -> Keys:
        if action_id in self.own:
            return self.own[action_id]
        others = [other for other in self.own if other in self.declared and _meet(action_id, other)]
        taken = {key for other in others for key in self.own[other]}
        return tuple(key for key in self.preset_keys(action_id) if key not in taken)

    def holders(self, action_id: str, key: str) -> list[str]:
        """The other actions that have a key where this one works."""
        return [
            other
            for other in self.declared
            if other != action_id and _meet(action_id, other) and key in self.keys(other)
        ]

    def why_not(self, action_id: str, key: str) -> str:
        """Why an action cannot have a key, "" if it can; what other actions have may be taken from them."""
        if key in self.preset_keys(action_id):
            return ""
        name = key_name(key)
        if action_id in self.fixed or self.fixed.intersection(self.holders(action_id, key)):
            return f"{name} is the key of a class."
        if key.removeprefix("Shift+") in _OF_DIALOGS:
            return f"{name} is for fields and dialogs."
        if key.startswith("Alt+") and len(key) == len("Alt+F"):
            return f"{name} is for menus."
        return f"{name} {_OF_CLASSES[key]}." if key in _OF_CLASSES else ""

    def bind(self, action_id: str, keys: Keys) -> KeyMap:
        """An action gets these keys and no others, whoever has them now."""
        own = {
            other: tuple(key for key in had if key not in keys or not _meet(action_id, other))
            for other, had in self.own.items()
        }
        bound = replace(self, own={**own, action_id: keys})
        for other in self.declared.keys() & bound.own.keys():
            without = replace(bound, own={name: had for name, had in bound.own.items() if name != other})
            if without.keys(other) == bound.keys(other):
                bound = without
        return bound


def _meet(one: str, other: str) -> bool:
    """Whether two actions work at the same time: on one page, or one of them everywhere."""
    scopes = {one.partition(".")[0], other.partition(".")[0]}
    return len(scopes) == 1 or GLOBAL in scopes


def portable_key(text: str) -> str:
    """A key as it is stored, "" for what is no key, or more than one."""
    sequence = QKeySequence.fromString(text)
    key = sequence.toString()
    return key if sequence.count() == 1 and key.split("+")[-1] not in _NO_KEYS else ""


def key_name(key: str) -> str:
    """A portable key as this system writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def read_bindings(text: str, key_map: KeyMap) -> tuple[dict[str, Keys], list[str]]:
    """The user's own keys from the settings, and why some of them cannot be used.

    Args:
        text: what ``write_bindings`` made, or what a hand or a damaged disk left of it.
        key_map: that of the actions that there are.
    """
    try:
        record: Any = parse_json(text) if text else {}
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return {}, ["They cannot be read."]
    key_map = replace(key_map, own={})
    problems: list[str] = []
    for action_id, texts in record.items():
        keys = tuple(portable_key(text) for text in texts) if fits(texts, "list[str]") else ("",)
        if problem := _problem(key_map, action_id, keys):
            problems.append(f"{action_id}: {problem}")
        else:
            key_map = replace(key_map, own={**key_map.own, action_id: keys})
    return dict(key_map.own), problems


def write_bindings(own: Mapping[str, Keys]) -> str:
    """What ``read_bindings`` reads."""
    return json.dumps(own) if own else ""


def _problem(key_map: KeyMap, action_id: str, keys: Keys) -> str:
    if "" in keys or len(set(keys)) < len(keys):
        return "Its keys cannot be read."
    if action_id not in key_map.declared:
        return ""
    for key in keys:
        for other in key_map.holders(action_id, key):
            if other in key_map.own:
                return f"{key_name(key)} is that of {other}."
        if reason := key_map.why_not(action_id, key):
            return reason
    return ""
