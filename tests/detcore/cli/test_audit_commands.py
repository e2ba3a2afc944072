"""audit, compare and crossval on the command line, with detections made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from detcore.cli.main import main
from detcore.evaluation.label_answers import AnswerRecorder
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, EndReason
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.settings.learning import Learning
from detcore.project.edits import add_boxes, add_class, add_images, delete_boxes, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, create_run, find_run, load_detections, save_detections
from detcore.project.snapshot import take_snapshot
from detcore.types import Box, Detections, Image

SPLITS = ("train", "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty images, half to train on, three objects of two classes on each; runs 001 and 002 find them with
    little noise, 001 nothing of image 40."""
    path = tmp_path / "a.reticle"
    with Project.create(path, image_root=tmp_path) as project:
        project.edit(
            add_images, [Image(id=0, path=f"{n:02}.jpg", width=200, height=200) for n in range(1, 41)]
        )
        for name in ("cell", "bolt"):
            project.edit(add_class, name)
        labels = [one.id for one in project.classes()]
        rng = np.random.default_rng(0)
        ids = project.image_ids()
        boxes = []
        for image_id in ids:
            for place in range(3):
                x, y = rng.uniform(0, 30, 2) + [60.0 * place, 20.0]
                boxes.append(
                    Box(
                        id=0,
                        image_id=image_id,
                        class_id=labels[place % 2],
                        x1=x,
                        y1=y,
                        x2=x + 25,
                        y2=y + 25,
                    )
                )
        project.edit(add_boxes, boxes)
        project.edit(set_split, {image_id: SPLITS[place >= 20] for place, image_id in enumerate(ids)})
        for name in ("before", "after"):
            run = create_run(project, name)
            take_snapshot(project).save(run.snapshot)
            save_detections(
                run, noisy(project, rng, without=ids[-1] if name == "before" else 0), image_ids=ids
            )
    return path


def noisy(project: Project, rng: np.random.Generator, *, without: int) -> Detections:
    truth = project.ground_truth()
    truth = truth.take(truth.image_ids != without)
    weak = Detections(
        image_ids=truth.image_ids,
        labels=truth.labels,
        boxes=truth.boxes + [0.0, 80.0, 0.0, 80.0],
        scores=rng.uniform(0.01, 0.2, len(truth)),
    )
    return Detections(
        image_ids=np.concatenate([truth.image_ids, weak.image_ids]),
        labels=np.concatenate([truth.labels, weak.labels]),
        boxes=np.concatenate([truth.boxes + rng.normal(0, 0.5, truth.boxes.shape), weak.boxes]),
        scores=np.concatenate([rng.uniform(0.7, 1.0, len(truth)), weak.scores]),
    )


def test_audit_writes_a_ranked_list_led_by_the_label_that_is_gone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with Project.open(folder) as project:
        box = project.boxes(project.image_ids()[30])[1]
        project.edit(delete_boxes, [box.id])
    target = tmp_path / "audit.json"
    arguments = ["audit", str(folder), "--run", "001-before", "--split", "test", "--json", str(target)]
    assert main(arguments) == 0
    records = json.loads(target.read_text())
    missing = next(record for record in records if record["kind"] == "missing")
    assert missing["image"] == "31.jpg"
    assert missing["class"] == "bolt"
    assert missing["box"] == pytest.approx(box.xyxy, abs=3)
    assert [record["score"] for record in records] == sorted(
        (record["score"] for record in records), reverse=True
    )
    assert {record["image"] for record in records} <= {f"{n:02}.jpg" for n in range(21, 41)}
    written = capsys.readouterr()
    assert "objects without label" in written.out
    assert "warning" not in written.err


def test_audit_takes_what_the_run_said_at_the_labels_into_account(folder: Path, tmp_path: Path):
    target = tmp_path / "audit.json"

    def spurious() -> float:
        assert main(["audit", str(folder), "--run", "001-before", "--json", str(target)]) == 0
        records = json.loads(target.read_text())
        scores = (one["score"] for one in records if (one["kind"], one["image"]) == ("spurious", "40.jpg"))
        return max(scores, default=0.0)

    # of the three labels of the last image nothing was found
    by_detections = spurious()
    with Project.open(folder, read_only=True) as project:
        run, truth = find_run(project, "001"), project.ground_truth()
        classes = np.array([item.id for item in project.classes()])
        recorder = AnswerRecorder(truth, image_ids=project.image_ids(), class_ids=classes)
        for image_id in project.image_ids():
            here = truth.take(truth.image_ids == image_id)
            recorder.hear(image_id, here.boxes, np.where(here.labels[:, None] == classes, 0.8, 0.01))
        save_detections(run, load_detections(run), image_ids=project.image_ids(), answers=recorder.answers())
    assert by_detections > 0.3
    assert spurious() < 0.01


def test_audit_warns_when_the_run_has_learnt_the_labels(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["audit", str(folder), "--run", "001-before", "--split", "all"]) == 0
    assert "001-before has been trained on 20 of these 40 images" in capsys.readouterr().err


def test_figures_of_images_that_the_run_has_learnt_come_with_a_warning(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    report = ["report", str(folder), "--run", "002", "--out", str(tmp_path / "report.html")]
    for command in (["evaluate", str(folder), "--run", "002"], report):
        assert main([*command, "--split", "all"]) == 0
        assert "warning: 002-after has been trained on 20 of these 40 images" in capsys.readouterr().err
        assert main([*command, "--split", "test"]) == 0
        assert "warning" not in capsys.readouterr().err


def test_audit_judges_what_the_run_has_not_learnt_unless_told_otherwise(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    target = tmp_path / "audit.json"
    assert main(["audit", str(folder), "--run", "001-before", "--json", str(target)]) == 0
    images = {record["image"] for record in json.loads(target.read_text())}
    assert images <= {f"{n:02}.jpg" for n in range(21, 41)}
    written = capsys.readouterr()
    assert "001-before on 20 labelled images not trained on" in written.out
    assert "has been trained on 20 other images, left out" in written.err


def test_audit_warns_of_a_detector_that_finds_next_to_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["audit", str(folder), "--run", "after", "--split", "test"]) == 1  # no run has that name
    assert main(["audit", str(folder), "--run", "002", "--split", "test"]) == 0
    assert "too weak" not in capsys.readouterr().err
    with Project.open(folder) as project:
        run = create_run(project, "weak")
        take_snapshot(project).save(run.snapshot)
        nothing = noisy(project, np.random.default_rng(0), without=0).take(np.zeros(0, np.int64))
        save_detections(run, nothing, image_ids=project.image_ids())
    assert main(["audit", str(folder), "--run", "003-weak", "--split", "test"]) == 0
    assert "003-weak is too weak to judge labels" in capsys.readouterr().err


def test_compare_says_what_was_gained(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "compare.json"
    arguments = ["compare", str(folder), "--run", "001-before", "--run", "002-after", "--threshold", "0.5"]
    assert main([*arguments, "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    with Project.open(folder) as project:
        last = project.boxes(project.image_ids()[-1])
    assert record["gained"] == [box.id for box in last]
    assert record["lost"] == record["changed"] == []
    # 57 of 60 objects before
    recall = record["figures"]["recall"]
    assert (recall["before"], recall["after"]) == (pytest.approx(0.95), 1.0)
    assert recall["low"] <= 0.05 <= recall["high"]
    assert "labels_and_model" not in record
    assert "3 objects gained, 0 lost" in capsys.readouterr().out


def test_compare_keeps_labels_and_models_apart(folder: Path, tmp_path: Path):
    with Project.open(folder) as project:
        gone = project.boxes(project.image_ids()[-1])
        project.edit(delete_boxes, [box.id for box in gone[1:]])
    target = tmp_path / "compare.json"
    assert (
        main(["compare", str(folder), "--run", "001-before", "--run", "002-after", "--json", str(target)])
        == 0
    )
    apart = json.loads(target.read_text())["labels_and_model"]
    # with fewer labels missed by it, the old model looks better than it did
    assert apart["old_labels_old_model"] < apart["new_labels_old_model"] < apart["new_labels_new_model"]
    figures = json.loads(target.read_text())["figures"]["AP50"]
    for run, key, name in (
        ("001-before", "before", "new_labels_old_model"),
        ("002-after", "after", "new_labels_new_model"),
    ):
        evaluated = tmp_path / f"{run}.json"
        assert main(["evaluate", str(folder), "--run", run, "--json", str(evaluated)]) == 0
        stats = json.loads(evaluated.read_text())
        assert figures[key] == pytest.approx(apart[name]) == pytest.approx(stats["AP50"], abs=1e-6)


def make_crossval(folder: Path) -> RunFolder:
    """A cross-validation that finds all objects of the forty images, each left out once."""
    with Project.open(folder) as project:
        run = create_run(project, "crossval")
        ids = project.image_ids()
        (run.path / "folds.json").write_text(json.dumps({"held_out": [ids[::2], ids[1::2]]}))
        take_snapshot(project).save(run.snapshot)
        save_detections(run, noisy(project, np.random.default_rng(1), without=0), image_ids=ids)
    return run


def test_of_a_cross_validation_all_images_are_meant(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = make_crossval(folder).name
    out = tmp_path / "report.html"
    assert main(["report", str(folder), "--run", run, "--out", str(out)]) == 0
    assert main(["evaluate", str(folder), "--run", run]) == 0
    assert main(["audit", str(folder), "--run", run]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum("40 labelled images not trained on" in line for line in said) == 3
    assert "40 labelled images not trained on. Detections count" in out.read_text()
    # a split can be chosen all the same
    assert main(["report", str(folder), "--run", run, "--split", "test", "--out", str(out)]) == 0
    assert "20 labelled images of the test split" in capsys.readouterr().out
    assert "20 labelled images of the test split. Detections count" in out.read_text()


def test_two_cross_validations_are_compared_on_all_images(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = [make_crossval(folder).name for _ in range(2)]
    target = tmp_path / "compare.json"
    arguments = ["compare", str(folder), "--run", runs[0], "--run", runs[1], "--json", str(target)]
    assert main(arguments) == 0
    written = capsys.readouterr()
    assert "on 40 labelled images not trained on" in written.out
    assert "warning" not in written.err
    assert "chance of better" in written.out
    record = json.loads(target.read_text())
    assert (record["images"], record["scope"], record["cautions"]) == (40, "Not trained on", [])


def test_what_is_not_fair_is_said_and_not_called_better(folder: Path, capsys: pytest.CaptureFixture[str]):
    run = make_crossval(folder).name
    assert main(["compare", str(folder), "--run", "001", "--run", run]) == 0
    written = capsys.readouterr()
    assert f"not a fair comparison: {run} is a cross-validation" in written.err
    # the training has learnt 20 of the 40
    assert "on 20 labelled images not trained on" in written.out
    assert "better" not in written.out
    assert main(["compare", str(folder), "--run", "001", "--run", "002", "--split", "train"]) == 0
    assert "Both were trained on all of these images" in capsys.readouterr().err


def test_compare_wants_two_runs(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", str(folder), "--run", "001-before"]) == 1
    assert "Give --run twice" in capsys.readouterr().err


def test_crossval_goes_on_with_nothing_but_a_cross_validation(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["crossval", str(folder), "--resume", "001-before"]) == 1
    assert "001-before is no cross-validation" in capsys.readouterr().err
    assert main(["crossval", str(folder), "--folds", "1"]) == 1
    assert "at least 2" in capsys.readouterr().err
    assert not RunFolder(folder / "runs" / "003-crossval").path.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--folds", "5"],
        ["--model", "reticle-s"],
        ["--epochs", "1"],
        ["--minutes", "1"],
        ["--device", "cpu"],
        ["--seed", "0"],
        ["--image-size", "96"],
        ["--batch-size", "2"],
        ["--weights", "w.pt"],
    ],
)
def test_options_that_the_folds_have_kept_are_refused_when_a_cross_validation_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
):
    with Project.open(folder) as project:
        run = create_cross_validation(project, TrainConfig(learning=Learning(minutes=1)), folds=2)
    assert main(["crossval", str(folder), "--resume", run.name, *words]) == 1
    assert f"{words[0]} cannot change in a run that goes on" in capsys.readouterr().err


def test_evaluate_writes_the_error_types_of_a_run(folder: Path, tmp_path: Path):
    target = tmp_path / "errors.json"
    assert main(["evaluate", str(folder), "--run", "001-before", "--errors", str(target)]) == 0
    errors = json.loads(target.read_text())
    assert list(errors) == ["Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FalsePos", "FalseNeg"]
    # the three objects of the last image, and the weak detections below the objects of the others
    assert (errors["Miss"]["count"], errors["Bkg"]["count"]) == (3, 57)
    assert errors["Miss"]["dAP"] == pytest.approx(0.05, abs=0.01)


def test_faults_of_pycocotools_are_refused_for_a_project(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", str(folder), "--run", "001-before", "--pycocotools-quirks"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "--pycocotools-quirks is for files. Give --gt and --dt" in told.err


def break_image(folder: Path, name: str, *, only: Sequence[str]) -> None:
    """Write a file that is no image, and of the detections of some runs what a worker writes then."""
    with Project.open(folder) as project:
        (project.image_root / name).write_bytes(b"no image")
        image_id = project.image_ids_by_path()[name]
        for run_name in only:
            run = RunFolder(project.runs_folder / run_name)
            found = load_detections(run)
            found = found.take(found.image_ids != image_id)
            others = [item for item in project.image_ids() if item != image_id]
            save_detections(run, found, image_ids=others, left_out=[image_id])


@pytest.mark.parametrize("command", ["evaluate", "audit", "compare", "report"])
def test_an_image_that_a_run_could_not_read_takes_no_part_and_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
):
    break_image(folder, "40.jpg", only=("002-after",))
    runs = ["--run", "001", "--run", "002"] if command == "compare" else ["--run", "002"]
    out = (
        ["--out", str(tmp_path / "r.html")] if command == "report" else ["--json", str(tmp_path / "out.json")]
    )
    assert main([command, str(folder), *runs, "--split", "test", *out]) == 0
    written = capsys.readouterr()
    assert "40.jpg: broken image" in written.err
    if command == "audit":
        assert "40.jpg" not in (tmp_path / "out.json").read_text()
    else:
        assert "19 labelled images of the test split" in written.out
    if command == "report":
        assert "1 labelled image could not be read and is in no figure: 40.jpg." in (
            tmp_path / "r.html"
        ).read_text(encoding="utf-8")


def test_perfect_detections_are_perfect_although_one_image_cannot_be_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with Project.open(folder) as project:
        truth = project.ground_truth()
        run = create_run(project, "perfect")
        take_snapshot(project).save(run.snapshot)
        found = Detections(
            image_ids=truth.image_ids,
            labels=truth.labels,
            boxes=truth.boxes,
            scores=np.linspace(0.5, 1.0, len(truth)),
        )
        save_detections(run, found, image_ids=project.image_ids())
    break_image(folder, "33.jpg", only=("003-perfect",))
    target = tmp_path / "figures.json"
    assert main(["evaluate", str(folder), "--run", "003", "--split", "all", "--json", str(target)]) == 0
    assert json.loads(target.read_text())["AP"] == pytest.approx(1.0)
    assert "33.jpg" in capsys.readouterr().err


def test_a_cross_validation_that_was_stopped_ends_as_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    stopped = Outcome(
        state=OutcomeState.STOPPED, text="stopped", ended=Ended(reason=EndReason.STOPPED, time=0.0)
    )
    monkeypatch.setattr("detcore.cli.audit_commands.watch_job", lambda _make: stopped)
    assert main(["crossval", str(folder), "--folds", "2", "--minutes", "0.1"]) == 130
