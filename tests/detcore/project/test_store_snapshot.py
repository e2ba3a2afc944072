"""A snapshot is the project at one moment, and survives its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detcore.errors import ProjectError
from detcore.project.edits import add_boxes, set_split, set_status, update_class
from detcore.project.project import Project
from detcore.project.snapshot import Snapshot, take_snapshot
from detcore.types import GroundTruth, ObjectClass, Status
from tests.detcore.project.store_helpers import box

COLUMNS = ("ids", "image_ids", "labels", "boxes", "areas", "crowd", "difficult")


def assert_equal(first: GroundTruth, second: GroundTruth) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
        assert getattr(first, name).dtype == getattr(second, name).dtype


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    """a: train, two boxes; b: train, verified and empty; c: val, nobody has looked."""
    project.edit(
        update_class, ObjectClass(id=1, name="Kätzchen", color="#112233", source_id=90, extra={"k": [1, "ü"]})
    )
    project.edit(add_boxes, [box(1, 1, crowd=True), box(1, 2, extra={"area": 3.25})])
    project.edit(set_status, [2], Status.VERIFIED)
    project.edit(set_split, {1: "train", 2: "train", 3: "val"})
    return take_snapshot(project)


def test_a_snapshot_holds_what_the_project_held(project: Project, snapshot: Snapshot) -> None:
    assert snapshot.classes == tuple(project.classes())
    assert [image.path for image in snapshot.images] == [
        str(project.image_path(image)) for image in project.images()
    ]
    first = snapshot.images[0]
    assert (first.id, first.width, first.height, first.split) == (1, 640, 480, "train")
    assert snapshot.images[1].width is None
    assert_equal(snapshot.ground_truth, project.ground_truth())
    project.edit(add_boxes, [box(3)])
    assert len(snapshot.ground_truth) == 2


def test_images_that_nobody_looked_at_are_not_negatives(snapshot: Snapshot) -> None:
    assert [image.id for image in snapshot.labelled_images] == [1, 2]
    assert [image.id for image in snapshot.labelled().images] == [1, 2]


def test_a_part_of_a_snapshot_has_the_boxes_of_its_images_only(snapshot: Snapshot) -> None:
    train, val = snapshot.only([1, 2]), snapshot.only([3])
    assert [image.id for image in train.images] == [1, 2]
    assert len(train.ground_truth) == 2
    assert [image.id for image in val.images] == [3]
    assert len(val.ground_truth) == len(val.labelled_images) == 0
    assert snapshot.only([]).images == ()
    assert val.classes == snapshot.classes


def test_a_snapshot_comes_back_from_its_file(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.npz"
    snapshot.save(path)
    loaded = Snapshot.load(path)
    assert loaded.classes == snapshot.classes
    assert loaded.images == snapshot.images
    assert_equal(loaded.ground_truth, snapshot.ground_truth)
    assert [file.name for file in tmp_path.glob("*.npz*")] == ["snapshot.npz"]


def test_an_empty_snapshot_comes_back_too(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        take_snapshot(project).save(tmp_path / "s.npz")
    assert Snapshot.load(tmp_path / "s.npz").images == ()


def test_what_is_no_snapshot_is_refused(tmp_path: Path, snapshot: Snapshot) -> None:
    path = tmp_path / "s.npz"
    with pytest.raises(ProjectError, match="missing"):
        Snapshot.load(path)
    snapshot.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ProjectError, match="damaged"):
        Snapshot.load(path)
    np.savez(
        path, record=np.frombuffer(b"{}", np.uint8), **{n: getattr(snapshot.ground_truth, n) for n in COLUMNS}
    )
    with pytest.raises(ProjectError, match="not a snapshot"):
        Snapshot.load(path)


def test_a_path_that_leaves_the_root_never_reaches_a_worker(project: Project) -> None:
    with project.database.write() as connection:
        connection.execute("UPDATE image SET path = '../../secret.jpg' WHERE id = 2")
    with pytest.raises(ProjectError, match="leaves the image folder"):
        take_snapshot(project)
