"""What an edit is called. The journal keeps an operation and its arguments; words are made of them when they are shown.

So what was done yesterday is told in today's words, and in the language of whoever reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from detcore.untrusted_json import fits, parse_json

WORDS: Mapping[str, str | tuple[str, str]] = {
    "accept_and_verify": ("Accept proposal and verify", "Accept {count} proposals and verify"),
    "accept_prediction": ("Accept prediction", "Accept prediction: {count} items"),
    "accept_proposals": ("Accept proposal", "Accept {count} proposals"),
    "add_boxes": ("Add box", "Add {count} boxes"),
    "add_class": "Add class {name}",
    "add_classes": ("Add {count} class", "Add {count} classes"),
    "add_images": ("Add image", "Add {count} images"),
    "assign_splits": "Assign splits",
    "bring_back_images": ("Bring back image", "Bring back {count} images"),
    "call_ambiguous": ("Ambiguous", "Ambiguous: {count} items"),
    "change_boxes": ("Change box", "Change {count} boxes"),
    "change_class": "Change class {name}",
    "change_class_of_boxes": "Change class",
    "delete_boxes": ("Delete box", "Delete {count} boxes"),
    "delete_class": "Delete class {name}",
    "delete_label": ("Delete label", "Delete label: {count} items"),
    "draw_box": "Draw box",
    "duplicate_boxes": ("Duplicate box", "Duplicate {count} boxes"),
    "give_verdict": "Give verdict",
    "ignore_item": ("Mark as difficult", "Mark as difficult: {count} items"),
    "import_dataset": "Import {name}",
    "keep_boxes_at_new_size": "Keep boxes at the new image size",
    "locate_images": ("Locate image", "Locate {count} images"),
    "make_sample": "Make the sample",
    "make_subset": "Take a part of {name}",
    "mark_boxes": "Mark {flag}",
    "mark_images_in_progress": "Mark as in progress",
    "mark_images_unseen": "Mark as unseen",
    "mark_images_verified": "Mark as verified",
    "merge_classes": "Merge {names} into {target}",
    "model_is_wrong": ("Model is wrong", "Model is wrong: {count} items"),
    "move_boxes": ("Move box", "Move {count} boxes"),
    "paste_boxes": ("Paste box", "Paste {count} boxes"),
    "put_duplicates_into_split": "Put near-duplicates into {split}",
    "reject_proposals": ("Reject proposal", "Reject {count} proposals"),
    "rejoin_images": ("Re-join image", "Re-join {count} images"),
    "remove_images": ("Remove image", "Remove {count} images"),
    "rename_class": "Rename class {old} to {new}",
    "reorder_classes": "Reorder classes",
    "resize_box": "Resize box",
    "scale_boxes_to_new_size": "Scale boxes to the new image size",
    "take_back_verdict": "Take back verdict",
    "take_box": ("Take box", "Take box: {count} items"),
    "take_from_files": ("Take the change of a label file", "Take the changes of {count} label files"),
    "take_class": ("Take class", "Take class: {count} items"),
    "tighten_boxes": ("Tighten box", "Tighten {count} boxes"),
    "unmark_boxes": "Unmark {flag}",
}
"""By operation; two where ``count`` is told from 2 on."""

_BEGINNING = '{"op": '


def operation(op: str, /, **arguments: str | int | Sequence[str]) -> str:
    """An operation as the journal keeps it: the text of an ``Edit``."""
    return json.dumps({"op": op, **arguments}, ensure_ascii=False)


_IMPORTS = ("import_dataset", "make_sample", "make_subset", "take_from_files")
_OLD_IMPORT = "Import "
"""How version 0.1 began the words of an import."""


def is_import(text: str) -> bool:
    """Whether an operation brings labels of somebody else, which is where cleaning begins."""
    beginnings = tuple(f'{_BEGINNING}"{name}"' for name in _IMPORTS)
    return text.startswith((*beginnings, _OLD_IMPORT))


def words(text: str) -> str:
    """What the text of an edit says: "Move 3 boxes".

    Journals of version 0.1, and callers that have no operation, give words, which are shown as they are. Of an
    operation of a later version the name is told.
    """
    if not text.startswith(_BEGINNING):
        return text
    try:
        read: Any = parse_json(text)
    except ValueError:
        return text
    arguments = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    if not isinstance(arguments.get("op"), str) or not all(
        fits(value, "str | int | list[str]") for value in arguments.values()
    ):
        return text
    name: str = arguments["op"]
    one, many = _templates(name)
    template = one if arguments.get("count") == 1 else many
    try:
        return template.format_map({key: _said(value) for key, value in arguments.items()})
    except KeyError:
        return _only(name)


def _templates(name: str) -> tuple[str, str]:
    """For one, and for many."""
    template = WORDS.get(name, _only(name).replace("{", "{{").replace("}", "}}"))
    return template if isinstance(template, tuple) else (template, template)


def _said(value: str | int | list[str]) -> str:
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else ", ".join(value)


def _only(name: str) -> str:
    return name.replace("_", " ").capitalize()
