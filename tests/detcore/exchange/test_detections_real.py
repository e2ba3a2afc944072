"""Detections of other programs on real images: figures are those of their own evaluators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detcore.cli import main
from detcore.evaluation.evaluate import evaluate_columns
from detcore.evaluation.voc import evaluate_voc
from detcore.exchange.detections import find_detections, import_detections
from detcore.project.edits import add_boxes, add_class, add_images
from detcore.project.project import Project
from detcore.project.runs import find_run, load_detections, predicted_images
from detcore.types import Box, Image
from tests.detcore.evaluation.problem_sets import STAT_NAMES, pycocotools_stats
from tests.detcore.evaluation.test_evaluation_voc import PADILLA

pytestmark = pytest.mark.data


def test_ap_of_an_imported_file_is_that_of_pycocotools(real_data: Path, tmp_path: Path):
    folder = real_data / "faster_coco_eval/tests/dataset/cocoapi"
    truth, results = (
        folder / "instances_val2014_100.json",
        folder / "instances_val2014_fakebbox100_results.json",
    )
    project_folder = tmp_path / "coco.reticle"
    assert main(["import", str(project_folder), "--format", "coco", str(truth), "--missing"]) == 0
    assert main(["import-detections", str(project_folder), "--name", "fake", "--dt", str(results)]) == 0
    with Project.open(project_folder, read_only=True) as project:
        run = find_run(project, "001-fake")
        ids = sorted(predicted_images(run))
        assert len(ids) == 100
        classes = {item.id: item.name for item in project.classes()}
        found = evaluate_columns(
            project.ground_truth(ids), load_detections(run), image_ids=ids, classes=classes
        )
    theirs = pycocotools_stats(json.loads(truth.read_text()), json.loads(results.read_text()))
    for name in STAT_NAMES:
        assert found[name] == pytest.approx(theirs[name], abs=1e-12, rel=0), name
    assert found["AP"] == pytest.approx(0.5045806987249628, abs=1e-12)


def test_ap_of_text_with_widths_and_heights_is_that_of_its_author(real_data: Path, tmp_path: Path):
    folder = real_data / "padilla_odm"
    (tmp_path / "images").mkdir()
    with Project.create(tmp_path / "p.reticle", image_root=tmp_path / "images") as project:
        project.edit(add_class, "person")
        files = sorted((folder / "groundtruths").glob("*.txt"))
        project.edit(
            add_images, [Image(id=0, path=f"{path.stem}.jpg", width=200, height=200) for path in files]
        )
        kind = project.classes()[0].id
        boxes: list[Box] = []
        for image_id, path in zip(project.image_ids(), files, strict=True):
            for line in path.read_text().splitlines():
                left, top, width, height = map(float, line.split()[1:])
                box = Box(
                    id=0, image_id=image_id, class_id=kind, x1=left, y1=top, x2=left + width, y2=top + height
                )
                boxes.append(box)
        project.edit(add_boxes, boxes)
        found = find_detections(project, folder / "detections")
        assert found.notes == ("The four numbers of a box were read as left, top, width and height.",)
        run = import_detections(project, found, "padilla").run
        dets, ids = load_detections(run), project.image_ids()
        result = evaluate_voc(
            project.ground_truth(), dets, ids, [kind], rules=PADILLA["area"], iou_threshold=0.3
        )
    assert (len(dets), result.per_class[kind].tp, result.per_class[kind].fp) == (24, 7, 17)
    assert "AP: 24.57%" in (folder / "results/results.txt").read_text()
    assert result.mean_ap == pytest.approx(0.2457, abs=5e-5)


@pytest.mark.parametrize("by", ["classname", "classid"])
@pytest.mark.parametrize("form", ["abs_xywh", "abs_xyx2y2", "rel_xcycwh"])
def test_all_forms_of_the_same_detections_are_read_alike(real_data: Path, tmp_path: Path, by: str, form: str):
    folder = real_data / "padilla_review/toyexample"
    project_folder = tmp_path / "cats.reticle"
    truth = folder / "gts_coco_format" / "toy_example_coco.JSON"
    assert (
        main(
            [
                "import",
                str(project_folder),
                "--format",
                "coco",
                str(truth),
                "--images",
                str(folder / "images"),
            ]
        )
        == 0
    )
    with Project.open(project_folder) as project:
        listed = find_detections(project, folder / "dets_coco_format" / "coco_dets.json")
        found = find_detections(project, folder / f"dets_{by}_{form}")
        called = {item.id: item.name for item in project.classes()}
    assert {called[label] for label in found.detections.labels.tolist()} == {"cat"}  # 7 in voc.names
    assert found.origin.format == (
        "YOLO with confidences" if (by, form) == ("classid", "rel_xcycwh") else "Text with scores"
    )
    theirs, ours = (
        sorted(zip(one.image_ids.tolist(), one.scores.tolist(), one.boxes.tolist(), strict=True))
        for one in (listed.detections, found.detections)
    )
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    tolerance = (
        0.001 if form.startswith("abs") else 0.51
    )  # they rounded the shares to pixels, or the other way round
    for (*_, box), (*_, other) in zip(ours, theirs, strict=True):
        assert box == pytest.approx(other, abs=tolerance)
