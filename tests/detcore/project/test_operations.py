"""The journal keeps operations and their arguments; the words are made when they are shown."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detcore.project import operations
from detcore.project.edits import add_class, delete_class, merge_classes, update_class
from detcore.project.history import edits_since
from detcore.project.operations import WORDS, operation, words
from detcore.project.project import Project


def _stored(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "project.db") as connection:
        stored = [row[0] for row in connection.execute("SELECT text FROM edit ORDER BY id")]
    connection.close()
    return stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project in which classes were added, renamed, merged."""
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        for name in ("cat", "dog", "owl {bird}"):
            project.edit(add_class, name)
        cat, dog, owl = project.classes()
        project.edit(merge_classes, [cat.id, owl.id], dog.id)
        project.edit(delete_class, dog.id)
        return project.folder


def test_what_is_stored_is_the_operation_and_its_arguments(folder: Path) -> None:
    assert [json.loads(text) for text in _stored(folder)] == [
        {"op": "add_class", "name": "cat"},
        {"op": "add_class", "name": "dog"},
        {"op": "add_class", "name": "owl {bird}"},
        {"op": "merge_classes", "names": ["cat", "owl {bird}"], "target": "dog"},
        {"op": "delete_class", "name": "dog"},
    ]


def test_what_is_shown_are_words_also_after_a_restart(folder: Path) -> None:
    with Project.open(folder) as project:
        assert project.undo_text == "Delete class dog"
        undone = project.undo()
        assert undone is not None
        assert undone.text == project.redo_text == "Delete class dog"
        assert [entry.text for entry in edits_since(project, 0)] == [
            "Merge cat, owl {bird} into dog",
            "Add class owl {bird}",
            "Add class dog",
            "Add class cat",
        ]


def test_an_edit_made_before_is_told_in_the_words_of_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "WORDS", {**WORDS, "delete_class": "Klasse {name} löschen"})
    with Project.open(folder) as project:
        assert project.undo_text == "Klasse dog löschen"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (operation("move_boxes", count=1), "Move box"),
        (operation("move_boxes", count=12_345), "Move 12,345 boxes"),
        (operation("duplicate_boxes", count=1), "Duplicate box"),
        (operation("duplicate_boxes", count=2), "Duplicate 2 boxes"),
        (operation("paste_boxes", count=1), "Paste box"),
        (operation("import_dataset", name="Vögel.json"), "Import Vögel.json"),
        (operation("rename_class", old="{new}", new="b"), "Rename class {new} to b"),
        ("Move box", "Move box"),
        ("", ""),
        ('{"op" is what I call it', '{"op" is what I call it'),
    ],
)
def test_words_of_a_stored_text(text: str, shown: str) -> None:
    assert words(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"op": "turn_boxes", "degrees": 90}', "Turn boxes"),
        ('{"op": "rename_class", "old": "a"}', "Rename class"),
        ('{"op": "move_boxes"}', "Move boxes"),
        ('{"op": "move_boxes", "count": null}', '{"op": "move_boxes", "count": null}'),
        ('{"op": ["move_boxes"]}', '{"op": ["move_boxes"]}'),
        ('{"op": ', '{"op": '),
    ],
)
def test_what_a_later_version_or_a_damaged_disk_wrote_is_still_told(text: str, shown: str) -> None:
    assert words(text) == shown


@given(st.text())
def test_no_text_of_an_old_journal_stops_anything(text: str) -> None:
    assert isinstance(words(text), str)
    assert isinstance(words('{"op": ' + text), str)


def test_every_operation_has_words_for_one_and_for_many() -> None:
    for name in WORDS:
        for count in (1, 3):
            arguments = {"name": "n", "names": ["a", "b"], "target": "t", "flag": "crowd", "split": "val"}
            shown = words(operation(name, count=count, old="o", new="p", **arguments))
            assert "{" not in shown
            assert shown[0].isupper()


def test_every_operation_that_the_program_names_has_words() -> None:
    import re

    root = Path(__file__).parents[3]
    named = {
        name
        for folder in ("app", "detcore")
        for file in (root / folder).rglob("*.py")
        for name in re.findall(r'\boperation\(\s*"(\w+)"', file.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert named <= set(WORDS)


def test_a_class_that_is_changed_and_one_that_is_renamed_are_told_apart(tmp_path: Path) -> None:
    from dataclasses import replace

    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        project.edit(add_class, "cat")
        (cat,) = project.classes()
        assert project.edit(update_class, replace(cat, color="#123456")).text == "Change class cat"
        assert project.edit(update_class, replace(cat, name="lynx")).text == "Rename class cat to lynx"
