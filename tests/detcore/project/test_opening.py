"""Which project belongs to a folder of images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detcore.project.opening import named_as_project, open_path
from detcore.project.project import Project


def test_read_only_folders_of_one_name_get_projects_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for place in ("camera", "phone", "drone"):
        (tmp_path / place / "images").mkdir(parents=True)
        (tmp_path / place / "images" / f"{place}.jpg").touch()
    home = tmp_path / "home"
    monkeypatch.setattr(Path, "home", lambda: home)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: home in Path(path).parents and access(path, mode))
    for _ in range(2):
        for place, name in (("camera", "images"), ("phone", "images-2"), ("drone", "images-3")):
            with open_path(tmp_path / place / "images") as project:
                assert [image.path for image in project.images()] == [f"{place}.jpg"]
                assert project.folder == home / "Reticle" / f"{name}.reticle"


def test_projects_are_named_so_that_they_are_recognised(tmp_path: Path):
    assert named_as_project(tmp_path / "plain") == tmp_path / "plain.reticle"
    assert named_as_project(tmp_path / "v1.2") == tmp_path / "v1.2.reticle"
    assert named_as_project(tmp_path / "a.reticle") == tmp_path / "a.reticle"
    Project.create(tmp_path / "old", image_root=tmp_path).close()
    assert named_as_project(tmp_path / "old") == tmp_path / "old"
