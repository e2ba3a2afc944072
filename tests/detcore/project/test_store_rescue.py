"""Ways out of a damaged project: what can still be read as a new one, and the daily copies."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from detcore.cli import main
from detcore.errors import ProjectDamagedError, ProjectError
from detcore.project import copies
from detcore.project.copies import find_copy, list_copies, make_daily_copy
from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project, go_back
from detcore.project.rescue import rescue
from tests.detcore.project.store_helpers import box, dump

PAGE = 4096


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """1,000 images, two classes, 3,000 boxes, a setting and a run."""
    folder = tmp_path / "pets.reticle"
    with Project.create(
        folder, image_root=tmp_path / "images", image_paths=[f"image {n:04d}.jpg" for n in range(1000)]
    ) as project:
        project.edit(add_class, "cat")
        project.edit(add_class, "dog")
        project.edit(add_boxes, [box(1 + n % 1000, 1 + n % 2) for n in range(3000)])
        project.set_setting("a", [1, 2])
    (folder / "runs" / "001-reticle-s").mkdir()
    (folder / "runs" / "001-reticle-s" / "run.json").write_text("{}")
    return folder


def pages_of(path: Path, table: str) -> list[int]:
    """The pages of a table's rows, counted from 0: those of its leaves. A page begins with its kind; 13 is a leaf
    of a table (sqlite.org/fileformat2.html). The rows are told by what only they hold."""
    data = path.read_bytes()
    mark = {"image": b".jpg", "box": b"human"}[table]
    return [
        number
        for number in range(1, len(data) // PAGE)
        if data[number * PAGE] == 13 and mark in data[number * PAGE : (number + 1) * PAGE]
    ]


def wipe(path: Path, page: int) -> None:
    with path.open("rb+") as file:
        file.seek(page * PAGE)
        file.write(bytes(PAGE))


def test_all_but_the_rows_of_a_wiped_page_is_rescued(large: Path, tmp_path: Path) -> None:
    with Project.open(large, read_only=True) as project:
        before = dump(project)
    path = large / "project.db"
    wipe(path, pages_of(path, "box")[3])
    damaged = path.read_bytes()
    done = rescue(large, tmp_path / "new.reticle")
    assert path.read_bytes() == damaged
    with Project.open(done.folder) as project:
        after = dump(project)
        assert project.get_setting("a") == [1, 2]
        assert project.image_root == tmp_path / "images"
        assert project.undo_text is None
    assert after["image"] == before["image"]
    assert after["class"] == before["class"]
    lost = set(before["box"]) - set(after["box"])
    assert set(after["box"]) < set(before["box"])
    ids = sorted(row[0] for row in lost)
    assert 20 <= len(ids) <= 100  # one page: some 60 rows of 60 bytes
    assert ids == list(range(ids[0], ids[-1] + 1))
    assert done.boxes == 3000 - len(lost)
    assert any(f"{len(lost)} rows of the table box cannot be read" in loss for loss in done.losses)
    assert (done.folder / "runs" / "001-reticle-s" / "run.json").read_text() == "{}"


def root_page(path: Path, table: str) -> int:
    """The page that a table begins on, counted from 0."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return connection.execute(query, (table,)).fetchone()[0] - 1


def test_no_more_rows_are_called_lost_than_ids_were_given_out(large: Path, tmp_path: Path) -> None:
    path = large / "project.db"
    wipe(path, root_page(path, "class"))
    done = rescue(large, tmp_path / "new.reticle")
    assert done.images == 1000
    assert "Up to 2 rows of the table class cannot be read." in done.losses
    wipe(path, root_page(path, "sqlite_sequence"))
    done = rescue(large, tmp_path / "newer.reticle")
    assert "Rows of the table class cannot be read; how many there were is not known." in done.losses


def test_boxes_of_images_that_are_lost_stay_behind_and_are_counted(large: Path, tmp_path: Path) -> None:
    path = large / "project.db"
    wipe(path, pages_of(path, "image")[2])
    done = rescue(large, tmp_path / "new.reticle")
    assert 0 < done.images < 1000
    assert done.boxes == 3 * done.images
    assert any("boxes belong to no image" in loss for loss in done.losses)
    with Project.open(done.folder) as project:  # whole, or it would not open
        assert project.box_count() == done.boxes


def first_page(data: bytearray) -> None:
    data[:PAGE] = bytes(PAGE)


def version(data: bytearray) -> None:
    data[60:64] = bytes(4)


def schema(data: bytearray) -> None:
    data[200:PAGE] = data[200:PAGE].replace(b"CREATE", b"\xff\xfeEATE")


@pytest.mark.parametrize("damage", [first_page, version, schema])
def test_a_damaged_head_costs_no_row(
    large: Path, tmp_path: Path, damage: Callable[[bytearray], None]
) -> None:
    path = large / "project.db"
    data = bytearray(path.read_bytes())
    damage(data)
    path.write_bytes(data)
    with pytest.raises(ProjectDamagedError):
        Project.open(large)
    done = rescue(large, tmp_path / "new.reticle")
    assert (done.images, done.classes, done.boxes) == (1000, 2, 3000)


def test_what_holds_nothing_is_told_and_nothing_is_made(large: Path, tmp_path: Path) -> None:
    path = large / "project.db"
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(ProjectError, match="nothing can be read"):
        rescue(large, tmp_path / "new.reticle")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["pets.reticle"]
    with pytest.raises(ProjectError, match="already something here"):
        rescue(large, large)


def test_opening_makes_a_copy_a_day_and_keeps_seven(large: Path) -> None:
    for day in range(1, 10):
        make_daily_copy(large / "project.db", date(2026, 1, day))
    days = [copy.day.day for copy in list_copies(large)]
    assert days == [9, 8, 7, 6, 5, 4, 3]
    with Project.open(large) as project:
        project.edit(add_class, "hen")
        assert project.copy_problem is None
    newest = list_copies(large)[0]
    assert newest.day == date.today()
    before = newest.path.read_bytes()
    with Project.open(large):
        assert newest.path.read_bytes() == before  # the first state of the day stays
    with closing(sqlite3.connect(newest.path)) as connection:
        assert connection.execute("SELECT count(*) FROM box").fetchone() == (3000,)
        assert connection.execute("SELECT count(*) FROM class").fetchone() == (2,)
    assert sorted(path.name for path in newest.path.parent.iterdir()) == sorted(
        copy.path.name for copy in list_copies(large)
    )


def test_a_damaged_database_is_never_copied_and_a_reader_copies_nothing(large: Path) -> None:
    with Project.open(large, read_only=True):
        assert not list_copies(large)
    wipe(large / "project.db", 5)
    with pytest.raises(ProjectDamagedError):
        Project.open(large)
    assert not list_copies(large)


def test_a_full_disk_keeps_nobody_from_opening_and_is_told(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with Project.open(large) as project:
        assert "Free some space" in str(project.copy_problem)
        assert "daily copies" in str(project.copy_problem)
    assert not list((large / "daily copies").iterdir())


def test_going_back_puts_the_copy_in_place_and_keeps_the_damaged_file(large: Path) -> None:
    Project.open(large).close()
    with Project.open(large) as project:
        project.edit(add_class, "hen")
    wipe(large / "project.db", 5)
    damaged = (large / "project.db").read_bytes()
    with pytest.raises(ProjectDamagedError, match=f"--copy {date.today().isoformat()}.*--out"):
        Project.open(large)
    aside = go_back(large, find_copy(large, None))
    assert (aside / "project.db").read_bytes() == damaged
    with Project.open(large) as project:
        assert [item.name for item in project.classes()] == ["cat", "dog"]
        assert project.box_count() == 3000


def test_a_copy_that_is_damaged_itself_is_not_put_in_place(large: Path) -> None:
    Project.open(large).close()
    wipe(list_copies(large)[0].path, 5)
    before = (large / "project.db").read_bytes()
    with pytest.raises(ProjectDamagedError):
        go_back(large, list_copies(large)[0])
    assert (large / "project.db").read_bytes() == before


def test_going_back_that_fails_leaves_all_as_it_was(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.open(large).close()
    names = sorted(path.name for path in large.iterdir())
    before = (large / "project.db").read_bytes()
    plain = os.rename

    def fails(source: Path, target: Path) -> None:
        if str(source).endswith(".part"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(source, target)

    monkeypatch.setattr(copies.os, "rename", fails)
    with pytest.raises(Exception, match="Free some space"):
        go_back(large, list_copies(large)[0])
    assert (large / "project.db").read_bytes() == before
    assert sorted(path.name for path in large.iterdir()) == names


def test_the_command_line_knows_both_ways(
    large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Project.open(large).close()
    wipe(large / "project.db", 5)
    assert main(["info", str(large)]) == 1
    told = capsys.readouterr().err
    assert f"rescue {large} --copy {date.today().isoformat()}" in told
    assert "--out" in told
    assert main(["rescue", str(large), "--out", str(tmp_path / "new")]) == 0
    assert "1,000 images" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "new.reticle")]) == 0
    assert main(["rescue", str(large), "--copy", "1999-01-01"]) == 1
    assert main(["rescue", str(large), "--copy"]) == 0
    assert main(["info", str(large)]) == 0
    shutil.rmtree(large / "daily copies")
    assert main(["rescue", str(large), "--copy"]) == 1
    assert "no daily copy" in capsys.readouterr().err


def test_a_rescue_makes_the_folder_that_its_project_goes_to_as_new_does(large: Path, tmp_path: Path) -> None:
    assert main(["rescue", str(large), "--out", str(tmp_path / "not/yet/there.reticle")]) == 0
    with Project.open(tmp_path / "not/yet/there.reticle", read_only=True) as project:
        assert project.image_ids()


def test_going_back_to_a_copy_does_not_call_a_whole_database_damaged(
    large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Project.open(large).close()  # makes the copy of the day
    assert main(["rescue", str(large), "--copy"]) == 0
    told = capsys.readouterr().out
    assert "the one of before lies in" in told
    assert "the damaged one" not in told


@pytest.mark.parametrize("words", [["--copy"], ["--copy", "2026-11-29"], ["--out", "new.reticle"]])
def test_a_folder_that_is_no_project_is_told_by_every_way_of_rescue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["rescue", str(tmp_path), *words]) == 1
    assert "there is no Reticle project here" in capsys.readouterr().err
