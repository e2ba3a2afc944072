"""Lists, columns and counts; paths that are not trusted; many threads."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from detcore.errors import ProjectError
from detcore.project.edits import add_boxes, add_images, delete_boxes, remove_images, set_split, set_status
from detcore.project.project import Project
from detcore.project.reading import class_counts
from detcore.types import Image, Status
from tests.columns import ground_truth
from tests.detcore.project.store_helpers import box


def set_path(project: Project, image_id: int, path: str) -> None:
    """Write a path as a file from elsewhere might hold it."""
    with project.database.write() as connection:
        connection.execute("UPDATE image SET path = ? WHERE id = ?", (path, image_id))


def test_the_image_list_of_an_empty_project(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path) as project:
        listed = project.image_list()
        assert len(listed) == 0
        assert listed.ids.dtype == np.int64
        assert listed.box_counts.shape == (0,)
        assert len(project.ground_truth()) == 0
        assert project.ground_truth().boxes.shape == (0, 4)
        assert project.statistics().images == 0


def test_the_image_list_agrees_with_the_images(project: Project) -> None:
    project.edit(add_images, [Image(id=0, path=f"n{k}.jpg") for k in range(20)])
    project.edit(remove_images, [2, 5])
    project.edit(set_status, [1, 7], Status.VERIFIED)
    project.edit(set_status, [8], Status.IN_PROGRESS)
    project.edit(set_split, {1: "val", 3: "train", 9: "train"})
    project.edit(add_boxes, [box(1), box(7), box(7), box(22)])
    listed, images = project.image_list(), project.images()
    assert listed.ids.tolist() == project.image_ids() == [image.id for image in images]
    assert listed.paths == [image.path for image in images]
    assert [listed.status(row) for row in range(len(listed))] == [image.status for image in images]
    assert [listed.split(row) for row in range(len(listed))] == [image.split for image in images]
    assert {image.id: n for image, n in zip(images, listed.box_counts, strict=True) if n} == {
        1: 1,
        7: 2,
        22: 1,
    }


def test_ground_truth_columns_agree_with_the_boxes(project: Project) -> None:
    drawn = [box(2, 2), box(1, 1, crowd=True), box(2, 1, difficult=True), box(1, 2, extra={"area": 7.5})]
    project.edit(add_boxes, drawn)
    project.edit(delete_boxes, [project.boxes(2)[0].id])
    project.edit(add_boxes, [box(3), box(1)])
    for chosen in (None, [1], [3, 1], [2], []):
        columns = project.ground_truth(chosen)
        expected = ground_truth(project.all_boxes(chosen))
        for name in ("ids", "image_ids", "labels", "boxes", "areas", "crowd", "difficult"):
            found, wanted = getattr(columns, name), getattr(expected, name)
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted, err_msg=name)
    assert project.ground_truth().image_ids.tolist() == [1, 1, 1, 2, 3]


def test_an_area_that_is_no_number_does_not_count(project: Project) -> None:
    drawn = [box(extra={"area": area}) for area in ("big", None, True, -3, float("nan"))]
    project.edit(add_boxes, drawn)
    assert project.ground_truth().areas.tolist() == [40.0 * 40.0] * 5
    assert [item.extra["area"] for item in project.boxes(1)][:4] == ["big", None, True, -3]


def test_statistics_count_what_is_there(project: Project) -> None:
    project.edit(add_boxes, [box(1, 1), box(1, 1), box(2, 1)])
    project.edit(set_status, [3], Status.VERIFIED)
    project.edit(set_split, {1: "train", 2: "train"})
    found = project.statistics()
    assert (found.images, found.boxes, found.images_with_boxes) == (3, 3, 2)
    assert list(found.classes.items()) == [("cat", 3), ("dog", 0)]
    assert list(class_counts(project).items()) == [("cat", 3), ("dog", 0)]
    assert found.splits == {"train": 2}
    assert found.without_split == 1
    assert found.statuses == {Status.UNSEEN: 2, Status.IN_PROGRESS: 0, Status.VERIFIED: 1}


def test_images_come_in_the_order_of_asking(project: Project) -> None:
    assert [image.id for image in project.images([3, 1, 3])] == [3, 1, 3]
    with pytest.raises(ProjectError, match="image 4 is not in the project"):
        project.images([1, 4])
    assert project.image_ids_by_path() == {"a.jpg": 1, "b.jpg": 2, "sub/c.jpg": 3}


@pytest.mark.parametrize(
    "path", ["../x.jpg", "a/../../x.jpg", "/data/../etc/x.jpg", "..\\x.jpg", "a\0.jpg", ".."]
)
def test_a_stored_path_that_leaves_the_root_is_refused(project: Project, path: str) -> None:
    set_path(project, 2, path)
    with pytest.raises(ProjectError, match="not a usable image path"):
        project.image_path(project.image(2))
    with pytest.raises(ProjectError, match="not a usable image path"):
        add_images(project, [Image(id=0, path=path)])


@pytest.mark.parametrize("path", ["a..b.jpg", "..a/b.jpg", "ü/ö.jpg", "a b\n.jpg", "x.jpg"])
def test_odd_but_harmless_paths_are_found_below_the_root(project: Project, path: str) -> None:
    set_path(project, 2, path)
    assert project.image_path(project.image(2)) == project.image_root / path


def test_a_file_name_that_is_no_unicode_is_refused_by_name(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"bad.*udcff.*not valid Unicode"):
        add_images(project, [Image(id=0, path="ok.jpg"), Image(id=0, path="bad\udcff.jpg")])


def test_images_outside_of_the_root_are_stored_by_their_absolute_path(
    project: Project, tmp_path: Path
) -> None:
    outside = tmp_path.parent / "other" / "x.jpg"
    assert project.stored_path(tmp_path / "sub" / "y.jpg") == "sub/y.jpg"
    assert project.stored_path(outside) == outside.as_posix()
    project.edit(add_images, [Image(id=0, path=project.stored_path(outside))])
    assert project.image_path(project.images()[-1]) == outside


def test_reads_on_many_threads_while_one_writes(project: Project) -> None:
    stop = threading.Event()

    def look() -> int:
        seen = 0
        while not stop.is_set():
            with project.database.read():
                truth, listed = project.ground_truth(), project.image_list()
            assert len(truth) == listed.box_counts.sum()  # one state, though an edit came in between
            assert len(truth) % 3 == 0
            seen += 1
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(look) for _ in range(4)]
        for _ in range(60):
            project.edit(add_boxes, [box(1), box(2), box(3)])
            if len(project.boxes(1)) > 10:
                project.undo()
        stop.set()
        assert all(reader.result() for reader in readers)


def test_a_reader_does_not_wait_for_a_writer(project: Project) -> None:
    with ThreadPoolExecutor(1) as pool, project.database.write() as connection:
        connection.execute("UPDATE image SET split = 'train'")
        assert pool.submit(project.statistics).result(timeout=5).splits == {}


def test_writers_on_many_threads_take_turns(project: Project) -> None:
    def work(image_id: int) -> None:
        for _ in range(20):
            project.edit(add_boxes, [box(image_id)])

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work, image_id) for image_id in (1, 2, 3)]:
            done.result()
    assert project.image_list().box_counts.tolist() == [20, 20, 20]


def test_closing_waits_for_a_read_on_another_thread(project: Project) -> None:
    reading, proceed = threading.Event(), threading.Event()

    def slow() -> int:
        with project.database.read():
            reading.set()
            proceed.wait(10)
            return len(project.image_ids())

    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(slow)
        reading.wait(10)
        closer = pool.submit(project.close)
        proceed.set()
        assert reader.result(timeout=10) == 3
        closer.result(timeout=10)
    with pytest.raises(ProjectError, match="closed"):
        project.image_ids()


def test_connections_are_used_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counting(*args: object, **kwargs: object) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", counting)
    for _ in range(10):
        thread = threading.Thread(target=project.statistics)
        thread.start()
        thread.join()
    assert len(opened) <= 1
