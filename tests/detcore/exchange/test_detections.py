"""What others have found or labelled, in all the forms in which they write it down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detcore.errors import ConfigError, FormatError
from detcore.exchange.detections import LookedAt, find_detections, import_detections, recognised
from detcore.exchange.detections.scores import as_shares
from detcore.project.edits import add_images
from detcore.project.project import Project
from detcore.project.runs import load_detections, predicted_images
from detcore.types import Image
from tests.detcore.exchange.others import CAT, DOG, NAMES, SIZE, make_project, result, write_results

FRACTIONS = "{} 0.175 0.3 0.25 0.4 {}"
"""CAT, as YOLO writes it."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make_project(tmp_path) as project:
        yield project


def told(project: Project, source: Path, **chosen: object) -> list[tuple[str, str, tuple[float, ...], float]]:
    """Image, class, box and score of each detection of a run that is made of it."""
    found = find_detections(project, source, **chosen)
    run = import_detections(project, found, "other").run
    dets = load_detections(run)
    images = {image.id: image.path for image in project.images()}
    classes = {item.id: item.name for item in project.classes()}
    return [
        (images[image], classes[label], tuple(box), score)
        for image, label, box, score in zip(
            dets.image_ids.tolist(),
            dets.labels.tolist(),
            dets.boxes.tolist(),
            dets.scores.tolist(),
            strict=True,
        )
    ]


# ---- COCO results


def test_ids_of_coco_results_are_those_of_the_dataset_that_was_imported(project: Project, tmp_path: Path):
    file = write_results(tmp_path / "dt.json", result(11, 5, CAT, 0.9), result(13, 7, DOG, 0.4))
    assert recognised(file) == "coco-results"
    assert told(project, file) == [("train/a.jpg", "cat", CAT, 0.9), ("val/c.jpg", "dog", DOG, 0.4)]


def test_ids_mean_what_they_do_in_the_coco_file_that_is_named(project: Project, tmp_path: Path):
    truth = {
        "images": [{"id": 1, "file_name": "c.jpg"}, {"id": 2, "file_name": "d.jpg"}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [],
    }
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    file = write_results(tmp_path / "dt.json", result(1, 1, DOG, 0.5))
    found = find_detections(project, file, coco_file=tmp_path / "gt.json")
    ids = project.image_ids()
    assert found.detections.image_ids.tolist() == [ids[2]]
    assert found.looked_at(project.image_list(), found.usual).tolist() == ids[2:]
    assert told(project, file, coco_file=tmp_path / "gt.json") == [("val/c.jpg", "dog", DOG, 0.5)]


@pytest.mark.parametrize("name", ["c", "c.jpg", "images/val/c.jpg", "C.JPG", "c.png"])
def test_ids_may_be_names_of_images(project: Project, tmp_path: Path, name: str):
    file = write_results(tmp_path / "dt.json", result(name, "dog", DOG, 0.5))
    assert told(project, file) == [("val/c.jpg", "dog", DOG, 0.5)]


def test_what_is_no_detection_is_named_by_its_number_and_left_out(project: Project, tmp_path: Path):
    entries = [
        result(11, 5, CAT, 0.9),
        result(11, 5, CAT, float("nan")),
        result(11, 5, CAT, "0.5"),
        {"image_id": 11, "category_id": 5},
        "nothing",
        result(11, 5, (10, 10, 10, 20), 0.5),
        result(11, 5, (300, 10, 320, 20), 0.5),
        {"image_id": 11, "category_id": 5, "bbox": [1, 2, 3], "score": 0.5},
        result(98, 5, CAT, 0.5),
    ]
    found = find_detections(project, write_results(tmp_path / "dt.json", *entries))
    assert len(found.detections) == 1
    messages = [problem.message for problem in found.problems]
    assert messages == [
        "detection number 3: score is '0.5': left out",
        "detection number 4: no bbox and no score: left out",
        "detection number 5: no object: left out",
        "detection number 8: bbox is [1, 2, 3]: left out",
        "the image '98' is not in the project: left out with 1 detection",
        "detection number 2: the score is not a number: left out",
        "detection number 6: a box without area: left out",
        "detection number 7: a box outside of its image: left out",
    ]
    assert {problem.path.name for problem in found.problems} == {"dt.json"}


def test_what_reaches_out_of_its_image_is_counted_as_written(project: Project, tmp_path: Path):
    beyond = (-20.0, 10.0, 60.0, 50.0)
    file = write_results(tmp_path / "dt.json", result(11, 5, beyond, 0.9))
    assert find_detections(project, file).notes[-1] == "1 box reaches out of the image: counted as written."
    assert told(project, file) == [("train/a.jpg", "cat", beyond, 0.9)]


def test_ids_of_several_images_are_refused(project: Project, tmp_path: Path):
    project.edit(add_images, [Image(id=0, path="other/e.jpg", extra={"coco": {"id": 11}})])
    with pytest.raises(FormatError, match="stands for several images of the project: 11.*Name the COCO file"):
        find_detections(project, write_results(tmp_path / "dt.json", result(11, 5, CAT, 0.5)))


def test_category_ids_that_nothing_explains_are_refused(project: Project, tmp_path: Path):
    with pytest.raises(
        FormatError, match=r"nothing says what the category ids stand for \(1, 2\).*Name the COCO file"
    ):
        find_detections(
            project,
            write_results(tmp_path / "dt.json", result(11, 1, CAT, 0.5), result(11, 2, CAT, 0.5)),
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "broken JSON"),
        ("[" * 3000, "broken JSON.*nested too deeply"),
        ('{"images": []}', "no list of detections"),
        ('[{"image_id": 1}]', "none of its 1 entries is a detection"),
    ],
)
def test_files_that_hold_no_results_are_refused(project: Project, tmp_path: Path, content: str, message: str):
    (tmp_path / "dt.json").write_text(content)
    with pytest.raises(FormatError, match=message):
        find_detections(project, tmp_path / "dt.json", format_name="coco-results")
    assert list(project.runs_folder.iterdir()) == []


# ---- YOLO


def test_yolo_predictions_have_the_numbers_of_the_projects_exports(project: Project, tmp_path: Path):
    labels = tmp_path / "predict" / "labels"
    labels.mkdir(parents=True)
    (labels / "a.txt").write_text(FRACTIONS.format(0, 0.8) + "\n" + FRACTIONS.format(1, 0.25) + "\n")
    assert recognised(labels) == "yolo-results"
    rows = told(project, labels)
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("train/a.jpg", "cat", 0.8),
        ("train/a.jpg", "dog", 0.25),
    ]
    assert rows[0][2] == pytest.approx(CAT)


def test_names_beside_yolo_predictions_explain_their_numbers(project: Project, tmp_path: Path):
    labels = tmp_path / "predict" / "labels"
    labels.mkdir(parents=True)
    (tmp_path / "predict" / "data.yaml").write_text("names: [dog, cat]\n")
    (labels / "a.txt").write_text(FRACTIONS.format(0, 0.8) + " 3\n")  # with the number of a track
    assert [(row[1], row[3]) for row in told(project, labels)] == [("dog", 0.8)]


def test_outlines_with_confidences_become_their_bounds(project: Project, tmp_path: Path):
    (tmp_path / "dt").mkdir()
    (tmp_path / "dt" / "b.txt").write_text("1 0.1 0.1 0.3 0.1 0.3 0.5 0.75\n")
    ((image, name, box, score),) = told(project, tmp_path / "dt")
    assert (image, name, score) == ("train/b.jpg", "dog", 0.75)
    assert box == pytest.approx((20, 10, 60, 50))


def test_yolo_labels_without_confidences_are_no_predictions(project: Project, tmp_path: Path):
    (tmp_path / "dt").mkdir()
    (tmp_path / "dt" / "a.txt").write_text("0 0.175 0.3 0.25 0.4\n")
    with pytest.raises(FormatError, match="in the format yolo"):
        find_detections(project, tmp_path / "dt", format_name="yolo-results")
    (tmp_path / "dt" / "a.txt").write_text(f"0 0.175 0.3 0.25 0.4\n{FRACTIONS.format(0, 0.5)}\n")
    found = find_detections(project, tmp_path / "dt", format_name="yolo-results")
    assert [str(problem) for problem in found.problems] == [
        f"{tmp_path / 'dt' / 'a.txt'}:1: no confidence (5 columns): left out"
    ]


# ---- CSV and text


@pytest.mark.parametrize(
    "head",
    [
        "score,xmax,filename,ymin,class,xmin,ymax",
        '"Confidence";x2;Image;y1;Label;x1;y2',
        "conf\tright\tpath\ttop\tname\tleft\tbottom",
    ],
)
def test_columns_of_a_table_have_any_order_and_usual_names(project: Project, tmp_path: Path, head: str):
    by = next(mark for mark in ";\t," if mark in head)
    lines = [
        head,
        by.join(["0.9", "60", "a.jpg", "10", "cat", "10", "50"]),
        by.join(["0.9", "60", "a.jpg", "?", "cat", "1", "5"]),
    ]
    (tmp_path / "dt.csv").write_text("\n".join(lines))
    assert recognised(tmp_path / "dt.csv") == "csv-results"
    found = find_detections(project, tmp_path / "dt.csv")
    assert [str(problem) for problem in found.problems] == [f"{tmp_path / 'dt.csv'}:3: ymin is '?': left out"]
    assert told(project, tmp_path / "dt.csv") == [("train/a.jpg", "cat", CAT, 0.9)]


def test_a_table_that_lacks_columns_says_which(project: Project, tmp_path: Path):
    (tmp_path / "dt.csv").write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n")
    with pytest.raises(FormatError, match="dt.csv:1: the first line names no column score"):
        find_detections(project, tmp_path / "dt.csv", format_name="csv-results")


def test_text_has_corners_unless_they_would_be_swapped(project: Project, tmp_path: Path):
    (tmp_path / "dt").mkdir()
    (tmp_path / "dt" / "a.txt").write_text("big cat .9 10 10 60 50\n")
    (tmp_path / "dt" / "b.txt").write_text("cat .9 100 20 180 90\n")
    assert recognised(tmp_path / "dt") == "text-results"
    found = find_detections(project, tmp_path / "dt")
    assert found.unknown == {"big cat": 1}
    assert found.detections.boxes.tolist() == [list(CAT), list(DOG)]
    (tmp_path / "dt" / "c.txt").write_text("dog .9 100 20 80 70\n")
    found = find_detections(project, tmp_path / "dt")
    assert found.detections.boxes.tolist() == [[10, 10, 70, 60], [100, 20, 280, 110], list(DOG)]
    assert "left, top, width and height" in found.notes[0]
    corners = find_detections(project, tmp_path / "dt", format_name="text-corners")
    assert corners.detections.boxes[2].tolist() == [80, 20, 100, 70]
    assert "1 box has swapped edges: put in order." in corners.notes


# ---- Label Studio


def task(image: str, *predictions: dict[str, object]) -> dict[str, object]:
    address = f"/data/upload/1/0a1b2c3d-{image}"
    return {"id": 1, "data": {"image": address}, "annotations": [], "predictions": list(predictions)}


def prediction(
    model: str, *regions: tuple[str, tuple[float, float, float, float], float]
) -> dict[str, object]:
    """Regions in percent of the image, with scores."""
    result = [
        {
            "type": "rectanglelabels",
            "original_width": SIZE[0],
            "original_height": SIZE[1],
            "score": score,
            "value": dict(zip(("x", "y", "width", "height"), box, strict=True))
            | {"rectanglelabels": [label]},
        }
        for label, box, score in regions
    ]
    return {"model_version": model, "score": 0.1, "result": result}


def test_predictions_of_label_studio_are_those_of_the_model_that_has_seen_most(
    project: Project, tmp_path: Path
):
    tasks = [
        task(
            "a.jpg",
            prediction("new", ("cat", (5, 10, 25, 40), 0.8)),
            prediction("old", ("dog", (0, 0, 9, 9), 0.9)),
        ),
        task("c.jpg", prediction("new")),
        task("d.jpg"),
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks, indent=1))
    assert recognised(tmp_path / "tasks.json") == "label-studio-results"
    found = find_detections(project, tmp_path / "tasks.json")
    assert found.notes == ("Of several models new counts, not old.",)
    ids = project.image_ids()
    assert found.looked_at(project.image_list(), found.usual).tolist() == [ids[0], ids[2]]
    ((image, name, box, score),) = told(project, tmp_path / "tasks.json")
    assert (image, name, score) == ("train/a.jpg", "cat", 0.8)
    assert box == pytest.approx(CAT)


def test_tasks_without_predictions_are_labels_of_a_person(project: Project, tmp_path: Path):
    (tmp_path / "tasks.json").write_text(json.dumps([task("a.jpg")]))
    assert recognised(tmp_path / "tasks.json") == "label-studio"
    with pytest.raises(FormatError, match="no task here has predictions"):
        find_detections(project, tmp_path / "tasks.json", format_name="label-studio-results")


# ---- people


def test_labels_of_a_person_have_a_score_of_1_and_say_what_was_looked_at(project: Project, tmp_path: Path):
    for name in NAMES:
        path = tmp_path / "images" / name
        path.parent.mkdir(exist_ok=True)
        PillowImage.new("RGB", SIZE).save(path)
    other = tmp_path / "anna"
    other.mkdir()
    bounds = "<xmin>10</xmin><ymin>10</ymin><xmax>60</xmax><ymax>50</ymax>"
    (other / "a.xml").write_text(
        f"<annotation><filename>a.jpg</filename><object><name>cat</name><bndbox>{bounds}</bndbox></object></annotation>"
    )
    (other / "c.xml").write_text("<annotation><filename>c.jpg</filename></annotation>")
    found = find_detections(project, other)
    assert found.origin.by_person
    assert found.origin.format == "Pascal VOC (XML)"
    assert told(project, other) == [("train/a.jpg", "cat", CAT, 1.0)]
    ids = project.image_ids()
    assert found.looked_at(project.image_list(), found.usual).tolist() == [ids[0], ids[2]]


# ---- classes, images, scores


def test_detections_of_classes_that_the_project_lacks_are_left_out_or_bring_them(
    project: Project, tmp_path: Path
):
    entries = [result("a", "dog", DOG, 0.9), result("a", "bird", CAT, 0.8), result("b", "bird", CAT, 0.7)]
    found = find_detections(project, write_results(tmp_path / "dt.json", *entries))
    assert found.unknown == {"bird": 2}
    made = import_detections(project, found, "other")
    assert (made.detections, made.left_out, made.added) == (1, 2, ())
    assert [item.name for item in project.classes()] == ["cat", "dog"]
    made = import_detections(project, found, "other", add_classes=True)
    assert (made.detections, made.left_out, made.added) == (3, 0, ("bird",))
    bird = project.classes()[2]
    assert (bird.name, load_detections(made.run).labels.tolist()) == (
        "bird",
        [project.classes()[1].id, bird.id, bird.id],
    )
    assert project.undo_text == "Add 1 class"


def test_detections_of_other_classes_alone_make_no_run(project: Project, tmp_path: Path):
    found = find_detections(project, write_results(tmp_path / "dt.json", result("a", "bird", CAT, 0.8)))
    with pytest.raises(FormatError, match="none of its classes .bird.*Add them"):
        import_detections(project, found, "other")
    assert list(project.runs_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("choice", "names"),
    [(None, NAMES[:2]), (LookedAt.LISTED, NAMES[:1]), (LookedAt.ALL, NAMES)],
)
def test_images_of_the_same_splits_were_looked_at_unless_somebody_says_otherwise(
    project: Project, tmp_path: Path, choice: LookedAt | None, names: tuple[str, ...]
):
    found = find_detections(project, write_results(tmp_path / "dt.json", result("a", "cat", CAT, 0.8)))
    run = import_detections(project, found, "other", looked_at=choice).run
    paths = {image.id: image.path for image in project.images()}
    assert {paths[image_id] for image_id in predicted_images(run)} == set(names)


def test_a_name_that_fits_several_images_is_ambiguous(project: Project, tmp_path: Path):
    project.edit(add_images, [Image(id=0, path="other/a.jpg", width=200, height=100)])
    entries = [result("a.jpg", "cat", CAT, 0.8), result("other/a.jpg", "cat", CAT, 0.7)]
    found = find_detections(project, write_results(tmp_path / "dt.json", *entries))
    assert found.detections.scores.tolist() == [0.7]
    assert "'a.jpg' may be one of 2 images: left out with 1 detection" in found.problems[0].message


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 90, "a:b", "end."])
def test_names_that_make_no_folder_or_mean_something_else_are_refused(
    project: Project, tmp_path: Path, name: str
):
    found = find_detections(project, write_results(tmp_path / "dt.json", result("a", "cat", CAT, 0.8)))
    with pytest.raises(ConfigError, match="a run cannot be called"):
        import_detections(project, found, name)
    assert list(project.runs_folder.iterdir()) == []


def test_percentages_are_divided_and_told():
    scores, note = as_shares(np.array([0.5, 99.0]), Path("dt.json"))
    assert scores.tolist() == [0.005, 0.99]
    assert note == "Scores reach from 0.5 to 99: read as percentages, divided by 100."


@pytest.mark.parametrize("scores", [[-2.0, 3.5], [0.2, 4.0], [0.5, 250.0], [-0.1, 0.9]])
def test_scores_that_are_neither_shares_nor_percentages_are_refused(scores: list[float]):
    with pytest.raises(FormatError, match="dt.json: scores reach from .* Logits"):
        as_shares(np.array(scores), Path("dt.json"))


def test_shares_stay_as_they_are_and_rounding_above_1_is_1():
    scores, note = as_shares(np.array([0.0, 0.25, 1.0000001]), Path("dt.json"))
    assert (scores.tolist(), note) == ([0.0, 0.25, 1.0], "")


def test_a_number_is_the_image_of_that_name_where_no_id_explains_it(tmp_path: Path):
    (tmp_path / "images").mkdir()
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path / "images") as project:
        project.edit(add_images, [Image(id=0, path="000139.jpg", width=200, height=100)])
        file = write_results(tmp_path / "dt.json", result(139, "cat", CAT, 0.5))
        found = find_detections(project, file)
    assert found.detections.boxes.tolist() == [list(CAT)]
    assert found.notes[0] == "Ids of images are their names without extension."
