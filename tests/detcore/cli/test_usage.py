"""What the command line refuses, in one line each and before the work."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from detcore.cli.main import main
from detcore.project.project import Project
from detcore.project.runs import create_run


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


def test_names_that_the_terminal_cannot_show_are_escaped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    assert main(["train", str(folder), "--resume", "Zelle-\u00e4"]) == 1
    assert b"Zelle-\\xe4" in raw.getvalue()


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
