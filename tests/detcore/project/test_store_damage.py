"""A damaged database: one sentence, and nothing is written to it."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.cli import main
from detcore.errors import ProjectDamagedError, ProjectError
from detcore.project.edits import add_boxes, add_class, change_setting, set_status
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.project.verdicts import add_verdicts, read_verdicts
from detcore.types import Status
from tests.detcore.project.store_helpers import box

PAGE = 4096


def some_bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(40):
        data[rng.randrange(len(data))] = rng.randrange(256)


def a_page(data: bytearray, rng: random.Random) -> None:
    page = rng.randrange(1, len(data) // PAGE)
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def a_letter(data: bytearray, rng: random.Random) -> None:
    places = [found.start() for found in re.finditer(b"in_progress|human|[.]png", data)]
    data[rng.choice(places)] = 0x29  # ")"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 60 small images with boxes, verdicts and a history."""
    root = tmp_path_factory.mktemp("whole")
    (root / "images").mkdir()
    names = [f"image {number:03d}.png" for number in range(60)]
    for name in names:
        cv2.imwrite(str(root / "images" / name), np.full((80, 100, 3), 99, np.uint8))
    folder = root / "pets.reticle"
    with Project.create(folder, image_root=root / "images", image_paths=names) as project:
        for name in ("cat", "dog"):
            project.edit(add_class, name)
        ids = project.image_ids()
        many = [
            box(number, 1 + number % 2, extra={"pose": "Left", "n": n}) for number in ids for n in range(4)
        ]
        project.edit(add_boxes, many)
        project.edit(set_status, ids[::2], Status.VERIFIED)
        project.edit(change_setting, "labels", {"coco": {"info": 1}}, text="Import")
        verdict = Verdict(
            id=0, image_id=1, run="001", kind=VerdictKind.DELETE, class_id=1, x1=1, y1=1, x2=5, y2=5
        )
        project.edit(add_verdicts, [verdict] * 30)
    return root


def damaged_copy(
    whole: Path, place: Path, damage: Callable[[bytearray, random.Random], None], seed: int
) -> Path:
    shutil.copytree(whole, place)
    path = place / "pets.reticle" / "project.db"
    data = bytearray(path.read_bytes())
    damage(data, random.Random(seed))
    path.write_bytes(data)
    return path


def complaint(path: Path) -> bool:
    """Whether SQLite itself finds fault with a file, asked without touching it."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return True


def edit(folder: Path) -> int:
    """What the window does: add, undo twice, redo; read all there is."""
    try:
        with Project.open(folder) as project:
            project.edit(add_class, "hen")
            read_verdicts(project)
            project.image_list(), project.all_boxes(), project.images(), project.statistics()
            for _ in range(5):
                project.undo()
            project.redo()
    except ProjectError:
        return 1
    return 0


@pytest.mark.parametrize("damage", [some_bytes, a_page, a_letter])
@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_database_is_told_in_one_sentence_and_not_written_to(
    whole: Path,
    tmp_path: Path,
    damage: Callable[[bytearray, random.Random], None],
    seed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, act in enumerate(
        (
            lambda folder, place: main(["info", str(folder)]),
            lambda folder, place: main(["split", str(folder), "--ratios", "0.5", "0.5", "0", "--replace"]),
            lambda folder, place: main(
                ["export", str(folder), "--format", "coco", "--out", str(place / "out")]
            ),
            lambda folder, place: edit(folder),
        )
    ):
        place = tmp_path / str(number)
        path = damaged_copy(whole, place, damage, seed)
        before, bad = path.read_bytes(), complaint(path)
        code = act(path.parent, place)
        assert code in (0, 1)
        told = capsys.readouterr().err
        assert "Traceback" not in told
        if bad:
            assert code == 1
            assert path.read_bytes() == before
            assert number == 3 or len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("word", [b"human", b"verified"])
def test_a_word_that_is_none_is_damage_at_once(whole: Path, tmp_path: Path, word: bytes) -> None:
    def damage(data: bytearray, _rng: random.Random) -> None:
        data[:] = data.replace(word, b")" * len(word))

    path = damaged_copy(whole, tmp_path / "p", damage, 0)
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(ProjectDamagedError, match="values that it cannot have"):
            Project.open(path.parent, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("PRAGMA user_version = 0", "version 0"),
        ("DELETE FROM meta", "place of the images"),
        ("DELETE FROM journal", "place in the history"),
        ("UPDATE box SET class_id = 77 WHERE id = 9", "a row of box belongs to nothing"),
        ("DROP TABLE setting", "no such table"),
        ("UPDATE image SET path = CAST(x'ff2e706e67' AS TEXT) WHERE id = 3", "UTF-8"),
        ("UPDATE box SET extra = '{' WHERE id = 3", "no JSON"),
        ("UPDATE verdict SET kind = 'hm'", "'hm' in the place of"),
    ],
)
def test_what_no_reticle_wrote_is_told_as_damage(whole: Path, tmp_path: Path, query: str, told: str) -> None:
    path = damaged_copy(whole, tmp_path / "p", lambda data, rng: None, 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(query)
    with pytest.raises(ProjectDamagedError, match=told) as caught, Project.open(path.parent) as project:
        project.get_setting("a"), project.images(), project.all_boxes(), read_verdicts(project)
    assert caught.value.path == str(path)
    assert "rescue" in str(caught.value)


def test_a_step_of_the_history_that_cannot_be_read_is_told_as_damage(whole: Path, tmp_path: Path) -> None:
    path = damaged_copy(whole, tmp_path / "p", lambda data, rng: None, 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE edit SET changes = x'00'")
    with Project.open(path.parent) as project:
        boxes = project.box_count()
        with pytest.raises(ProjectDamagedError, match="step of the history"):
            project.undo()
        assert project.box_count() == boxes
