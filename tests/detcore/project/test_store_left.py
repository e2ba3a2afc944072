"""A database that was left whole today is not looked through again, unless anything has happened to the file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from detcore.errors import ProjectDamagedError
from detcore.project import copies, health
from detcore.project.edits import add_class
from detcore.project.project import Project

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Opened and closed once today, with an edit."""
    Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a.png"]).close()
    with Project.open(tmp_path / "p.reticle") as project:
        project.edit(add_class, "cat")
    return tmp_path / "p.reticle"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The databases that were looked through."""
    looked: list[Path] = []
    check = health.check_file

    def watched(path: Path) -> None:
        looked.append(path)
        check(path)

    monkeypatch.setattr(health, "check_file", watched)
    return looked


def test_what_was_left_whole_is_opened_without_a_look_at_every_page(folder: Path, checks: list[Path]) -> None:
    for _ in range(2):
        with Project.open(folder) as project:
            project.edit(add_class, f"class {project.undo_text}")
    assert checks == []


def a_write(folder: Path) -> Path:
    database = folder / "project.db"
    database.write_bytes(database.read_bytes())
    return folder


def a_write_that_hides(folder: Path) -> Path:
    database = folder / "project.db"
    found = database.stat()
    database.write_bytes(database.read_bytes())
    os.utime(database, ns=(found.st_atime_ns, found.st_mtime_ns))
    return folder


def a_copy(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.with_name("q.reticle")))


def a_new_day(folder: Path) -> Path:
    for copy in copies.list_copies(folder):
        copy.path.unlink()
    return folder


def an_empty_cache(folder: Path) -> Path:
    shutil.rmtree(folder / "cache")
    return folder


def a_damaged_note(folder: Path) -> Path:
    (folder / "cache" / "left.json").write_text("[" * 10_000)
    return folder


def a_kill(folder: Path) -> Path:
    script = (
        "import os, sys; from pathlib import Path; from detcore.project.edits import add_class\n"
        "from detcore.project.project import Project\n"
        "project = Project.open(Path(sys.argv[1])); project.edit(add_class, 'dog'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=False)
    return folder


@pytest.mark.parametrize(
    "event", [a_write, a_write_that_hides, a_copy, a_new_day, an_empty_cache, a_damaged_note, a_kill]
)
def test_whatever_happens_to_the_file_has_it_looked_through_again(
    folder: Path, checks: list[Path], event: Callable[[Path], Path]
) -> None:
    changed = event(folder)
    Project.open(changed).close()
    assert checks == [changed / "project.db"]


def test_a_file_in_which_damage_was_met_is_not_left_as_whole(folder: Path, checks: list[Path]) -> None:
    project = Project.open(folder)
    with pytest.raises(ProjectDamagedError), project.database.read() as connection:
        connection.execute("SELECT * FROM no_such_table")
    project.close()
    Project.open(folder).close()
    assert checks == [folder / "project.db"]
