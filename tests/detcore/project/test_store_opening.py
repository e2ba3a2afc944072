"""Making, opening, locking and moving a project; files of other versions and kinds."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from detcore.errors import ProjectError, ProjectLockedError, ProjectTooNewError
from detcore.project import migrations
from detcore.project.database import Database
from detcore.project.edits import add_boxes, add_class, change_setting
from detcore.project.project import Project
from tests.detcore.project.store_helpers import box, dump, turn_into_version

OPEN_ELSEWHERE = """
import sys
from pathlib import Path
from detcore.errors import ProjectLockedError
from detcore.project.project import Project
try:
    Project.open(Path(sys.argv[1])).close()
    print("opened")
except ProjectLockedError as error:
    print("locked", error)
with Project.open(Path(sys.argv[1]), read_only=True) as project:
    print(project.statistics().boxes)
"""


def elsewhere(folder: Path) -> list[str]:
    """What another process says that opens the project for writing, then for reading."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN_ELSEWHERE, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    return done.stdout.splitlines()


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_new_project_has_its_images_and_nothing_to_undo(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down" / "pets.reticle"
    with Project.create(folder, image_root=tmp_path / "images", image_paths=["b.jpg", "a/ü.jpg"]) as project:
        assert project.name == "pets"
        assert project.folder == folder
        assert project.image_root == tmp_path / "images"
        assert [image.path for image in project.images()] == ["b.jpg", "a/ü.jpg"]
        assert project.undo_text is None
        assert project.runs_folder.is_dir()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["pets.reticle"]


def test_a_project_is_never_made_over_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    Project.create(folder, image_root=tmp_path).close()
    before = files_of(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for taken in (folder, tmp_path / "full", tmp_path / "file"):
        with pytest.raises(ProjectError, match="already something here"):
            Project.create(taken, image_root=tmp_path)
    assert files_of(folder) == before
    (tmp_path / "empty").mkdir()
    Project.create(tmp_path / "empty", image_root=tmp_path).close()


def test_a_project_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="leaves the image folder"):
        Project.create(tmp_path / "p.reticle", image_root=tmp_path, image_paths=["a.jpg", "../b.jpg"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError, match="cannot make the project"):
        Project.create(tmp_path / "file" / "p.reticle", image_root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("content", [None, b"", b"hello", b"SQLite format 3\0" + bytes(84)])
def test_what_is_no_project_is_refused_and_not_touched(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "p.reticle"
    folder.mkdir()
    if content is not None:
        (folder / "project.db").write_bytes(content)
    before = files_of(folder)
    with pytest.raises(ProjectError, match="not a Reticle project|no Reticle project"):
        Project.open(folder)
    assert files_of(folder) == before


def test_a_damaged_project_is_told_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    Project.create(folder, image_root=tmp_path, image_paths=[f"{n}.jpg" for n in range(5000)]).close()
    path = folder / "project.db"
    data = bytearray(path.read_bytes())
    data[4096:] = bytes([7]) * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(ProjectError, match="the database is damaged.*Nothing was written"):
        Project.open(folder)


def test_a_project_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    Project.create(folder, image_root=tmp_path).close()
    with sqlite3.connect(folder / "project.db") as connection:
        connection.execute(f"PRAGMA user_version = {migrations.SCHEMA_VERSION + 1}")
    connection.close()
    before = files_of(folder)
    for read_only in (False, True):
        with pytest.raises(ProjectTooNewError, match="newer Reticle"):
            Project.open(folder, read_only=read_only)
    assert files_of(folder) == before


def _make_old(folder: Path) -> None:
    """The file as version 1 left it."""
    Project.create(folder, image_root=folder.parent, image_paths=["a.jpg"]).close()
    turn_into_version(1, folder)


def test_edits_with_settings_keep_a_reticle_away_that_does_not_know_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p.reticle"
    _make_old(folder)
    with Project.open(folder) as project:
        project.edit(change_setting, "labels", {"by": "me"}, text="Import")
        assert project.undo() is not None
    assert (folder / "project.db.v1.backup").is_file()
    monkeypatch.setattr(migrations, "MIGRATIONS", {})
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 1)
    with pytest.raises(ProjectTooNewError, match="newer Reticle"):
        Project.open(folder)


def test_an_older_file_with_the_same_tables_can_be_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p.reticle"
    _make_old(folder)
    with Project.open(folder, read_only=True) as project:
        assert project.image_ids() == [1]
    assert not list(folder.glob("*.backup"))
    monkeypatch.setattr(migrations, "MIGRATIONS", {1: "ALTER TABLE image ADD COLUMN note TEXT"})
    with pytest.raises(ProjectError, match="older version 1"):
        Project.open(folder, read_only=True)


def test_an_older_file_is_brought_up_to_date_after_a_copy_was_made(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    Project.create(folder, image_root=tmp_path, image_paths=["a.jpg"]).close()
    database = Database(folder / "project.db", read_only=False)
    now = migrations.SCHEMA_VERSION
    steps = {now: "ALTER TABLE image ADD COLUMN note TEXT", now + 1: "UPDATE image SET note = 'two; steps'"}
    database.upgrade(steps)
    with database.read() as connection:
        assert connection.execute("SELECT note FROM image").fetchall() == [("two; steps",)]
        assert migrations.version_of(connection) == now + 2
    database.close()
    copy = sqlite3.connect(folder / f"project.db.v{now}.backup")
    assert migrations.version_of(copy) == now
    assert copy.execute("SELECT path FROM image").fetchall() == [("a.jpg",)]
    copy.close()


def test_a_step_that_fails_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "p.reticle"
    Project.create(folder, image_root=tmp_path, image_paths=["a.jpg"]).close()
    database = Database(folder / "project.db", read_only=False)
    with pytest.raises(ProjectError):
        database.upgrade({migrations.SCHEMA_VERSION: "DELETE FROM image; SELECT nonsense FROM nowhere"})
    database.close()
    with Project.open(folder) as project:
        assert project.image_ids() == [1]


def test_a_second_writer_is_refused_and_readers_see_what_is_committed(project: Project) -> None:
    project.edit(add_boxes, [box(), box()])
    words, count = elsewhere(project.folder)
    assert words.startswith("locked")
    assert "open in another Reticle" in words
    assert count == "2"
    with pytest.raises(ProjectLockedError):
        Project.open(project.folder)
    project.close()
    assert elsewhere(project.folder) == ["opened", "2"]


def test_a_reader_follows_the_writer_and_never_writes(project: Project) -> None:
    with Project.open(project.folder, read_only=True) as reader:
        assert reader.read_only
        project.edit(add_boxes, [box()])
        assert len(reader.boxes(1)) == 1
        for action in (
            lambda: reader.edit(add_class, "hen"),
            reader.undo,
            lambda: reader.set_setting("a", 1),
        ):
            with pytest.raises(ProjectError, match="for reading only"):
                action()
        with pytest.raises(ProjectError, match="readonly"), reader.database.read() as connection:
            connection.execute("DELETE FROM box")
    assert len(project.boxes(1)) == 1


def test_reading_leaves_the_file_as_it_is(project: Project) -> None:
    project.edit(add_boxes, [box()])
    expected = dump(project)
    project.close()
    before = (project.folder / "project.db").read_bytes()
    with Project.open(project.folder, read_only=True) as reader:
        assert dump(reader) == expected
    assert (project.folder / "project.db").read_bytes() == before


def test_a_project_on_a_medium_that_cannot_be_written_is_read_without_a_log(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.edit(add_boxes, [box()])
    project.close()
    before = files_of(project.folder)
    monkeypatch.setattr("detcore.project.database.os.access", lambda _path, _mode: False)
    with Project.open(project.folder, read_only=True) as reader:
        assert len(reader.boxes(1)) == 1
        assert files_of(project.folder) == before


def test_a_project_is_opened_through_a_link(project: Project, tmp_path: Path) -> None:
    project.close()
    link = tmp_path / "link.reticle"
    link.symlink_to(project.folder, target_is_directory=True)
    with Project.open(link) as again:
        assert again.folder == project.folder
        with pytest.raises(ProjectLockedError):
            Project.open(project.folder)


def test_a_closed_project_says_so(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(ProjectError, match="closed"):
        project.image_ids()
    with pytest.raises(ProjectError, match="closed"):
        project.set_setting("a", 1)


def test_images_that_move_with_the_project_are_found_again(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "images").mkdir(parents=True)
    (old / "images" / "a.jpg").write_bytes(b"x")
    Project.create(old / "p.reticle", image_root=old / "images", image_paths=["a.jpg"]).close()
    shutil.move(old, tmp_path / "new")
    with Project.open(tmp_path / "new" / "p.reticle") as project:
        assert project.image_path(project.image(1)).read_bytes() == b"x"


def test_the_image_root_can_be_pointed_elsewhere(project: Project, tmp_path: Path) -> None:
    project.set_image_root(tmp_path / "moved")
    assert project.image_path(project.image(3)) == tmp_path / "moved" / "sub" / "c.jpg"
    project.close()
    with Project.open(project.folder) as again:
        assert again.image_root == tmp_path / "moved"


def test_a_full_disk_is_told_and_loses_nothing(project: Project) -> None:
    project.edit(add_boxes, [box()])
    before = dump(project)
    with project.database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [box(extra={"pad": "x" * 500}) for _ in range(2000)]
    with pytest.raises(ProjectError, match="disk is full.*Free some space"):
        project.edit(add_boxes, many)
    assert dump(project) == before
    with project.database.read() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 10000}")
    project.edit(add_boxes, many)
    assert len(project.boxes(1)) == 2001
