"""A full disk: which file it was and what to do is said, and nothing half done stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from detcore.atomic import atomic_write
from detcore.cli import main
from detcore.project.edits import add_boxes, add_class
from detcore.project.project import Project
from detcore.project.runs import create_run
from detcore.types import Box

FULL = os.strerror(errno.ENOSPC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images with a box each."""
    (tmp_path / "images").mkdir()
    names = [f"{number}.png" for number in range(10)]
    for name in names:
        cv2.imwrite(str(tmp_path / "images" / name), np.full((80, 100, 3), 99, np.uint8))
    folder = tmp_path / "pets.reticle"
    with Project.create(folder, image_root=tmp_path / "images", image_paths=names) as project:
        project.edit(add_class, "cat")
        boxes = [Box(id=0, image_id=n, class_id=1, x1=1, y1=1, x2=50, y2=50) for n in project.image_ids()]
        project.edit(add_boxes, boxes)
    Project.open(folder).close()  # the copy of today is there
    return folder


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be put on the disk any more, which says so without saying of which file it speaks."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, FULL)

    monkeypatch.setattr("detcore.atomic.os.fsync", fsync)


def tree(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not path.name.endswith(("-shm", "-wal"))
    )


@pytest.mark.usefixtures("full")
def test_a_file_that_cannot_be_written_is_named_as_the_user_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(OSError, match="No space") as caught, atomic_write(path) as temporary:
        temporary.write_text("new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_run_that_cannot_be_made_leaves_no_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    with Project.open(folder) as project:
        request.getfixturevalue("full")
        with pytest.raises(OSError, match="No space") as caught:
            create_run(project, "reticle-s")
        assert Path(caught.value.filename).name == "run.json"
        assert list(project.runs_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["train", "{}", "--epochs", "1"], "run.json"),
        (["crossval", "{}", "--epochs", "1", "--folds", "2"], "run.json"),
    ],
)
def test_a_training_that_has_no_room_says_of_what_and_leaves_nothing(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    words: list[str],
    file: str,
) -> None:
    request.getfixturevalue("full")
    assert main([word.format(folder) for word in words]) == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert file in told
    assert FULL in told
    assert "Free some space" in told
    assert list((folder / "runs").iterdir()) == []


def test_an_export_that_has_no_room_says_so_and_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(tmp_path)
    plain = Path.write_bytes

    def write_bytes(self: Path, data: bytes) -> int:
        if self.name == "reticle.json":
            raise OSError(errno.ENOSPC, FULL)
        return plain(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    for name in ("coco", "voc", "yolo"):
        out = tmp_path / "out"
        assert main(["export", str(folder), "--format", name, "--out", str(out)]) == 1
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert str(out) in told
        assert "Free some space" in told
        assert tree(tmp_path) == before
