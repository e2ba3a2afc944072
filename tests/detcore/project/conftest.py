"""A small project, and what its tables hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.project.edits import add_class
from detcore.project.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Three images (640x480 known for the first), classes cat (1) and dog (2), no boxes."""
    folder = tmp_path / "pets.reticle"
    with Project.create(folder, image_root=tmp_path, image_paths=["a.jpg", "b.jpg", "sub/c.jpg"]) as project:
        project.edit(add_class, "cat")
        project.edit(add_class, "dog")
        project.record_image_sizes({1: (640, 480)})
        yield project
