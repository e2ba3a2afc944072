"""What was changed since the import, as a diff and as a patch on the original files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.exchange import import_dataset
from detcore.formats import all_formats
from detcore.project import edits
from detcore.project.cleaning import BoxChange, changes_since_import
from detcore.project.project import Project
from detcore.project.verdict_rows import Verdict, VerdictKind
from detcore.project.verdicts import add_verdicts
from detcore.types import Box, Origin
from tests.detcore.formats.format_samples import box, dataset_of, hashes, save_image, thing, write_xml

IMAGES = {
    "a.jpg": [box(0, 10, 20, 30, 40), box(1, 50, 10, 60, 20)],
    "b.jpg": [box(0, 0, 0, 100, 80)],
    "c.jpg": [],
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The three images, imported from YOLO."""
    all_formats()["yolo"].write(dataset_of(tmp_path / "in", IMAGES), tmp_path / "set")
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path / "set") as project:
        import_dataset(project, "yolo", tmp_path / "set")
        yield project


def boxes_of(project: Project, stem: str) -> list[Box]:
    (image,) = [image for image in project.images() if Path(image.path).stem == stem]
    return project.boxes(image.id)


def told(changes: list[BoxChange]) -> list[tuple[str, tuple[str, ...], str]]:
    return [(Path(change.image).name, change.kinds, change.operation) for change in changes]


def clean(project: Project) -> None:
    """The cat of a.jpg is moved, its dog becomes a cat, the box of b.jpg goes by a verdict, c.jpg gets a dog."""
    cat, dog = boxes_of(project, "a")
    names = {item.name: item.id for item in project.classes()}
    project.edit(edits.update_boxes, [replace(cat, x2=36.0)])
    project.edit(edits.update_boxes, [replace(dog, class_id=names["cat"])])
    (whole,) = boxes_of(project, "b")
    verdict = Verdict(
        id=0, image_id=whole.image_id, run="001-x", kind=VerdictKind.DELETE, class_id=whole.class_id,
        box_id=whole.id, x1=0, y1=0, x2=100, y2=80,
    )  # fmt: skip
    project.edit(add_verdicts, [verdict])
    project.edit(edits.delete_boxes, [whole.id])
    (empty,) = [image.id for image in project.images() if image.path.endswith("c.jpg")]
    found = Box(
        id=0, image_id=empty, class_id=names["dog"], x1=4, y1=8, x2=24, y2=48,
        origin=Origin.MODEL, run="001-x", score=0.75,
    )  # fmt: skip
    project.edit(edits.add_boxes, [found])


def test_what_was_only_imported_is_no_change(project: Project):
    assert changes_since_import(project) == []


def test_each_box_that_was_changed_is_told_with_what_by_whom_and_why(project: Project):
    clean(project)
    changes = changes_since_import(project)
    assert [(Path(one.image).name, one.kinds) for one in changes] == [
        ("a.jpg", ("moved",)),
        ("a.jpg", ("relabelled",)),
        ("b.jpg", ("removed",)),
        ("c.jpg", ("added",)),
    ]
    moved, relabelled, removed, added = changes
    assert moved.before is not None
    assert moved.after is not None
    assert moved.before.xyxy == pytest.approx((10, 20, 30, 40))
    assert moved.after.xyxy == pytest.approx((10, 20, 36, 40))
    assert relabelled.before is not None
    assert relabelled.after is not None
    assert (relabelled.before.name, relabelled.after.name) == ("dog", "cat")
    assert (removed.verdict, removed.verdict_run, removed.origin) == ("delete", "001-x", "import")
    assert (added.origin, added.run, added.score) == ("model", "001-x", 0.75)


def test_what_was_undone_or_came_and_went_is_no_change(project: Project):
    cat, _ = boxes_of(project, "a")
    project.edit(edits.add_boxes, [replace(cat, id=0, x1=1.0)])
    project.edit(edits.delete_boxes, [boxes_of(project, "a")[-1].id])
    project.edit(edits.update_boxes, [replace(cat, x2=36.0)])
    project.edit(edits.update_boxes, [cat])
    project.edit(edits.delete_boxes, [cat.id])
    project.undo()
    assert changes_since_import(project) == []


def test_a_renamed_class_relabels_its_boxes(project: Project):
    from detcore.project.class_edits import update_class

    (dog,) = [item for item in project.classes() if item.name == "dog"]
    project.edit(update_class, replace(dog, name="wolf"))
    (change,) = changes_since_import(project)
    assert change.kinds == ("relabelled",)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.name, change.after.name) == ("dog", "wolf")
    assert change.operation == "Rename class dog to wolf"


def test_a_second_import_is_no_cleaning(project: Project, tmp_path: Path):
    clean(project)
    before = told(changes_since_import(project))
    all_formats()["yolo"].write(dataset_of(tmp_path / "in2", {"d.jpg": IMAGES["a.jpg"]}), tmp_path / "set2")
    import_dataset(project, "yolo", tmp_path / "set2")
    assert told(changes_since_import(project)) == before


def patched(project: Project, folder: Path, *more: str) -> tuple[int, Path]:
    """Exit status of the two commands, and where the files are."""
    patch = folder.parent / "diff.json"
    project.close()
    assert main(["diff", str(project.folder), "--json", str(patch)]) == 0
    return main(["apply-diff", str(patch), str(folder), *more]), folder.with_name(f"{folder.name}-cleaned")


def import_again(tmp_path: Path, name: str, folder: Path) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    dataset, _ = all_formats()[name].read(folder)
    return {
        image.path.name: sorted((dataset.classes[one.label].name, one.xyxy) for one in image.boxes)
        for image in dataset.images
    }


CLEANED = {
    "a.jpg": [("cat", (10, 20, 36, 40)), ("cat", (50, 10, 60, 20))],
    "b.jpg": [],
    "c.jpg": [("dog", (4, 8, 24, 48))],
}


@pytest.mark.parametrize("name", ["voc", "yolo", "coco"])
def test_a_patch_makes_of_the_original_files_what_the_project_has(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "set"
    images = {**IMAGES, "untouched.jpg": [box(1, 5, 5, 9, 9)]}
    all_formats()[name].write(dataset_of(tmp_path / "in", images), folder)
    before = hashes(folder)
    project = Project.create(tmp_path / "p.reticle", image_root=folder)
    import_dataset(project, name, folder)
    clean(project)
    status, out = patched(project, folder)
    assert status == 0
    assert "4 changes" in capsys.readouterr().out
    again = import_again(tmp_path, name, out)
    assert {key: again[key] for key in CLEANED} == {
        key: [(label, pytest.approx(edges, abs=1e-6)) for label, edges in boxes]
        for key, boxes in CLEANED.items()
    }
    assert hashes(folder) == before
    changed = {path for path, digest in hashes(out).items() if before.get(path) != digest}
    ends = {"voc": "xml", "yolo": "txt", "coco": "json"}
    assert changed
    assert all(path.endswith(ends[name]) and "untouched" not in path for path in changed)
    # Played once more it finds everything done.
    assert main(["apply-diff", str(tmp_path / "diff.json"), str(out), "--in-place"]) == 0
    assert "0 changes in 0 files, 4 that the files had already" in capsys.readouterr().out


def test_all_that_was_not_changed_stays_byte_for_byte(tmp_path: Path):
    folder = tmp_path / "set"
    odd = "<!-- by hand --><part>\n <name>ear</name></part>"
    for stem in "ab":
        save_image(folder / f"{stem}.jpg")
        write_xml(folder / f"{stem}.xml", thing("cat"), thing("dog"), head=f"<note>é &amp; ü</note>{odd}")
    project = Project.create(tmp_path / "p.reticle", image_root=folder)
    import_dataset(project, "voc", folder)
    cat, _ = boxes_of(project, "a")
    project.edit(edits.update_boxes, [replace(cat, x2=33.0)])
    _, out = patched(project, folder)
    old, new = (folder / "a.xml").read_text("utf-8"), (out / "a.xml").read_text("utf-8")
    assert new == old.replace("<xmax>30</xmax>", "<xmax>33</xmax>", 1)
    assert (out / "b.xml").read_bytes() == (folder / "b.xml").read_bytes()


def test_a_coco_file_keeps_its_layout_and_unknown_members(tmp_path: Path):
    folder = tmp_path / "set"
    save_image(folder / "a.jpg")
    text = """{"info": {"by": "é"},
 "images": [ {"id": 7, "file_name": "a.jpg", "width":100, "height":80} ],
 "annotations": [
  {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 20, 20, 20], "area": 400, "mine": 1.50},
  {"id": 2, "image_id": 7, "category_id": 3, "bbox": [50, 10, 10, 10], "area": 100, "iscrowd": 0},
  {"id": 9, "image_id": 7, "category_id": 3, "bbox": [1, 1, 2, 2],  "area": 4}
 ],
 "categories":[{"id":3,"name":"cat"}]}
"""
    (folder / "l.json").write_text(text, "utf-8")
    project = Project.create(tmp_path / "p.reticle", image_root=folder)
    import_dataset(project, "coco", folder)
    first, second, _ = boxes_of(project, "a")
    project.edit(edits.update_boxes, [replace(first, x2=36.0)])
    project.edit(edits.delete_boxes, [second.id])
    _, out = patched(project, folder)
    lines = text.splitlines(keepends=True)
    lines[3] = lines[3].replace("[10, 20, 20, 20]", "[10, 20, 26, 20]").replace("400", "520")
    assert (out / "l.json").read_text("utf-8") == "".join(lines[:4] + lines[5:])
    assert json.loads((out / "l.json").read_text("utf-8"))["annotations"][1]["id"] == 9


def test_a_box_that_is_not_in_the_files_any_more_is_reported_and_the_rest_played(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    clean(project)
    labels = tmp_path / "set/labels/train/a.txt"
    labels.write_text(labels.read_text().splitlines(keepends=True)[1])
    status, out = patched(project, tmp_path / "set")
    said = capsys.readouterr().out
    assert status == 1
    assert "the box of 'cat' that was changed is not here" in said
    assert "3 changes" in said
    assert [label for label, _ in import_again(tmp_path, "yolo", out)["a.jpg"]] == ["cat"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"reticle_diff": 1, "changes": [3]}', "[" * 5000])
def test_what_is_no_diff_is_refused_before_anything_is_copied(
    content: str, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    patch = tmp_path / "diff.json"
    patch.write_text(content)
    assert main(["apply-diff", str(patch), str(tmp_path / "set")]) == 1
    assert str(patch) in capsys.readouterr().err
    assert not (tmp_path / "set-cleaned").exists()


def test_a_folder_that_is_there_is_not_written_over(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    clean(project)
    (tmp_path / "set-cleaned").mkdir()
    (tmp_path / "set-cleaned/mine.txt").write_text("mine")
    assert patched(project, tmp_path / "set")[0] == 1
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "set-cleaned").iterdir()] == ["mine.txt"]
