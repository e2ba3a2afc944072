"""Making runs and taking them up again: one way for the window and the command line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detcore.cli import main
from detcore.errors import ConfigError, ProjectError
from detcore.jobs.config import TrainConfig
from detcore.jobs.events import Ended, EndReason, Started, Step, encode
from detcore.jobs.outcomes import Outcome, OutcomeState
from detcore.jobs.preparing.folds import create_cross_validation
from detcore.jobs.preparing.runs import prepare_cross_validation, prepare_resume, prepare_run
from detcore.jobs.settings.learning import Learning
from detcore.project.edits import add_class, remove_images, set_split
from detcore.project.project import Project
from detcore.project.runs import RunFolder, find_run, hold_run, list_runs
from detcore.project.snapshot import Snapshot
from tests.settings_of_runs import with_settings

MakeProject = Callable[..., Project]
CONFIG = TrainConfig(learning=Learning(minutes=1.0))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line without the process that trains."""

    def finished(_make: Callable[..., object]) -> Outcome:
        return Outcome(state=OutcomeState.COMPLETED, text="training completed")

    monkeypatch.setattr("detcore.cli.model_commands.watch_job", finished)


@pytest.mark.usefixtures("worker")
def test_train_divides_images_that_have_no_splits_and_says_so(
    make_project: MakeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    with make_project(boxed=10, empty=10) as project:
        folder = project.folder
    assert main(["train", str(folder), "--epochs", "1"]) == 0
    words = capsys.readouterr().out
    assert "The images without a split were divided: 70% train, 15% val, 15% test." in words
    with Project.open(folder) as project:
        assert Counter(image.split for image in project.images()) == {"train": 14, "val": 3, "test": 3}
        boxed = Counter(image.split for image in project.images(project.image_ids()[:10]))
        assert boxed == {"train": 7, "val": 2, "test": 1}
        snapshot = Snapshot.load(find_run(project, "001").snapshot)
        assert [image.split for image in snapshot.images] == [image.split for image in project.images()]
        assert project.undo_text == "Assign splits"


@pytest.mark.usefixtures("worker")
def test_train_leaves_splits_alone_that_are_there(make_project: MakeProject) -> None:
    with make_project(boxed=4, splits={1: "train", 2: "val"}) as project:
        folder = project.folder
    assert main(["train", str(folder), "--epochs", "1"]) == 0
    with Project.open(folder) as project:
        assert [image.split for image in project.images()] == ["train", "val", None, None]


def test_train_refuses_a_project_whose_image_folder_is_gone(
    make_project: MakeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    with make_project(boxed=4) as project:
        folder, root = project.folder, project.image_root
    root.rmdir()
    assert main(["train", str(folder), "--epochs", "1"]) == 1
    assert main(["crossval", str(folder), "--epochs", "1", "--folds", "2"]) == 1
    words = capsys.readouterr().err
    assert words.count("the folder of the images is not there") == 2
    with Project.open(folder) as project:
        assert list_runs(project) == []


@pytest.mark.parametrize(
    ("project_of", "config", "words"),
    [
        ({"boxed": 0, "empty": 3}, CONFIG, "no labelled images yet"),
        (
            {"boxed": 1, "empty": 2, "splits": {1: "val", 2: "train"}},
            CONFIG,
            "no image with boxes is in the train",
        ),
        ({"boxed": 3}, with_settings(CONFIG, weights="/nowhere/w.pt"), "no such weights file"),
    ],
)
def test_what_would_fail_is_said_before_there_is_a_run_or_a_split(
    make_project: MakeProject, project_of: dict[str, object], config: TrainConfig, words: str
) -> None:
    with make_project(**project_of) as project:
        before = project.images()
        with pytest.raises(ConfigError, match=words):
            prepare_run(project, config)
        assert project.images() == before
        assert list_runs(project) == []


def test_folds_of_the_command_line_start_without_what_has_learnt_the_labels(
    make_project: MakeProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_make: Callable[..., object]) -> Outcome:
        return Outcome(state=OutcomeState.COMPLETED, text="done")

    monkeypatch.setattr("detcore.cli.audit_commands.watch_job", stopped)
    with make_project(boxed=4, splits={1: "train", 2: "train", 3: "train", 4: "val"}) as project:
        folder, run = project.folder, prepare_run(project, CONFIG).run
    run.best.write_bytes(b"")
    assert main(["crossval", str(folder), "--epochs", "1", "--folds", "2", "--weights", str(run.best)]) == 0
    assert "have learnt the labels to be judged" in capsys.readouterr().out
    folds = sorted((folder / "runs" / "002-crossval" / "folds").iterdir())
    assert [TrainConfig.load(RunFolder(fold).config).learning.weights for fold in folds] == [None, None]


def completed(run: RunFolder) -> None:
    """What a process would have written that trained to the end."""
    told = (Started(time=0.0, device="cpu", device_name="CPU"), Ended(reason=EndReason.COMPLETED, time=9.0))
    run.events.write_text("".join(f"{encode(event)}\n" for event in told))


@pytest.fixture
def learnt(make_project: MakeProject) -> Iterator[tuple[Project, RunFolder]]:
    """A project of six images, one of which judges, and a run of it with weights."""
    splits = {1: "train", 2: "train", 3: "val", 4: "train"}
    with make_project(boxed=4, unseen=2, splits=splits) as project:
        run = prepare_run(project, CONFIG).run
        run.best.write_bytes(b"")
        completed(run)
        yield project, run


def test_a_training_begins_with_what_an_earlier_run_has_learnt_of_the_same_task_and_says_so(
    learnt: tuple[Project, RunFolder],
) -> None:
    project, run = learnt
    prepared = prepare_run(project, CONFIG)
    assert TrainConfig.load(prepared.run.config).learning.weights == str(run.best)
    assert prepared.notes == (
        "Starts from what 001-reticle-s has learnt: the same detector and classes, judged by images that neither has seen.",
    )


def test_who_wants_to_begin_with_nothing_does(learnt: tuple[Project, RunFolder]) -> None:
    project, _ = learnt
    config = with_settings(CONFIG, weights="none")
    prepared = prepare_run(project, config)
    assert prepared.notes == ()
    kept = TrainConfig.load(prepared.run.config)
    assert (kept.learning.weights, kept.first_weights) == ("none", None)
    assert prepare_resume(project, prepared.run, minutes=1.0).run == prepared.run


def _another_class(project: Project) -> None:
    project.edit(add_class, "platelet")


def _judged_by_what_was_learnt(project: Project) -> None:
    project.edit(set_split, {1: "val"})


def _judged_by_nothing(project: Project) -> None:
    project.edit(set_split, {3: "test"})


@pytest.mark.parametrize("change", [_another_class, _judged_by_what_was_learnt, _judged_by_nothing])
def test_what_has_learnt_another_task_or_images_that_judge_is_no_beginning(
    learnt: tuple[Project, RunFolder], change: Callable[[Project], None]
) -> None:
    project, _ = learnt
    change(project)
    prepared = prepare_run(project, CONFIG)
    assert TrainConfig.load(prepared.run.config).learning.weights is None
    assert prepared.notes == ()


def test_what_was_never_judged_or_goes_back_to_an_image_that_judges_is_no_beginning(
    learnt: tuple[Project, RunFolder],
) -> None:
    project, first = learnt
    second = prepare_run(project, CONFIG).run
    second.best.write_bytes(b"")
    assert TrainConfig.load(prepare_run(project, CONFIG).run.config).learning.weights == str(first.best)
    completed(second)
    assert TrainConfig.load(prepare_run(project, CONFIG).run.config).learning.weights == str(second.best)
    # as if the first one had learnt from the image that judges
    snapshot = Snapshot.load(first.snapshot)
    snapshot.divided(dict.fromkeys((image.id for image in snapshot.images), "train")).save(first.snapshot)
    assert TrainConfig.load(prepare_run(project, CONFIG).run.config).learning.weights is None


def test_what_another_detector_has_learnt_is_no_beginning(learnt: tuple[Project, RunFolder]) -> None:
    project, _ = learnt
    prepared = prepare_run(project, replace(CONFIG, detector="reticle-n"))
    assert TrainConfig.load(prepared.run.config).learning.weights is None


def test_folds_begin_with_nothing_that_a_run_has_learnt(learnt: tuple[Project, RunFolder]) -> None:
    project, _ = learnt
    run = prepare_cross_validation(project, CONFIG, folds=2).run
    folds = sorted((run.path / "folds").iterdir())
    assert [TrainConfig.load(RunFolder(fold).config).learning.weights for fold in folds] == [None, None]


@pytest.mark.parametrize(("flips", "looks"), [(True, 2), (False, 1)])
def test_folds_look_twice_at_what_they_judge_where_mirror_images_are_learnt(
    learnt: tuple[Project, RunFolder], flips: bool, looks: int
) -> None:
    project, _ = learnt
    config = replace(CONFIG, augmentation=replace(CONFIG.augmentation, flip_horizontal=flips))
    run = prepare_cross_validation(project, config, folds=2).run
    folds = sorted((run.path / "folds").iterdir())
    assert [TrainConfig.load(RunFolder(fold).config).looks for fold in folds] == [looks, looks]


def begun(run: RunFolder, *, seconds: float, epoch: float) -> None:
    """What a process would have written that trained so long."""
    run.events.write_text(
        "".join(
            f"{encode(event)}\n"
            for event in (
                Started(time=0.0, device="cpu", device_name="CPU"),
                Step(
                    step=9,
                    epoch=epoch,
                    time=seconds,
                    fraction=0.5,
                    remaining=None,
                    learning_rate=0.1,
                    losses={},
                    images_per_second=1.0,
                ),
                Ended(reason=EndReason.STOPPED, time=seconds),
            )
        )
    )


def test_a_length_comes_on_top_of_what_a_run_has_done(make_project: MakeProject) -> None:
    with make_project(boxed=4, splits={1: "train", 2: "val"}) as project:
        run = prepare_run(project, CONFIG).run
        begun(run, seconds=90.0, epoch=3.2)
        prepare_resume(project, run, minutes=2.0)
        assert TrainConfig.load(run.config).learning.minutes == 3.5
        prepare_resume(project, run, epochs=2)
        assert (
            TrainConfig.load(run.config).learning.minutes,
            TrainConfig.load(run.config).learning.epochs,
        ) == (None, 5)
        prepare_resume(project, run, device="cpu")
        assert (
            TrainConfig.load(run.config).learning.epochs,
            TrainConfig.load(run.config).runtime.device,
        ) == (5, "cpu")


def test_a_run_whose_detector_is_not_installed_is_listed_and_not_gone_on_with(
    make_project: MakeProject,
) -> None:
    with make_project(boxed=4, splits={1: "train", 2: "val"}) as project:
        run = prepare_run(project, CONFIG).run
        run.config.write_text('{"model": "yolo9000", "options": {"wings": 2}}')
        run.info.write_text('{"model": "yolo9000", "created": 0.0, "learns_from": ""}')
        assert [info.model for info in list_runs(project)] == ["yolo9000"]
        with pytest.raises(ConfigError, match="the detector 'yolo9000' is not installed"):
            prepare_resume(project, run)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("yolo9000", {}, "'yolo9000' is not installed"),
        ("fcos", {"backbone": "vgg16"}, "It must be resnet50 or resnet18 or mobilenet_v3_large"),
        ("reticle-s", {"wings": 2}, "It has widths"),
    ],
)
def test_a_detector_or_option_that_there_is_not_is_told_before_there_is_a_run(
    make_project: MakeProject, model: str, options: dict[str, object], words: str
) -> None:
    with make_project(boxed=4, splits={1: "train", 2: "val"}) as project:
        with pytest.raises(ConfigError, match=words):
            prepare_run(project, replace(CONFIG, detector=model, options=options))
        assert list_runs(project) == []


def test_a_run_that_a_process_works_on_is_left_alone(make_project: MakeProject) -> None:
    with make_project(boxed=4, splits={1: "train"}) as project:
        run = prepare_run(project, CONFIG).run
        with hold_run(run), pytest.raises(ProjectError, match="another process works on this run"):
            prepare_resume(project, run, minutes=5.0)
        assert TrainConfig.load(run.config) == CONFIG


def moved(project: Project, *, images: str = "photos", folder: str = "q.reticle") -> Project:
    """The project after its image folder and its own have been renamed by hand."""
    parent, root = project.folder.parent, project.image_root
    project.close()
    root.rename(parent / images)
    project.folder.rename(parent / folder)
    again = Project.open(parent / folder)
    again.set_image_root(parent / images)
    return again


def test_a_run_finds_its_images_and_weights_in_a_project_that_was_renamed(
    make_project: MakeProject, tmp_path: Path
) -> None:
    project = make_project(boxed=4, splits={1: "train", 2: "train"})
    first = prepare_run(project, CONFIG).run
    first.best.write_bytes(b"")
    prepare_run(project, with_settings(CONFIG, weights=str(first.best)))
    with moved(project) as project:
        run = find_run(project, "002")
        prepare_resume(project, run)
        snapshot = Snapshot.load(run.snapshot)
        assert [image.path for image in snapshot.images] == [
            str(tmp_path / "photos" / f"{number}.png") for number in range(1, 5)
        ]
        assert [image.split for image in snapshot.images] == ["train", "train", None, None]
        assert TrainConfig.load(run.config).learning.weights == str(find_run(project, "001").best)


def test_folds_find_their_images_in_a_project_that_was_renamed(
    make_project: MakeProject, tmp_path: Path
) -> None:
    project = make_project(boxed=4)
    prepare_cross_validation(project, CONFIG, folds=2)
    with moved(project) as project:
        run = find_run(project, "001")
        assert prepare_resume(project, run).in_folds
        for path in (run.snapshot, *(fold / "snapshot.npz" for fold in (run.path / "folds").iterdir())):
            assert {Path(image.path).parent for image in Snapshot.load(path).images} == {tmp_path / "photos"}


def test_images_that_left_the_project_stay_in_the_list_of_a_run_that_goes_on(
    make_project: MakeProject,
) -> None:
    with make_project(boxed=4, splits={1: "train"}) as project:
        run = prepare_run(project, CONFIG).run
        before = Snapshot.load(run.snapshot).images
        project.edit(remove_images, [2])
        prepare_resume(project, run)
        assert Snapshot.load(run.snapshot).images == before


@pytest.mark.parametrize("name", ["reticle-s", "crossval"])
def test_a_run_whose_making_was_cut_short_between_two_files_is_not_gone_on_with(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As if the process had been killed: nothing tidies up."""
    monkeypatch.setattr("detcore.project.unused_runs.remove_unused", lambda _run: False)

    def make(project: Project) -> None:
        if name == "crossval":
            create_cross_validation(project, CONFIG, folds=2)
        else:
            prepare_run(project, CONFIG)

    replacing = os.replace
    with make_project(boxed=4, splits={1: "train"}) as project:
        for files in range(20):
            renamed: list[Path] = []

            def rename(
                source: Path, target: Path, *, files: int = files, renamed: list[Path] = renamed
            ) -> None:
                if len(renamed) == files:
                    raise KeyboardInterrupt
                renamed.append(target)
                replacing(source, target)

            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", rename)
                try:
                    make(project)
                except KeyboardInterrupt:
                    pass
                else:
                    break
            with pytest.raises(ProjectError, match="not made to its end"):
                prepare_resume(project, find_run(project, f"{files + 1:03d}"))
        # run.json, config, snapshot; or these, the plan, and two for each fold
        assert files == {"reticle-s": 3, "crossval": 8}[name]
        prepare_resume(project, find_run(project, f"{files + 1:03d}"))
