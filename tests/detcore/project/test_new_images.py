"""What came into the folder: new files, renamed ones, and those that the user had taken out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from detcore.project.edits import add_boxes, add_class, add_images, delete_class, remove_images
from detcore.project.fingerprints import fingerprint, look_at_files
from detcore.project.new_images import add_unknown, look_for_news, rejoin
from detcore.project.project import Project
from detcore.project.removals import bring_back, find_removed, removed_paths
from detcore.types import Box, Image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files that hold what their names say."""
    root = tmp_path / "images"
    root.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        (root / name).write_bytes(name.encode() * 1000)
    return root


@pytest.fixture
def project(tmp_path: Path, folder: Path) -> Iterator[Project]:
    """All four images with a box each; their files have been looked at."""
    names = sorted(path.name for path in folder.iterdir())
    with Project.create(tmp_path / "p.reticle", image_root=folder, image_paths=names) as project:
        project.edit(add_class, "cell")
        project.edit(
            add_boxes,
            [Box(id=0, image_id=i, class_id=1, x1=i, y1=1, x2=i + 5, y2=9) for i in project.image_ids()],
        )
        look_at_files(project)
        yield project


def paths(project: Project) -> list[str]:
    return [image.path for image in project.images()]


def test_a_renamed_file_is_known_by_its_content_and_its_labels_go_with_it(
    project: Project, folder: Path
) -> None:
    (folder / "later").mkdir()
    (folder / "b.jpg").rename(folder / "later/renamed.jpg")
    (folder / "new.jpg").write_bytes(b"new")
    news = look_for_news(project)
    assert (news.renamed, news.new) == ({2: "later/renamed.jpg"}, ("new.jpg",))
    before = project.boxes(2)
    project.edit(rejoin, news.renamed)
    assert paths(project) == ["a.jpg", "later/renamed.jpg", "c.jpg", "d.jpg"]
    assert project.boxes(2) == before
    assert look_for_news(project).new == ("new.jpg",)
    project.undo()
    assert paths(project)[1] == "b.jpg"


def test_an_offer_to_re_join_that_is_taken_late_makes_no_file_two_images(
    project: Project, folder: Path
) -> None:
    look_at_files(project)
    first, second = project.images()[:2]
    for image in (first, second):
        (folder / image.path).rename(folder / f"renamed-{image.path}")
    renamed = look_for_news(project).renamed
    assert set(renamed) == {first.id, second.id}
    project.edit(add_unknown, (renamed[first.id],))
    project.edit(remove_images, [second.id])
    assert not project.edit(rejoin, renamed).images
    paths = [image.path for image in project.images()]
    assert paths.count(renamed[first.id]) == 1
    assert renamed[second.id] not in paths


def test_files_of_one_content_are_told_apart_by_their_names_or_not_at_all(
    project: Project, folder: Path
) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(b"the same")
    look_at_files(project)
    (folder / "sub").mkdir()
    (folder / "a.jpg").rename(folder / "sub/a.jpg")
    (folder / "b.jpg").rename(folder / "x.jpg")
    (folder / "c.jpg").rename(folder / "y.jpg")
    news = look_for_news(project)
    assert news.renamed == {1: "sub/a.jpg"}
    assert (news.ambiguous, news.new) == (("x.jpg", "y.jpg"), ())


def test_a_copy_of_an_image_that_is_still_there_is_new(project: Project, folder: Path) -> None:
    (folder / "copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    news = look_for_news(project)
    assert (news.new, news.renamed, news.ambiguous) == (("copy.jpg",), {}, ())


def test_large_files_of_one_length_are_not_taken_for_one_another(tmp_path: Path) -> None:
    first, second = tmp_path / "1.bmp", tmp_path / "2.bmp"
    content = bytearray(1_000_000)
    first.write_bytes(content)
    content[500_000:600_000] = b"x" * 100_000
    second.write_bytes(content)
    found = [fingerprint(path) for path in (first, second)]
    assert all(found)
    assert found[0].content != found[1].content  # type: ignore[union-attr]


def test_without_what_was_kept_of_files_a_renamed_one_is_new(project: Project, folder: Path) -> None:
    (project.folder / "cache/files.json").write_text("[{", encoding="utf-8")
    (folder / "b.jpg").rename(folder / "renamed.jpg")
    news = look_for_news(project)
    assert (news.new, news.renamed) == (("renamed.jpg",), {})


def test_an_image_that_was_taken_out_is_passed_over_until_it_is_added_by_hand(project: Project) -> None:
    project.edit(remove_images, [2, 3])
    news = look_for_news(project)
    assert (news.new, news.removed) == ((), ("b.jpg", "c.jpg"))
    project.edit(add_images, [Image(id=0, path="c.jpg")])
    assert look_for_news(project).removed == ("b.jpg",)
    project.undo()
    assert look_for_news(project).removed == ("b.jpg", "c.jpg")


def test_undo_of_a_removal_forgets_it_and_redo_remembers_it_again(project: Project) -> None:
    project.edit(remove_images, [2])
    project.undo()
    assert removed_paths(project) == set()
    project.redo()
    assert removed_paths(project) == {"b.jpg"}


def test_what_was_taken_out_comes_back_with_its_labels(project: Project, folder: Path) -> None:
    before = (project.images([2, 3]), project.all_boxes([2, 3]))
    project.edit(remove_images, [2, 3])
    project.edit(add_class, "bolt")
    found = find_removed(project, ["b.jpg", "c.jpg"])
    project.edit(bring_back, found)
    assert (project.images([2, 3]), project.all_boxes([2, 3])) == before
    assert removed_paths(project) == set()
    assert project.undo_text == "Bring back 2 images"
    project.undo()
    assert removed_paths(project) == {"b.jpg", "c.jpg"}


def test_an_image_comes_back_without_boxes_of_a_class_that_is_gone(project: Project) -> None:
    project.edit(remove_images, [2])
    project.edit(delete_class, 1, delete_boxes=True)
    project.edit(bring_back, find_removed(project, ["b.jpg"]))
    assert (paths(project), project.boxes(2)) == (["a.jpg", "b.jpg", "c.jpg", "d.jpg"], [])


def test_what_the_journal_no_longer_has_is_not_found(project: Project) -> None:
    project.edit(remove_images, [2])
    project.begin_history()
    assert find_removed(project, ["b.jpg"]).paths == set()
    project.edit(add_unknown, ("b.jpg",))
    assert removed_paths(project) == set()


def test_missing_files_are_counted_and_what_they_held_is_kept(project: Project, folder: Path) -> None:
    (folder / "a.jpg").unlink()
    files = look_at_files(project)
    assert (files.missing, files.total) == ((1,), 4)
    assert set(files.known) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}
