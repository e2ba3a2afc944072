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
from tests.detcore.project.kill_child import SETUP_EDITS, boxes_after, edits_so_far

ROOT = Path(__file__).parents[3]
KILLS = 50


def edit_until_killed(folder: Path, seconds: float) -> int:
    """Let a process edit, kill it after its first edit and some time; returns the last edit that it reported."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.detcore.project.kill_child", str(folder)],
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
        reported = edit_until_killed(folder, chance.uniform(0.0, 0.05))
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
    reported = edit_until_killed(folder, 0.02)
    with Project.open(folder, read_only=True) as project:
        assert reported <= edits_so_far(project) <= reported + 1
        assert {(box.x1, box.y1) for box in project.boxes(1)} == boxes_after(edits_so_far(project))
