"""What the command line refuses, in one line each and before the work."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from detcore.cli.main import main
from detcore.cli.watching import watch_job
from detcore.errors import Cancelled
from detcore.jobs.owner import Outcome, OutcomeState, WorkerJob
from detcore.project.edits import add_images
from detcore.project.project import Project
from detcore.project.runs import create_run
from detcore.types import Image as StoredImage
from detcore.types import Status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "a.reticle"
    with Project.create(path, image_root=tmp_path) as project:
        create_run(project, "reticle-s")
    return path


@pytest.mark.parametrize("where", ["missing/x.json", "."])
@pytest.mark.parametrize("option", ["--json", "--errors"])
def test_a_file_that_cannot_be_written_is_told_in_one_line_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, where: str
) -> None:
    truth = tmp_path / "no-such-truth.json"
    words = ["evaluate", "--gt", str(truth), "--dt", str(truth), option, str(tmp_path / where)]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert option in told
    assert truth.name not in told


def test_what_the_system_says_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_options: object) -> int:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr("detcore.cli.data_commands.info", fail)
    assert main(["info", "a.reticle"]) == 1
    told = "Permission denied. Check that the folder is there and that you may write to it."
    assert capsys.readouterr().err == f"error: /some/file: {told}\n"


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_where_a_folder_should_be_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["sample", str(tmp_path / name)]) == 1
    assert "A file is in the place of a folder" in capsys.readouterr().err


def test_names_that_the_terminal_cannot_show_are_escaped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    assert main(["train", str(folder), "--resume", "Zelle-\u00e4"]) == 1
    assert b"Zelle-\\xe4" in raw.getvalue()


@pytest.fixture
def left() -> Iterator[TextIO]:
    """A stream whose reader has gone, as `head` does."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield stream


def test_files_are_written_also_when_nobody_reads_the_lines(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: TextIO
) -> None:
    monkeypatch.setattr(sys, "stdout", left)
    assert main(["duplicates", str(folder), "--json", str(tmp_path / "pairs.json")]) == 0
    assert json.loads((tmp_path / "pairs.json").read_text())["images"] == 0


def test_files_are_written_also_without_a_place_for_the_lines(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["duplicates", str(folder), "--json", str(tmp_path / "pairs.json")]) == 0
    assert (tmp_path / "pairs.json").is_file()


def test_the_status_tells_of_an_error_that_nobody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: TextIO
) -> None:
    monkeypatch.setattr(sys, "stderr", left)
    assert main(["info", str(tmp_path / "none.reticle")]) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--resume", "001"], "Go on with crossval --resume 001-crossval"),
        (["predict", "--run", "001"], "001-crossval is a cross-validation"),
        (["evaluate", "--run", "001"], "Go on with crossval --resume 001-crossval"),
    ],
)
def test_a_cross_validation_is_not_taken_for_a_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with Project.create(tmp_path / "b.reticle", image_root=tmp_path) as project:
        project.edit(add_images, [StoredImage(id=0, path="a.jpg", status=Status.VERIFIED)])
        run = create_run(project, "crossval")
    run.plan.write_text('{"held_out": [[1]]}')
    before = sorted(run.path.iterdir())
    assert main([words[0], str(tmp_path / "b.reticle"), *words[1:]]) == 1
    assert told in capsys.readouterr().err
    assert sorted(run.path.iterdir()) == before


@pytest.mark.parametrize(
    "words",
    [
        ["next", "--run", "001", "--count", "0"],
        ["next", "--run", "001", "--count", "-3"],
        ["compare", "--run", "001", "--run", "001", "--threshold", "nan"],
        ["report", "--run", "001", "--out", "r.html", "--threshold", "7"],
    ],
)
def test_numbers_that_no_result_could_have_are_wrong_usage(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([words[0], str(folder), *words[1:]])
    assert f"{words[-2]}: {words[-1]} is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "words", "of"),
    [
        ("coco", ["--jpeg"], "voc"),
        ("yolo", ["--coordinates", "int"], "voc"),
        ("voc", ["--polygon"], "coco"),
        ("yolo", ["--difficult-as-crowd"], "coco"),
    ],
)
def test_an_option_of_another_format_is_said_to_change_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, words: list[str], of: str
) -> None:
    for chosen in (kind, of):
        main(["export", str(folder), "--format", chosen, "--out", str(tmp_path / "out"), *words])
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert told == [f"note: {words[0]} changes nothing in {kind}: it is for {of}"]


@pytest.mark.parametrize("words", [["a.reticle"], ["--run", "001"], ["--split", "val"]])
def test_files_and_a_project_are_not_scored_at_once(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["evaluate", *words, "--gt", "none.json", "--dt", "none.json"]) == 1
    assert "not both" in capsys.readouterr().err


def test_what_a_command_that_was_stopped_left_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_options: object) -> int:
        raise Cancelled("stopped; the detections are those of before")

    monkeypatch.setattr("detcore.cli.data_commands.info", stop)
    assert main(["info", "a.reticle"]) == 130
    assert capsys.readouterr().err == "stopped; the detections are those of before.\n"


class StoppedByKey(WorkerJob):
    """Ctrl+C comes while it is waited for."""

    def __init__(self) -> None:
        super().__init__([], on_event=lambda _event: None)
        self.stopped = False

    def start(self) -> None:
        pass

    def wait(self, timeout: float | None = None) -> Outcome | None:
        if not self.stopped:
            raise KeyboardInterrupt
        return Outcome(state=OutcomeState.STOPPED, text="prediction stopped")

    def stop(self) -> None:
        self.stopped = True


def test_a_prediction_that_is_stopped_does_not_claim_to_have_learnt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert watch_job(lambda _hear: StoppedByKey()).state is OutcomeState.STOPPED
    assert capsys.readouterr().err == "stopping …\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--seed", "0"],
        ["--batch-size", "2"],
        ["--model", "reticle-s"],
        ["--image-size", "96"],
        ["--weights", "w.pt"],
    ],
)
def test_settings_that_a_run_keeps_are_refused_when_it_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["train", str(folder), "--resume", "001-reticle-s", *words]) == 1
    assert f"{words[0]} cannot change in a run that goes on" in capsys.readouterr().err


def test_without_a_screen_the_window_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("PySide6")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a screen")
    assert main([]) == 1
    told = capsys.readouterr().err
    assert "there is no screen" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--model", "faster-rcnn", "--option", "regions=9000"],
            "error: option regions of faster-rcnn is 9000. It must be a whole number from 16 to 2048.\n",
        ),
        (
            ["--model", "faster-rcnn", "--option", "regions=many"],
            "error: option regions of faster-rcnn is 'many'. It must be a whole number from 16 to 2048.\n",
        ),
        (
            ["--model", "fcos", "--option", "backbone=resnet50", "--option", "depth=3"],
            "error: fcos has no option 'depth'. It has backbone, freeze_norm, centre_radius.\n",
        ),
        (["--option", "depth=3"], "error: reticle-s has no option 'depth'. It has widths.\n"),
    ],
)
@pytest.mark.parametrize("command", ["train", "crossval"])
def test_a_wrong_option_of_a_detector_is_told_with_what_is_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, words: list[str], told: str
) -> None:
    assert main([command, str(folder), *words]) == 1
    assert capsys.readouterr().err == told


def test_an_option_without_a_value_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", str(folder), "--model", "fcos", "--option", "backbone"])
    assert caught.value.code == 2
    assert "backbone is not NAME=VALUE" in capsys.readouterr().err


def test_options_of_a_run_that_goes_on_stay_as_they_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(folder), "--resume", "001", "--option", "backbone=resnet50"]) == 1
    assert "--option cannot change in a run that goes on" in capsys.readouterr().err
