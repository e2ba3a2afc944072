"""What others have found or labelled, on the command line: it becomes a run, and all that reads runs reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detcore.cli import main
from detcore.project.edits import set_split
from detcore.project.project import Project
from detcore.project.runs import find_run, load_detections
from tests.detcore.cli.small_projects import small_project
from tests.detcore.exchange.others import CAT, DOG, SIZE, make_project, result, write_results

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def found(tmp_path: Path) -> tuple[Path, Path]:
    """A project of ten images, and detections: each label, moved by a pixel, with scores that fall, and one of nothing each."""
    folder = small_project(tmp_path)
    entries = []
    with Project.open(folder) as project:
        ids = project.image_ids()
        project.edit(set_split, dict.fromkeys(ids, "test"))
        for place, image in enumerate(project.images()):
            entries.append(result(image.path, "block", (1, 1, 9, 9), 0.1))
            for box in project.boxes(image.id):
                entries.append(
                    result(image.path, "block", (box.x1 + 1, box.y1, box.x2, box.y2), 0.95 - 0.05 * place)
                )
    return folder, write_results(tmp_path / "results.json", *entries)


def test_it_says_how_it_understood_them_and_what_is_left_out(tmp_path: Path, capsys: Capture) -> None:
    with make_project(tmp_path) as project:
        folder = project.folder
    entries = [
        result(11, 5, CAT, 90),
        result(12, 9, DOG, 40),
        result(77, 5, CAT, 30),
        result(11, 5, (0, 0, 0, 9), 50),
    ]
    file = write_results(tmp_path / "dt.json", *entries)
    assert main(["import-detections", str(folder), "--name", "theirs", "--dt", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}: the image '77' is not in the project: left out with 1 detection",
        f"{file}: detection number 4: a box without area: left out",
        "note: Ids of images are those of the COCO files that they came from.",
        "note: Numbers of classes are those of the project: 5 cat.",
        "note: Scores reach from 40 to 90: read as percentages, divided by 100.",
        "left out 1 detection of classes that the project does not have: class_9 (1); --add-classes adds them",
        "run 001-theirs: 1 detection on 2 images that were looked at (COCO results (JSON)), 2 problems",
    ]
    more = ["--add-classes", "--looked-at", "all"]
    assert main(["import-detections", str(folder), "--name", "theirs", "--dt", str(file), *more]) == 0
    said = capsys.readouterr().out
    assert "class class_9 was added" in said
    assert "run 002-theirs: 2 detections on 4 images" in said
    assert main(["info", str(folder)]) == 0
    assert "002-theirs  imported  imported" in capsys.readouterr().out


def test_everything_that_reads_runs_reads_it(
    found: tuple[Path, Path], tmp_path: Path, capsys: Capture
) -> None:
    folder, file = found
    for name in ("theirs", "again"):
        assert main(["import-detections", str(folder), "--name", name, "--dt", str(file)]) == 0
    out = tmp_path / "out.json"
    assert main(["evaluate", str(folder), "--run", "001", "--json", str(out)]) == 0
    assert json.loads(out.read_text())["AP50"] > 0.9
    assert main(["queue", str(folder), "--run", "001", "--threshold", "0", "--json", str(out)]) == 0
    assert sum(item["kind"] == "false" for item in json.loads(out.read_text())) == 8
    assert main(["audit", str(folder), "--run", "001"]) == 0
    capsys.readouterr()
    assert main(["compare", str(folder), "--run", "001", "--run", "002"]) == 0
    told = capsys.readouterr()
    for name in ("001-theirs", "002-again"):
        assert (
            f"{name} was imported: which images it was trained on is not known here." in told.out + told.err
        )
    assert main(["report", str(folder), "--run", "001", "--out", str(tmp_path / "report.html")]) == 0
    assert "001-theirs" in (tmp_path / "report.html").read_text()
    assert "warning" not in capsys.readouterr().err


def test_what_to_label_next_is_told_from_it(
    found: tuple[Path, Path], tmp_path: Path, capsys: Capture
) -> None:
    folder, file = found
    with Project.open(folder) as project:
        unlabelled = [image.path for image in project.images() if not project.boxes(image.id)]
    assert main(["import-detections", str(folder), "--name", "theirs", "--dt", str(file)]) == 0
    capsys.readouterr()
    assert main(["next", str(folder), "--run", "001"]) == 0
    said = capsys.readouterr().out
    assert all(path in said for path in unlabelled)


def test_images_that_came_later_are_left_out_since_nothing_can_look_at_them(
    tmp_path: Path, capsys: Capture
) -> None:
    with make_project(tmp_path) as project:
        folder = project.folder
        file = write_results(tmp_path / "dt.json", result(11, 5, CAT, 0.9))
    words = ["--name", "theirs", "--dt", str(file), "--looked-at", "listed"]
    assert main(["import-detections", str(folder), *words]) == 0
    assert main(["evaluate", str(folder), "--run", "001", "--split", "all"]) == 0
    assert "001-theirs has not looked at 2 labelled images, left out here." in capsys.readouterr().err
    assert main(["predict", str(folder), "--run", "001"]) == 1
    assert "001-theirs was imported and has no weights to look at images with" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["diagnose", "curves", "prune"])
def test_commands_about_a_training_refuse_it(tmp_path: Path, capsys: Capture, command: str) -> None:
    with make_project(tmp_path) as project:
        folder = project.folder
    file = write_results(tmp_path / "dt.json", result(11, 5, CAT, 0.9))
    assert main(["import-detections", str(folder), "--name", "theirs", "--dt", str(file)]) == 0
    more = ["--csv", str(tmp_path / "c.csv")] if command == "curves" else []
    assert main([command, str(folder), "--run", "001", *more]) == 1
    assert "was imported and has no weights" in capsys.readouterr().err


def test_two_people_agree_as_far_as_can_be_counted_by_hand(tmp_path: Path, capsys: Capture) -> None:
    with make_project(tmp_path) as project:
        folder = project.folder
    # on a: cat as cat, dog as dog; on b: cat as cat, dog as cat; on c: no cat, dog as dog, and a dog that only they see
    lines = {
        "a": "0 0.175 0.3 0.25 0.4\n1 0.7 0.55 0.4 0.7\n",
        "b": "0 0.175 0.3 0.25 0.4\n0 0.7 0.55 0.4 0.7\n",
        "c": "1 0.7 0.55 0.4 0.7\n1 0.4 0.9 0.1 0.1\n",
    }
    labels = tmp_path / "anna"
    labels.mkdir()
    (labels / "classes.txt").write_text("cat\ndog\n")
    for name, text in lines.items():
        (labels / f"{name}.txt").write_text(text)
    for name in ("train/a.jpg", "train/b.jpg", "val/c.jpg"):
        path = tmp_path / "images" / name
        path.parent.mkdir(exist_ok=True)
        PillowImage.new("RGB", SIZE).save(path)
    assert main(["import-detections", str(folder), "--name", "anna", "--dt", str(labels)]) == 0
    assert "run 001-anna: 6 boxes on 3 images" in capsys.readouterr().out
    with Project.open(folder, read_only=True) as project:
        assert load_detections(find_run(project, "001")).scores.tolist() == [1.0] * 6
    out = tmp_path / "agree.json"
    assert main(["agree", str(folder), "001-anna", "--json", str(out)]) == 0
    assert "kappa of classes" in capsys.readouterr().out
    figures = json.loads(out.read_text())
    # pairs: cat-cat 2, dog-dog 2, dog-cat 1: seen 4/5, by chance (2 * 3 + 3 * 2) / 25
    assert (figures["matched"], figures["agreed"], figures["first"], figures["second"]) == (5, 4, 6, 6)
    assert figures["f1"] == pytest.approx(2 / 3)
    assert figures["kappa"] == pytest.approx((4 / 5 - 12 / 25) / (1 - 12 / 25))
    assert figures["classes"]["dog"] == {"first": 3, "second": 3, "agreed": 2, "f1": pytest.approx(2 / 3)}
    assert main(["audit", str(folder), "--run", "001"]) == 0
    assert main(["queue", str(folder), "--run", "001"]) == 0


def test_agreement_is_asked_of_people_only(tmp_path: Path, capsys: Capture) -> None:
    with make_project(tmp_path) as project:
        folder = project.folder
    file = write_results(tmp_path / "dt.json", result(11, 5, CAT, 0.9))
    assert main(["import-detections", str(folder), "--name", "theirs", "--dt", str(file)]) == 0
    assert main(["agree", str(folder), "001"]) == 1
    assert "001-theirs holds detections of a model, not labels of a person" in capsys.readouterr().err
