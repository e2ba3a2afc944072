"""What keeps images in one split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detcore.cli.main import main
from detcore.curation.grouping import groups_of
from detcore.errors import ConfigError
from detcore.project.project import Project
from detcore.project.splits import GroupBy, Grouping

NAMES = ("anna_1.jpg", "anna_2.jpg", "ben/ben_1.jpg", "ben/ben_2.jpg", "other.jpg")


def photo(path: Path, *, taken: str = "", seed: int = 0) -> None:
    """A picture that looks like no other, with the moment it was taken as a camera writes it."""
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    image.save(path, exif=exif.tobytes(), quality=95)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "photos"
    root.mkdir()
    for number, name in enumerate(NAMES):
        photo(root / name, seed=number)
    with Project.create(tmp_path / "p.reticle", image_root=root, image_paths=NAMES) as project:
        yield project


def named(project: Project, groups: dict[int, str]) -> dict[str, str]:
    return {image.path: groups[image.id] for image in project.images() if image.id in groups}


def test_images_of_a_folder_belong_together(project: Project) -> None:
    groups = named(project, groups_of(project, Grouping(by=GroupBy.FOLDER)))
    assert groups == {name: "ben" if name.startswith("ben/") else "." for name in NAMES}


def test_images_with_the_same_part_of_the_path_belong_together(project: Project) -> None:
    groups = named(project, groups_of(project, Grouping(by=GroupBy.PATTERN, pattern=r"([a-z]+)_\d")))
    assert groups == {
        "anna_1.jpg": "anna",
        "anna_2.jpg": "anna",
        "ben/ben_1.jpg": "ben",
        "ben/ben_2.jpg": "ben",
    }


def test_photos_that_were_taken_shortly_after_each_other_belong_together(project: Project) -> None:
    times = ("2024:05:01 10:00:00", "2024:05:01 10:00:59", "2024:05:01 10:00:10", "2024:05:01 10:05:00")
    for number, (name, taken) in enumerate(zip(NAMES, times, strict=False)):
        photo(project.image_root / name, taken=taken, seed=number)
    groups = named(project, groups_of(project, Grouping(by=GroupBy.TIME, gap=60)))
    assert groups["anna_1.jpg"] == groups["anna_2.jpg"]
    assert len(set(groups.values())) == 3  # another folder is another camera, 290 s are a pause
    assert "other.jpg" not in groups  # nothing says when it was taken


def test_images_that_look_the_same_belong_together(project: Project) -> None:
    photo(project.image_root / "anna_2.jpg", seed=0)
    groups = named(project, groups_of(project, Grouping(by=GroupBy.DUPLICATES)))
    assert set(groups) == {"anna_1.jpg", "anna_2.jpg"}


@pytest.mark.parametrize("pattern", ["", "(", "*a"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match="pattern"):
        Grouping(by=GroupBy.PATTERN, pattern=pattern)


def test_the_command_keeps_folders_together(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project.folder
    project.close()
    words = ["split", str(folder), "--ratios", "0.5", "0.5", "0", "--group-by", "folder", "--stratify"]
    assert main(words) == 0
    assert "2 groups of images kept together" in capsys.readouterr().out
    with Project.open(folder) as again:
        splits = {image.path: image.split for image in again.images()}
    assert splits["ben/ben_1.jpg"] == splits["ben/ben_2.jpg"] != splits["other.jpg"]
