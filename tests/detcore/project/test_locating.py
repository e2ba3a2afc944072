"""Images that are found again after their folder was moved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.errors import ProjectError
from detcore.project.locating import find_images_below, use_located
from detcore.project.project import Project

NAMES = ("train/1.jpg", "train/2.jpg", "test/1.jpg")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "old" / "photos"
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.reticle", image_root=root, image_paths=NAMES) as project:
        yield project


def contents(project: Project) -> list[str]:
    return [project.image_path(image).read_text() for image in project.images()]


@pytest.mark.parametrize("chosen", ["new/place", "new/place/train", "new", "."])
def test_the_folder_itself_one_above_and_one_below_all_lead_to_the_images(
    project: Project, root: Path, tmp_path: Path, chosen: str
) -> None:
    shutil.copytree(root, tmp_path / "new/place")
    shutil.rmtree(root)
    located = find_images_below(project, tmp_path / chosen)
    assert (located.found, located.total, located.paths) == (3, 3, {})
    use_located(project, located)
    assert project.image_root == tmp_path / "new/place"
    assert contents(project) == list(NAMES)


def test_images_that_were_put_into_other_folders_are_found_by_the_end_of_their_path(
    project: Project, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "new/a/train").mkdir(parents=True)
    (tmp_path / "new/b/test").mkdir(parents=True)
    shutil.move(root / "train/1.jpg", tmp_path / "new/a/train/1.jpg")
    shutil.move(root / "test/1.jpg", tmp_path / "new/b/test/1.jpg")
    located = find_images_below(project, tmp_path / "new")
    assert (located.found, located.missing, located.ambiguous) == (3, 0, 0)
    use_located(project, located)
    assert contents(project) == list(NAMES)
    project.undo()
    assert [image.path for image in project.images()] == list(NAMES)


def test_of_two_files_that_fit_as_well_none_is_chosen(project: Project, root: Path, tmp_path: Path) -> None:
    for place in ("x", "y"):
        (tmp_path / "new" / place).mkdir(parents=True)
        (tmp_path / "new" / place / "2.jpg").write_bytes(b"?")
    (root / "train/2.jpg").unlink()
    (root / "test/1.jpg").rename(tmp_path / "new/1.jpg")
    located = find_images_below(project, tmp_path / "new")
    assert (located.found, located.ambiguous) == (2, 1)


def test_a_folder_with_none_of_them_is_refused_and_changes_nothing(
    project: Project, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.rmtree(root)
    with pytest.raises(ProjectError, match=r"Look for train/1\.jpg"):
        find_images_below(project, tmp_path / "empty")


def test_the_command_says_how_many_were_found(
    project: Project, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root.rename(tmp_path / "moved")
    (tmp_path / "moved/train/2.jpg").unlink()
    project.close()
    assert main(["locate", str(project.folder), str(tmp_path / "moved")]) == 0
    assert "2 of 3 images found" in capsys.readouterr().out
    with Project.open(project.folder, read_only=True) as again:
        assert again.image_root == tmp_path / "moved"
