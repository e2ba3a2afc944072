"""Nothing that was acknowledged is lost when the process is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detcore.project.edits import add_class
from detcore.project.project import Project
from tests.detcore.project.kill_child import ARRIVING, SETUP_EDITS, boxes_after, edits_so_far
from tests.detcore.project.store_helpers import dump

ROOT = Path(__file__).parents[3]
KILLS = 50
KILLED_IMPORTS = 24


def work_until_killed(folder: Path, seconds: float, work: str = "edit") -> int:
    """Let a process work, kill it after its first report and some time; returns the last number that it reported."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.detcore.project.kill_child", str(folder), work],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(seconds)
        child.kill()
        lines += child.stdout.readlines()
    assert child.returncode != 0
    return int(next(line for line in reversed(lines) if line.endswith(b"\n")))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_every_acknowledged_edit_outlives_sigkill(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path, image_paths=["a.jpg"]) as project:
        project.edit(add_class, "cat")
    chance = random.Random(1)
    for _ in range(KILLS):
        reported = work_until_killed(folder, chance.uniform(0.0, 0.05))
        with Project.open(folder) as project:  # the lock of the dead process does not block
            done = edits_so_far(project)
            assert reported <= done <= reported + 1  # the kill may come between the commit and the word of it
            assert {(box.x1, box.y1) for box in project.boxes(1)} == boxes_after(done)
            with project.database.read() as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
                (edits,) = connection.execute("SELECT count(*) FROM edit").fetchone()
            assert edits == done + SETUP_EDITS
    with Project.open(folder) as project:
        while project.undo_text != "Add class cat":
            project.undo()
        assert project.boxes(1) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_project_left_by_a_kill_can_be_read_without_being_mended(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    with Project.create(folder, image_root=tmp_path, image_paths=["a.jpg"]) as project:
        project.edit(add_class, "cat")
    reported = work_until_killed(folder, 0.02)
    with Project.open(folder, read_only=True) as project:
        assert reported <= edits_so_far(project) <= reported + 1
        assert {(box.x1, box.y1) for box in project.boxes(1)} == boxes_after(edits_so_far(project))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_of_an_import_that_is_killed_all_or_nothing_is_there_and_one_undo_takes_it_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "p.reticle"
    old = [f"old/{number:03}.jpg" for number in range(200)]
    with Project.create(folder, image_root=tmp_path, image_paths=old) as project:
        project.edit(add_class, "cat")
        before = dump(project)
    chance = random.Random(1)
    seen: set[int] = set()
    both = {0, 2 * len([*old, *ARRIVING])}
    for number in range(5 * KILLED_IMPORTS):
        if number >= KILLED_IMPORTS and seen == both:
            break
        work_until_killed(folder, chance.uniform(0.0, 0.6), "import")
        if number % 3 == 0:
            continue  # the next process puts it in order, and may be killed at that
        with Project.open(folder) as project:
            seen.add(project.box_count())
            if project.undo_text == "Import birds":
                assert project.box_count() == max(both)
                project.undo()
            assert project.undo_text == "Add class cat"
            assert dump(project) == before
            with project.database.read() as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("SELECT count(*) FROM incoming").fetchone() == (0,)
    assert seen == both, "the kills came at no interesting moment"
