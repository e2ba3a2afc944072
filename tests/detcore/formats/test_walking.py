"""Looking for files of a dataset."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detcore.formats.common.walking import files_below
from detcore.formats.registry import all_formats, recognise
from detcore.formats.sniffing import Sample


def test_hidden_things_projects_and_links_to_folders_are_passed_over(tmp_path: Path):
    source = tmp_path / "source"
    names = ("10.txt", "9.TXT", "sub/a.txt", "sub/b.xml", ".hidden.txt", ".git/c.txt", "p.reticle/d.txt")
    for name in (*names, "../elsewhere/e.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    try:
        (source / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (source / "broken.txt").symlink_to(tmp_path / "nothing")
    except OSError:
        pytest.skip("no right to make links")
    found = [path.relative_to(source).as_posix() for path in files_below(source, (".txt",))]
    assert found == ["9.TXT", "10.txt", "broken.txt", "sub/a.txt"]


def test_a_folder_that_cannot_be_read_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.txt", "locked/b.txt", "open/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    scandir = os.scandir

    def refuse_locked(path: str):
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_locked)
    assert [path.name for path in files_below(tmp_path, (".txt",))] == ["a.txt", "c.txt"]


def test_a_guess_at_the_format_does_not_wait_for_a_large_folder_to_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(60):
        (tmp_path / f"{number}.txt").touch()
    looked_at: list[str] = []

    class Entries:
        """A folder that says how much of it was read."""

        def __init__(self, path: str) -> None:
            self._entries = scandir(path)

        def __enter__(self) -> Entries:
            return self

        def __exit__(self, *_: object) -> None:
            self._entries.close()

        def __iter__(self):
            for entry in self._entries:
                looked_at.append(entry.name)
                yield entry

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Entries)
    sample = Sample(tmp_path)
    assert len(sample.files((".txt",))) == 20
    assert len(looked_at) == 20
    assert len(sample.files((".txt",))) == 20
    assert len(looked_at) == 20
    assert sample.files((".xml",)) == []
    assert sorted(looked_at) == sorted(os.listdir(tmp_path))


def test_a_folder_is_walked_once_for_all_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(30):
        (tmp_path / "deep" / str(number)).mkdir(parents=True)
        (tmp_path / "deep" / str(number) / "a.md").touch()
    listed: list[str] = []
    scandir = os.scandir

    def listing(path: str):
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listing)
    assert len([spec for spec in all_formats().values() if spec.reader]) > 1
    assert recognise(tmp_path).best is None
    assert len(listed) == len(set(listed)) == 32
