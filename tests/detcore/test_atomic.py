"""A file is the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detcore.atomic import atomic_write, remove_leftovers
from detcore.project.copies import FOLDER
from detcore.project.project import Project

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from detcore.atomic import atomic_write
number = 0
while True:
    with atomic_write(Path(sys.argv[1])) as temporary:
        temporary.write_text(f"{number}\\n" * 20000)
    print(number, flush=True)
    number += 1
"""


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for content in ("first", "second"):
        with atomic_write(path) as temporary:
            temporary.write_text(content)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_lies_in_the_same_folder_and_keeps_the_suffix(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "snapshot.npz") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".npz"
        assert temporary.name.startswith(".")
        temporary.touch()


def test_a_failure_leaves_the_old_content_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_a_bug_and_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(path):
        pass
    assert path.read_text() == "old"


def test_a_kill_never_leaves_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    for count in (1, 3, 8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as process:
            assert process.stdout is not None
            for _ in range(count):
                process.stdout.readline()
            process.kill()
        lines = path.read_text().splitlines()
        assert len(lines) == 20000
        assert len(set(lines)) == 1


def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "report.json"
    target.parent.mkdir()
    target.write_text("old")
    link = tmp_path / "report.json"
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_pipes_are_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        with atomic_write(pipe) as path:
            path.write_text("through")
        assert reader.communicate()[0] == b"through"
    assert pipe.is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no devices among its files")
@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/fd/1"])
def test_devices_and_open_files_are_never_replaced(name: str) -> None:
    """Standard output may be a regular file, of which the shell would go on writing the old one."""
    with atomic_write(Path(name)) as path:
        assert path == Path(name)  # fails inside of the block, so that a mistake replaces no device


def aged(path: Path, *, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_what_a_killed_process_left_half_written_goes_when_it_is_old_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    with atomic_write(tmp_path / "snapshot.npz") as temporary, atomic_write(tmp_path / "notes") as plain:
        names = temporary.name, plain.name
        temporary.touch()
        plain.touch()
    theirs = [
        tmp_path / name for name in (".hidden.part", "a.0123abcd.part.npz", ".a.0123abcx.part.npz", ".a.npz")
    ]
    for path in [tmp_path / name for name in names] + theirs:
        aged(path, seconds=4000)
    fresh = aged(tmp_path / ".a.0123abcd.part.npz", seconds=10)
    (tmp_path / ".folder.0123abcd.part").mkdir()
    kept = {*theirs, fresh, tmp_path / "snapshot.npz", tmp_path / "notes", tmp_path / ".folder.0123abcd.part"}
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == kept
    remove_leftovers(tmp_path / "nowhere")


def test_a_project_clears_up_when_it_is_opened_for_writing(tmp_path: Path) -> None:
    Project.create(tmp_path / "p.reticle", image_root=tmp_path).close()
    places = [
        tmp_path / "p.reticle" / name for name in ("", FOLDER, "runs/001-a", "runs/002-crossval/folds/1")
    ]
    left = [aged(place / ".last.0123abcd.part.safetensors", seconds=4000) for place in places]
    Project.open(tmp_path / "p.reticle", read_only=True).close()
    assert all(path.is_file() for path in left)
    Project.open(tmp_path / "p.reticle").close()
    assert not any(path.is_file() for path in left)
